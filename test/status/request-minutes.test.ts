import { RequestMinutes } from '../../src/status/request-minutes';
import { requestEnded, START_MS } from '../support/service-events';

const MINUTE = 60_000;

test('requests are counted by minute and by the scan that asked', () => {
  const minutes = new RequestMinutes();
  minutes.tell(requestEnded({ scan: 'sweep' }), START_MS);
  minutes.tell(requestEnded({ scan: 'sweep' }), START_MS + 59_999);
  minutes.tell(requestEnded({ scan: 'newest' }), START_MS + MINUTE);
  minutes.tell(requestEnded(), START_MS + MINUTE);
  const { minutesMs, byAsker, limit } = minutes.hourAt(START_MS + MINUTE + 5_000);
  expect(minutesMs).toHaveLength(60);
  expect(minutesMs.slice(-2)).toEqual([START_MS, START_MS + MINUTE]);
  expect(byAsker.sweep.slice(-2)).toEqual([2, 0]);
  expect(byAsker.newest.slice(-2)).toEqual([0, 1]);
  expect(byAsker.other.slice(-2)).toEqual([0, 1]);
  expect(limit).toBe(290);
});

test('a request that was not sent is not counted', () => {
  const minutes = new RequestMinutes();
  minutes.tell(requestEnded({ scan: 'sweep', waitedMs: null }), START_MS);
  expect(minutes.hourAt(START_MS).byAsker.sweep.at(-1)).toBe(0);
});

test('what is older than an hour is gone, after a silence too', () => {
  const minutes = new RequestMinutes();
  minutes.tell(requestEnded({ scan: 'sweep' }), START_MS);
  const sum = (nowMs: number): number => minutes.hourAt(nowMs).byAsker.sweep.reduce((all, one) => all + one, 0);
  expect([59, 60, 120, 600].map((later) => sum(START_MS + later * MINUTE))).toEqual([1, 0, 0, 0]);
  minutes.tell(requestEnded({ scan: 'sweep' }), START_MS + 60 * MINUTE);
  expect(sum(START_MS + 60 * MINUTE)).toBe(1);
});
