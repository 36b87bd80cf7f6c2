import type { Row } from '../../src/model';
import type { Rhythm } from '../../src/reading/stream-reading';
import { idOf, type ListRequest } from '../support/memory';
import { items, scene, when } from '../support/scene';

const never = 20 * 24 * 3_600_000;
const calm: Rhythm = {
  guarantees: () => ({ newest: never, open: never, recent: never, sweep: never }),
  recentDays: 45,
};
const isNewest = ({ params }: ListRequest): boolean => params['order'] === 'id desc';

/** A list of which one sweep is done, read on by a clock that runs ahead. */
async function followed(rows: Row[]) {
  const here = scene({ rows: { alfa: { items: rows } } });
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  let nowMs = Date.now() + 1_000;
  return { ...here, run: here.start({ rhythm: calm, limit: 100, now: () => (nowMs += 50) }) };
}

test('a stream in which documents come is looked at more often than one that rests', async () => {
  const rows = { busy: items(300), calm: items(300) };
  const here = scene({ rows: { alfa: { items: rows.busy }, beta: { items: rows.calm } } });
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  let nowMs = Date.now() + 1_000;
  const run = here.start({ rhythm: calm, limit: 100, now: () => (nowMs += 5) });
  for (let id = 301; id <= 312; id += 1) {
    rows.busy.push({ id, content: `new ${id}` });
    await when(() => here.kafka.records.some((record) => idOf(record) === id));
  }
  run.stop();
  await run.ended;
  const looks = (entity: string) => here.asked.filter((request) => isNewest(request) && request.entity === entity);
  expect(looks('alfa').length).toBeGreaterThan(looks('beta').length);
});

test('what is new below the first page of newest is walked to, not searched for', async () => {
  const rows = items(300);
  const here = await followed(rows);
  // From its first page on it knows where it has been.
  await when(() => here.asked.some(isNewest) && here.run.of('page').length > 0);
  rows.push(...Array.from({ length: 250 }, (_, at) => ({ id: 301 + at, content: 'new' })));
  await when(() => here.kafka.records.some((record) => idOf(record) === 301));
  here.run.stop();
  await here.run.ended;
  const scans = here.kafka.records.filter((record) => idOf(record) > 300).map(({ headers }) => headers['scan']);
  expect(new Set(scans)).not.toContain('search');
});
