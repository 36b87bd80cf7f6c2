import { FatalError } from '../../src/errors';
import type { Row, ScanName, StreamDeclaration } from '../../src/model';
import type { Rhythm } from '../../src/reading/stream-reading';
import { isoDay } from '../../src/rules/scope';
import { cursorOfScan, idOf, itemStream, type ListRequest } from '../support/memory';
import { items, quiet, scene, type Scene, type Setting, upTo, when } from '../support/scene';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

/** These scans again and again, the others once. */
function often(...scans: readonly ScanName[]): Rhythm {
  const every = (scan: ScanName) => (scans.includes(scan) ? 1 : 6 * HOUR);
  const guarantees = { newest: every('newest'), open: every('open'), recent: every('recent'), sweep: every('sweep') };
  return { guarantees: () => guarantees, recentDays: 45 };
}

/** One list, one sweep of which is done. */
async function synced(rows: Row[], setting: Omit<Setting, 'rows'> = {}) {
  const here = scene({ rows: { alfa: { items: rows } }, ...setting });
  const first = here.start({ rhythm: often(), limit: 100 });
  await when(() => first.of('sweep').length > 0 && markOf(here) !== undefined);
  first.stop();
  expect(await first.ended).toBeNull();
  return here;
}

const markOf = ({ kafka }: Scene): number | undefined =>
  cursorOfScan(kafka, { entity: 'alfa', stream: 'items', scan: 'newest' })?.mark;
const isNewest = ({ params }: ListRequest): boolean => params['order'] === 'id desc';
const isOpen = ({ params }: ListRequest): boolean => 'q[closed_null]' in params;
const newest = ({ asked }: Scene): number => asked.filter(isNewest).length;
const published = ({ kafka }: Scene, scan: ScanName): number[] =>
  kafka.records.filter(({ headers }) => headers['scan'] === scan).map(idOf);
/** Of those that came after the first sweep. */
const publishedNew = (here: Scene): number[] => ascending(published(here, 'newest').filter((id) => id > 20));
const from = (first: number, count: number): Row[] =>
  Array.from({ length: count }, (_, at) => ({ id: first + at, content: `new ${first + at}` }));
const ascending = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b);

describe('newest', () => {
  test('begins with the highest id of its first page as its mark, and leaves what is below to the sweep', async () => {
    const here = await synced(items(250));
    expect(markOf(here)).toBe(250);
    expect(newest(here)).toBe(1);
  });

  test('walks down to its mark however many documents are new', async () => {
    const rows = items(20);
    const here = await synced(rows);
    rows.push(...from(21, 250));
    const run = here.start({ rhythm: often('newest'), limit: 100 });
    await when(() => markOf(here) === 270);
    run.stop();
    await run.ended;
    expect(publishedNew(here)).toEqual(from(21, 250).map(({ id }) => id));
  });

  test('finds all of the first documents of an account that was empty, however many come at once', async () => {
    const rows: Row[] = [];
    const here = await synced(rows);
    rows.push(...from(21, 250));
    const run = here.start({ rhythm: often('newest'), limit: 100 });
    await when(() => markOf(here) === 270);
    run.stop();
    await run.ended;
    expect(publishedNew(here)).toEqual(from(21, 250).map(({ id }) => id));
  });

  test('loses none of 250 new documents when it is killed after its first page (I1)', async () => {
    let hangs = false;
    const rows = items(20);
    const here = await synced(rows, {
      before: (request) =>
        hangs && isNewest(request) && request.offset > 0 ? new Promise(() => undefined) : undefined,
    });
    rows.push(...from(21, 250));
    hangs = true;
    const killed = here.start({ rhythm: often('newest'), limit: 100 });
    await when(() => publishedNew(here).length === 100);
    expect(markOf(here)).toBe(20);
    killed.kill();
    hangs = false;
    const run = here.start({ rhythm: often('newest'), limit: 100 });
    await when(() => markOf(here) === 270);
    run.stop();
    await run.ended;
    expect(publishedNew(here)).toEqual(from(21, 250).map(({ id }) => id));
  });

  test('writes nothing to Kafka while there is nothing new', async () => {
    const here = await synced(items(20));
    const run = here.start({ rhythm: often('newest'), idleCommitMs: 1 });
    const before = newest(here);
    await when(() => newest(here) > before + 1);
    const written = here.kafka.state.length;
    await when(() => newest(here) > before + 20);
    expect(here.kafka.state.length).toBe(written);
    run.stop();
    await run.ended;
  });

  test('goes on where the two highest ids were deleted', async () => {
    const rows = items(20);
    const here = await synced(rows);
    rows.splice(18, 2);
    const run = here.start({ rhythm: often('newest') });
    const before = newest(here);
    await when(() => newest(here) > before + 3);
    expect([markOf(here), publishedNew(here)]).toEqual([20, []]);
    rows.push(...from(21, 2));
    await when(() => markOf(here) === 22);
    run.stop();
    await run.ended;
    expect(publishedNew(here)).toEqual([21, 22]);
  });

  test('goes on when the clock is set forward and back', async () => {
    let nowMs = Date.now();
    const rows = items(20);
    const here = await synced(rows);
    const run = here.start({ rhythm: often('newest'), now: () => (nowMs += 1) });
    for (const [jump, id] of [
      [-100 * DAY, 21],
      [200 * DAY, 22],
      [-100 * DAY, 23],
    ] as const) {
      nowMs += jump;
      rows.push(...from(id, 1));
      await when(() => markOf(here) === id);
    }
    run.stop();
    await run.ended;
  });
});

describe('open', () => {
  const streams: StreamDeclaration[] = [itemStream('items', { opens: true })];

  test('has a row that it no longer shows read by itself at once, and published', async () => {
    const rows = items(20);
    const here = await synced(rows, { streams });
    rows[6] = { id: 7, content: 'paid', closed: '2026-01-01' };
    const run = here.start({ rhythm: often('open') });
    await when(() => published(here, 'spot').length > 0);
    const asked = here.asked.filter(isOpen).length;
    await when(() => here.asked.filter(isOpen).length > asked + 5);
    run.stop();
    await run.ended;
    expect(published(here, 'spot')).toEqual([7]);
    expect(here.kafka.records.at(-1)?.headers).toMatchObject({ op: 'u', scan: 'spot' });
  });

  test('asks for a row that is gone, which is deleted once two reads of all rows have missed it (I5)', async () => {
    const rows = items(20);
    const here = await synced(rows, { streams });
    rows.splice(6, 1);
    let nowMs = Date.now();
    const run = here.start({ rhythm: often('open'), now: () => (nowMs += 5) });
    const tombstones = () => here.kafka.records.filter(({ value }) => value === null);
    await when(() => tombstones().length > 0);
    const asked = here.asked.filter(isOpen).length;
    await when(() => here.asked.filter(isOpen).length > asked + 5);
    run.stop();
    await run.ended;
    expect(tombstones().map(idOf)).toEqual([7]);
  });
});

describe('recent', () => {
  const streams: StreamDeclaration[] = [itemStream('items', { scoped: true })];
  const today = isoDay(Date.now());
  const since = isoDay(Date.now() - 45 * DAY);

  test('asks for its window only, and finds an edit in it', async () => {
    const rows: Row[] = items(20).map((row) => ({ ...row, date: row.id > 10 ? today : '2020-01-01' }));
    const here = await synced(rows, { streams });
    for (const at of [4, 14]) rows[at] = { id: at + 1, content: 'edited', date: at > 9 ? today : '2020-01-01' };
    const before = here.asked.length;
    const run = here.start({ rhythm: often('recent') });
    await when(() => published(here, 'recent').length > 0);
    run.stop();
    await run.ended;
    expect(published(here, 'recent')).toEqual([15]);
    expect(
      new Set(
        here.asked
          .slice(before)
          .filter((request) => !isNewest(request))
          .map(({ params }) => params['q[date_gteq]']),
      ),
    ).toEqual(new Set([since]));
  });

  test('asks for nothing where the scope ends before its window', async () => {
    const rows = items(20).map((row) => ({ ...row, date: '2020-01-01' }));
    const here = scene({ rows: { alfa: { items: rows } }, streams });
    const run = here.start({ rhythm: often('recent'), endDate: '2020-12-31' });
    await when(() => run.of('sweep').length > 0);
    await quiet();
    run.stop();
    await run.ended;
    expect(here.asked.filter(({ params }) => 'q[date_gteq]' in params)).toEqual([]);
  });
});

describe('a filter that the API ignores', () => {
  const streams: StreamDeclaration[] = [itemStream('items', { opens: true, scoped: true })];
  const rows = (): Row[] => {
    const date = isoDay(Date.now());
    return items(20).map((row) => (row.id > 10 ? { ...row, date, closed: date } : { ...row, date: '2020-01-01' }));
  };

  test.each([
    ['open', 'q[closed_null]'],
    ['recent', 'q[date_gteq]'],
  ] as const)(
    'lets %s rest for an hour with one warning, from the start and in mid-run, and the sweep goes on',
    async (scan, filter) => {
      for (const from of ['the start', 'mid-run']) {
        let heeded = from === 'mid-run';
        const here = scene({ rows: { alfa: { items: rows() } }, streams, heeds: (name) => name !== filter || heeded });
        const asks = (): number => here.asked.filter(({ params }) => filter in params).length;
        const run = here.start({ rhythm: often(scan, 'sweep') });
        if (heeded) {
          await when(() => asks() > 20);
          expect(run.of('warning')).toEqual([]);
          heeded = false;
        }
        await when(() => run.of('warning').length > 0);
        const [asked, sweeps] = [asks(), run.of('sweep').length];
        await when(() => run.of('sweep').length > sweeps + 3);
        expect([asks() - asked, run.of('warning')]).toEqual([0, ['alfa items']]);
        run.stop();
        await run.ended;
        expect(ascending(here.kafka.records.map(idOf))).toEqual(upTo(20));
      }
    },
  );
});

describe('a filter that the API refuses', () => {
  test.each([
    [400, 'open', 'q[closed_null]'],
    [422, 'recent', 'q[date_gteq]'],
    [404, 'open', 'q[closed_null]'],
    [410, 'recent', 'q[date_gteq]'],
  ] as const)('with %i lets %s alone rest, with one warning, and parks nothing (I9)', async (status, scan, filter) => {
    const date = isoDay(Date.now());
    const here = scene({
      rows: { alfa: { items: items(20).map((row) => ({ ...row, date, closed: null })) } },
      streams: [itemStream('items', { opens: true, scoped: true })],
      before: ({ params }) => {
        if (!(filter in params)) return;
        const reason = 'unexpected-status';
        throw new FatalError(`expected 200, got ${status}`, { reason, parks: 'stream', status });
      },
    });
    const asks = (): number => here.asked.filter(({ params }) => filter in params).length;
    const run = here.start({ rhythm: often(scan, 'sweep'), parkMs: () => HOUR });
    await when(() => run.of('warning').length > 0);
    const [asked, sweeps] = [asks(), run.of('sweep').length];
    await when(() => run.of('sweep').length > sweeps + 3);
    expect([asks() - asked, run.of('warning'), run.of('parked')]).toEqual([0, ['alfa items'], []]);
    run.stop();
    await run.ended;
  });
});

test('what newest counts beside what is known is searched for, and nothing else is read for it', async () => {
  const rows = items(2_000);
  const here = await synced(rows);
  const run = here.start({ rhythm: often('newest'), limit: 100, deletions: { maxShare: 1, confirm: null } });
  const before = here.asked.length;
  rows.splice(777, 1);
  await when(() => here.kafka.records.some(({ value }) => value === null));
  run.stop();
  await run.ended;
  expect(here.kafka.records.filter(({ value }) => value === null).map(idOf)).toEqual([778]);
  // Bisection over twenty pages, and a page for each of the two proofs.
  expect(here.asked.slice(before).filter((request) => !isNewest(request)).length).toBeLessThan(12);
  expect(run.of('sweep')).toEqual([]);
});

describe('a scan whose first request may not be made yet', () => {
  /** Leave that is granted when the test says so. */
  function held() {
    const waiting = new Set<() => void>();
    const given = { back: 0 };
    const leave: NonNullable<Setting['leave']> = (grant) => {
      const give = (): void => {
        waiting.delete(give);
        grant({ done: () => (given.back += 1) });
      };
      waiting.add(give);
      return () => void waiting.delete(give);
    };
    return { leave, waiting, given };
  }

  test('asks for nothing, and the run goes on until it may (I10)', async () => {
    const { leave, waiting } = held();
    const here = scene({ rows: { alfa: { items: items(3) } }, leave });
    const run = here.start({ rhythm: often() });
    await when(() => waiting.size === 2);
    await quiet();
    expect(here.asked).toEqual([]);
    expect(await Promise.race([run.ended, Promise.resolve('goes on')])).toBe('goes on');
    for (const give of waiting) give();
    await when(() => run.of('sweep').length > 0);
    run.stop();
    expect(await run.ended).toBeNull();
  });

  test('leaves the queue at a stop, which nothing holds up then', async () => {
    const { leave, waiting } = held();
    const here = scene({ rows: { alfa: { items: items(3) } }, leave });
    const run = here.start({ rhythm: often() });
    await when(() => waiting.size === 2);
    run.stop();
    expect(await run.ended).toBeNull();
    expect([waiting.size, here.asked]).toEqual([0, []]);
  });

  test('gives the leave back once its walk has ended', async () => {
    const { leave, waiting, given } = held();
    const here = scene({ rows: { alfa: { items: items(3) } }, leave });
    const run = here.start({ rhythm: often() });
    await when(() => waiting.size === 2);
    for (const give of waiting) give();
    await when(() => given.back === 2);
    run.stop();
    expect(await run.ended).toBeNull();
  });
});

test('a total that the rows contradict is told once, however often the list is walked, and again when it was right meanwhile', async () => {
  let missing = 1;
  const sweepsOf = (run: { of: (kind: 'sweep') => readonly unknown[] }): number => run.of('sweep').length;
  const here = scene({
    rows: { alfa: { items: items(250) } },
    falsify: ({ rows, totalCount }) => ({ rows, totalCount: totalCount - missing }),
  });
  const run = here.start({ rhythm: often('sweep'), limit: 100 });
  const told = (): number =>
    run.told.filter((progress) => progress.kind === 'warning' && progress.message.includes('by sweep')).length;
  const nextSweeps = async (): Promise<void> => {
    const before = sweepsOf(run);
    await when(() => sweepsOf(run) >= before + 3);
  };
  await nextSweeps();
  expect(told()).toBe(1);
  missing = 0;
  await nextSweeps();
  missing = 1;
  await nextSweeps();
  expect(told()).toBe(2);
  run.stop();
  expect(await run.ended).toBeNull();
});
