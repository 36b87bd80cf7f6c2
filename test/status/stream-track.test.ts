import { KAFKA_GRACE_MS, isLostFor, lossOf, StreamTrack, type Surroundings } from '../../src/status/stream-track';
import { iso, lostFor, pageRead, restored, START_MS } from '../support/service-events';

const around: Surroundings = {
  owner: 'one',
  version: '0.2.0',
  entitySet: 'e1',
  kafkaLostMs: null,
  entityParking: null,
  targets: { sweepMs: 60_000, newestMs: 60_000 },
};
const known = { isFirst: false, sweptAt: iso(START_MS) };

test('a reason that goes and comes back began when it came back', () => {
  const track = new StreamTrack(0, restored('clients', known), undefined, START_MS);
  const since = (ms: number, parked: boolean): number => {
    track.parking = parked ? { reason: 'forbidden', untilMs: null } : null;
    return track.statusAt({ ...around, targets: undefined }, START_MS + ms).sinceMs - START_MS;
  };
  expect([since(1_000, true), since(2_000, true), since(3_000, false), since(4_000, true)]).toEqual([
    1_000, 1_000, 3_000, 4_000,
  ]);
});

test('a stream whose target is not known yet is not stale', () => {
  const track = new StreamTrack(0, restored('clients', known), undefined, START_MS);
  const reasonAt = (targets: Surroundings['targets']) =>
    track.statusAt({ ...around, targets }, START_MS + 61_000).reason;
  expect([reasonAt(undefined), reasonAt(around.targets)]).toEqual([null, 'stale']);
});

test('a spot read and the rest of an earlier walk say nothing of the sweep', () => {
  const track = new StreamTrack(0, restored('clients'), undefined, START_MS);
  for (const scan of ['spot', 'open'] as const) {
    const page = pageRead(scan, { anchor: 9 });
    if (page.kind === 'page') track.page(page, START_MS);
  }
  expect(track.statusAt(around, START_MS)).toMatchObject({ state: 'reading', firstSweep: null, newestMs: null });
});

test.each([
  ['of Kafka', lostFor(0), 'kafka-lost'],
  ['of a shard with a fault', lostFor(0, 'parked'), 'shard-fault'],
  ['of a shard that a newer program wrote', lostFor(0, 'parked', 'newer-version'), 'unknown-version'],
  ['by a hand-over', lostFor(0, 'lost', 'hand-over'), undefined],
  ['by a refusal', lostFor(0, 'refused'), undefined],
])('a loss %s is told by its reason', (_what, event, reason) => {
  if (event.kind !== 'lost') throw new Error('expected a loss');
  expect(lossOf(event, START_MS)?.reason).toBe(reason);
});

test('a broker that restarts is no reason to be told of', () => {
  const at = [null, START_MS - KAFKA_GRACE_MS + 1, START_MS - KAFKA_GRACE_MS];
  expect(at.map((sinceMs) => isLostFor(sinceMs, START_MS))).toEqual([false, false, true]);
});

test('a stream that the account does not have is not stale however long that lasts, and begins anew once its list is there', () => {
  const track = new StreamTrack(0, restored('margin-invoices'), undefined, START_MS);
  const at = (ms: number) => track.statusAt(around, START_MS + ms);
  track.parking = { reason: 'not-available', untilMs: START_MS + 86_400_000 };
  expect(at(3_600_000)).toMatchObject({ state: 'parked', reason: 'not-available', also: [] });
  track.parking = { reason: 'forbidden', untilMs: null };
  expect(at(3_600_001)).toMatchObject({ reason: 'forbidden', also: ['stale'] });
  track.parking = { reason: 'not-available', untilMs: null };
  const page = pageRead('newest', { anchor: 9 });
  if (page.kind === 'page') track.page(page, START_MS + 3_600_002);
  expect([at(3_600_003).reason, at(3_660_003).reason]).toEqual([null, 'stale']);
});
