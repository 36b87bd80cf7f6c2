import type { Rhythm } from '../../src/reading/stream-reading';
import { idOf } from '../support/memory';
import { items, scene, type Scene, when } from '../support/scene';

const never = 20 * 24 * 3_600_000;
/** New documents are looked for again and again, and nothing else is read but for what that shows. */
const watching: Rhythm = {
  guarantees: () => ({ newest: 20, open: never, recent: never, sweep: never }),
  recentDays: 45,
};
const ABSENT_FOR_MS = 400;
const tombstones = ({ kafka }: Scene): number[] => kafka.records.filter(({ value }) => value === null).map(idOf);

/** A list of which one sweep is done, read on. */
async function followed(count: number) {
  const rows = items(count);
  const here = scene({ rows: { alfa: { items: rows } } });
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  const deletions = { maxShare: 1, confirm: null };
  const run = here.start({ rhythm: watching, limit: 100, absentForMs: ABSENT_FOR_MS, deletions });
  await when(() => run.of('page').length > 0);
  return { ...here, rows, run };
}

test('I5: a deleted row is published as deleted once a second read that was asked for late enough misses it, without a sweep', async () => {
  const here = await followed(1_000);
  const deletedMs = Date.now();
  here.rows.splice(400, 1);
  await when(() => tombstones(here).length > 0);
  expect(Date.now()).toBeGreaterThanOrEqual(deletedMs + ABSENT_FOR_MS);
  here.run.stop();
  await here.run.ended;
  expect(tombstones(here)).toEqual([401]);
  expect(here.run.of('sweep')).toEqual([]);
});

test('I5: a row that is back by then is not asked for', async () => {
  const here = await followed(300);
  const before = here.asked.length;
  const [row] = here.rows.splice(150, 1);
  await when(() => here.asked.slice(before).some(({ params }) => params['order'] === 'id asc'));
  if (row !== undefined) here.rows.splice(150, 0, row);
  const backMs = Date.now();
  await when(() => Date.now() > backMs + 2 * ABSENT_FOR_MS);
  here.run.stop();
  await here.run.ended;
  expect(tombstones(here)).toEqual([]);
  expect(here.askedAlone).toEqual([]);
});

test('I5: of runs that make one short sweep each, the second that is a minute after the first deletes what both have missed', async () => {
  const rows = items(50);
  const here = scene({ rows: { alfa: { items: rows } } });
  const deletions = { maxShare: 1, confirm: null };
  let nowMs = Date.parse('2026-02-01T10:00:00Z');
  /** A run by the clock, each of whose steps takes a millisecond. */
  const once = async (): Promise<number[]> => {
    const now = () => (nowMs += 1);
    expect(await here.start({ limit: 100, absentForMs: 60_000, deletions, now }).ended).toBeNull();
    return tombstones(here);
  };
  expect(await once()).toEqual([]);
  rows.splice(20, 1);
  nowMs += 3_600_000;
  expect(await once()).toEqual([]);
  nowMs += 30_000;
  expect(await once()).toEqual([]);
  nowMs += 3_600_000;
  expect(await once()).toEqual([21]);
});
