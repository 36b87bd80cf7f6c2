import type { Cursor } from '../../src/model';
import { NO_COUNTS, nextWalk } from '../../src/rules/cursor';
import { forecast, type StreamToday } from '../../src/rules/forecast';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import { settings } from '../support/schedule';

const HOUR = 3_600_000;
const now = Date.parse('2026-03-02T10:00:00.000Z');
const query = { from: null, to: null, order: 'asc' } as const;

function stream(entity: string, declaration: StreamToday['declaration'], rows: number, cursors = {}): StreamToday {
  return { entity, declaration, rows: { sweep: rows, open: rows / 10, recent: rows / 10 }, cursors };
}

function cursor(startedMs: number, finishedMs: number | null): Cursor {
  const finishedAt = finishedMs === null ? null : new Date(finishedMs).toISOString();
  return { ...nextWalk(null, query, startedMs), counts: NO_COUNTS, finishedAt };
}

const plan = (streams: readonly StreamToday[], requestsPerMinute: number) =>
  forecast(streams, { settings, requestsPerMinute, nowMs: now });

test('of nothing is empty', () => {
  expect(plan([], 290)).toEqual({ wantedPerMinute: 0, forecasts: [] });
});

test('where requests suffice, every scan keeps its guarantee', () => {
  const { wantedPerMinute, forecasts } = plan([stream('a', invoices, 5_000)], 290);
  expect(Object.fromEntries(forecasts.map(({ scan, everyMs }) => [scan.scan, everyMs / 1_000]))).toEqual({
    newest: 300,
    open: 7_200,
    recent: 14_400,
    sweep: 21_600,
  });
  expect(wantedPerMinute).toBeCloseTo(1 / 5 + 6 / 120 + 6 / 240 + 51 / 360);
});

test('where they do not, all guarantees grow in proportion to what is wanted of half of the allowance', () => {
  const streams = Array.from({ length: 300 }, (_, at) => stream(`e${at}`, clients, 20_000));
  const { wantedPerMinute, forecasts } = plan(streams, 290);
  const slowdown = wantedPerMinute / (290 * 0.9 * 0.5);
  expect(slowdown).toBeGreaterThan(1);
  expect(forecasts[1]?.everyMs).toBeCloseTo(6 * HOUR * slowdown);
  expect(plan(streams, 0).forecasts[1]?.everyMs).toBe(6 * HOUR);
});

test('says what is due at the latest, and what is under way since when', () => {
  const due = (cursors: Record<string, Cursor>) =>
    plan([stream('a', clients, 100, cursors)], 290)
      .forecasts.filter(({ scan }) => scan.scan === 'sweep')
      .map(({ underWay, dueAtMs }) => [underWay, dueAtMs - now])[0];
  expect(due({})).toEqual([false, 0]);
  expect(due({ sweep: cursor(now - HOUR, now - HOUR / 2) })).toEqual([false, 5 * HOUR]);
  expect(due({ sweep: cursor(now - HOUR, null) })).toEqual([true, -HOUR]);
  // A clock that was set back.
  expect(due({ sweep: cursor(now + 50 * HOUR, now + 51 * HOUR) })).toEqual([false, 6 * HOUR]);
});
