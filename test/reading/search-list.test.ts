import { FatalError } from '../../src/errors';
import type { Row, StreamDeclaration } from '../../src/model';
import type { Rhythm } from '../../src/reading/stream-reading';
import { idOf, itemStream, type ListRequest, rowOf } from '../support/memory';
import { items, scene, type Scene, type Setting, when } from '../support/scene';

const never = 20 * 24 * 3_600_000;
const calm: Rhythm = {
  guarantees: () => ({ newest: never, open: never, recent: never, sweep: never }),
  recentDays: 45,
};
const streams: StreamDeclaration[] = [itemStream('items', { opens: true })];
const isOpen = ({ params }: ListRequest): boolean => 'q[closed_null]' in params;

/** A list of open rows of which one sweep is done, read on by a clock that runs ahead. */
async function followed(rows: Row[], setting: Omit<Setting, 'rows' | 'streams'> = {}, stepMs = 5) {
  const here = scene({ rows: { alfa: { items: rows } }, streams, ...setting });
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  let nowMs = Date.now() + 1_000;
  const run = here.start({ rhythm: calm, limit: 100, now: () => (nowMs += stepMs) });
  return { ...here, run, nowMs: () => nowMs };
}

test('a payment is found by the total of the list of open rows, in a few pages of it', async () => {
  const rows = items(5_000);
  const here = await followed(rows);
  await when(() => here.asked.filter(isOpen).length > 2);
  const before = here.asked.length;
  rows[2_345] = { id: 2_346, content: 'paid', closed: '2026-01-01' };
  await when(() => here.kafka.records.some((record) => idOf(record) === 2_346 && rowOf(record)['content'] === 'paid'));
  here.run.stop();
  await here.run.ended;
  // A walk of the open list is 51 pages.
  expect(here.asked.slice(before).filter(isOpen).length).toBeLessThan(30);
  expect(here.kafka.records.filter(({ headers }) => headers['op'] === 'u').map(idOf)).toEqual([2_346]);
});

test.each([
  ['one more', 1],
  ['one less', -1],
  ['those of the page alone', null],
])('a total that is wrong for ever, %s, deletes nothing and parks nothing', async (_, by) => {
  const rows = items(1_000);
  const here = await followed(
    rows,
    {
      falsify: (answer) => ({ ...answer, totalCount: by === null ? answer.rows.length : answer.totalCount + by }),
    },
    300,
  );
  const until = here.nowMs() + 600_000;
  await when(() => here.nowMs() > until);
  here.run.stop();
  await here.run.ended;
  expect(here.run.of('parked')).toEqual([]);
  expect(here.kafka.records.filter(({ value }) => value === null)).toEqual([]);
  expect(here.kafka.records).toHaveLength(1_000);
});

test('an API that ignores the filter of open rows is not searched', async () => {
  const rows = items(500).map((row) => ({ ...row, ...(row.id % 2 === 0 && { closed: '2026-01-01' }) }));
  const here = await followed(rows, { heeds: () => false }, 300);
  const until = here.nowMs() + 300_000;
  await when(() => here.nowMs() > until);
  here.run.stop();
  await here.run.ended;
  expect(here.asked.filter(isOpen).length).toBeLessThan(3);
});

describe('lists as others have met them', () => {
  const tombstones = ({ kafka }: Pick<Scene, 'kafka'>) => kafka.records.filter(({ value }) => value === null).map(idOf);
  const pass = async (here: { readonly nowMs: () => number }, ms: number): Promise<void> => {
    const until = here.nowMs() + ms;
    await when(() => here.nowMs() > until);
  };

  test('a total that comes from a cache, and is right half a minute later, deletes nothing that is there', async () => {
    const rows = items(1_000);
    let counted = { total: 1_000, atMs: 0 };
    let clock = () => 0;
    const here = await followed(
      rows,
      {
        falsify: (answer) => {
          const nowMs = clock();
          if (nowMs - counted.atMs > 30_000) counted = { total: answer.totalCount, atMs: nowMs };
          return { ...answer, totalCount: Math.max(counted.total, answer.rows.length) };
        },
      },
      100,
    );
    clock = here.nowMs;
    rows.splice(499, 1);
    await when(() => tombstones(here).length > 0);
    await pass(here, 120_000);
    here.run.stop();
    await here.run.ended;
    expect([tombstones(here), here.run.of('parked')]).toEqual([[500], []]);
  });

  test('a total that goes on counting what was deleted costs no walk after walk, and deletes nothing else', async () => {
    const rows = items(1_000);
    const here = await followed(rows, { falsify: (answer) => ({ ...answer, totalCount: 1_000 }) }, 100);
    rows.splice(499, 1);
    await pass(here, 300_000);
    here.run.stop();
    await here.run.ended;
    expect(here.run.of('parked')).toEqual([]);
    expect(tombstones(here).filter((id) => id !== 500)).toEqual([]);
  });

  test('an offset that the API refuses ends the search, and parks nothing', async () => {
    const rows = items(1_000);
    let isStrict = false;
    const here = await followed(
      rows,
      {
        before(request) {
          if (!isStrict || request.offset < 300 || !isOpen(request)) return;
          throw new FatalError('expected 200, got 400', { reason: 'unexpected-status', parks: 'stream', status: 400 });
        },
      },
      20,
    );
    isStrict = true;
    rows[699] = { id: 700, content: 'paid', closed: '2026-01-01' };
    await when(() => here.kafka.records.some((record) => idOf(record) === 700 && rowOf(record)['content'] === 'paid'));
    here.run.stop();
    await here.run.ended;
    expect(here.run.of('parked')).toEqual([]);
  });

  test('a list that shows its first page whatever the offset is searched no further', async () => {
    const rows = items(1_000);
    let isStuck = false;
    const here = await followed(
      rows,
      {
        falsify: (answer, { offset, params }) =>
          isStuck && offset > 0 && params['order'] === 'id asc'
            ? { ...answer, rows: rows.slice(0, 100), totalCount: 999 }
            : answer,
      },
      20,
    );
    isStuck = true;
    rows.splice(699, 1);
    await pass(here, 60_000);
    here.run.stop();
    await here.run.ended;
    expect(tombstones(here)).toEqual([]);
  });
});
