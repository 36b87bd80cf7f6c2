import type { ServiceEvent } from '../../src/service/events';
import type { StreamStatus } from '../../src/status/stream-status';
import { Timeline } from '../../src/status/timeline';
import { START_MS } from '../support/service-events';

const well: StreamStatus = {
  ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS },
  ...{
    untilMs: null,
    sweep: null,
    completeMs: null,
    staleAfterMs: null,
    firstSweep: null,
    newestMs: null,
    filters: null,
  },
  ...{ toldMs: START_MS, owner: 'one', version: '0.2.0', entitySet: 'e1' },
};
const parked: StreamStatus = { ...well, state: 'parked', reason: 'unauthorized', toldMs: START_MS + 1_000 };
const seen = (status: StreamStatus | null): ServiceEvent => ({
  kind: 'status',
  entity: 'alfa',
  stream: 'clients',
  shard: 1,
  status,
});

function inShort(timeline: Timeline): readonly string[] {
  return timeline.newest().map(({ atMs, entity, stream, before, now }) => {
    const [from, to] = [before, now].map((one) => (one === null ? '?' : `${one.state} ${one.reason ?? 'well'}`));
    return `${(atMs - START_MS) / 1_000} ${entity} ${stream}: ${from} → ${to}`;
  });
}

test('a change of state or reason is told, another sweep is not', () => {
  const timeline = new Timeline('one');
  timeline.note([{ before: well, now: { ...well, completeMs: START_MS } }]);
  timeline.note([{ before: well, now: parked }]);
  timeline.note([{ before: parked, now: { ...parked, untilMs: START_MS + 9_000 } }]);
  timeline.note([{ before: parked, now: { ...well, toldMs: START_MS + 5_000 } }]);
  expect(inShort(timeline)).toEqual([
    '5 alfa clients: parked unauthorized → reading well',
    '1 alfa clients: reading well → parked unauthorized',
  ]);
});

test('a stream that begins is no change, one that begins with trouble is', () => {
  const timeline = new Timeline('one');
  timeline.note([{ before: null, now: { ...well, state: 'starting' } }]);
  timeline.note([{ before: null, now: parked }]);
  expect(inShort(timeline)).toEqual(['1 alfa clients: ? → parked unauthorized']);
});

test('streams of other replicas are told from the status topic, from the second record on', () => {
  const timeline = new Timeline('two');
  timeline.tell(seen(well));
  timeline.tell(seen(parked));
  timeline.tell(seen(null));
  timeline.tell(seen(well));
  expect(inShort(timeline)).toEqual(['1 alfa clients: reading well → parked unauthorized']);
});

test('what this replica has written itself is not told twice', () => {
  const timeline = new Timeline('one');
  timeline.tell(seen(well));
  timeline.note([{ before: well, now: parked }]);
  timeline.tell(seen(parked));
  expect(inShort(timeline)).toHaveLength(1);
});

test('the last five hundred changes are kept', () => {
  const timeline = new Timeline('one');
  for (let second = 1; second <= 1_200; second++) {
    const [before, now] = second % 2 === 0 ? [parked, well] : [well, parked];
    timeline.note([{ before, now: { ...now, toldMs: START_MS + second * 1_000 } }]);
  }
  const told = timeline.newest();
  expect(told).toHaveLength(500);
  expect([told[0]?.atMs, told.at(-1)?.atMs]).toEqual([START_MS + 1_200_000, START_MS + 701_000]);
});
