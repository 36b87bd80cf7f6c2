import { TransientError } from '../../src/errors';
import { filterIgnored, needsWorkingFilter } from '../../src/reading/read-pages';
import { cursorOfScan, type Fate, itemStream, topicOf } from '../support/memory';
import { idsOn, items, quiet, scene, type Scene, upTo, when } from '../support/scene';

const sweepOf = ({ kafka }: Scene) => cursorOfScan(kafka, { entity: 'alfa', stream: 'items', scan: 'sweep' });

test('while a commit hangs no more pages are asked for than there are credits', async () => {
  let hangs = true;
  let go: () => void = () => undefined;
  const goes = new Promise<void>((resolve) => (go = resolve));
  const here = scene({
    rows: { alfa: { items: items(60) } },
    kafka: {
      fate: async (batch): Promise<Fate> => {
        if (hangs && batch.records.length > 0) await goes;
        return 'committed';
      },
    },
  });
  const run = here.start({ credits: 3 });
  await when(() => here.asked.length >= 3);
  await quiet();
  expect(here.asked).toHaveLength(3);

  hangs = false;
  go();
  expect(await run.ended).toBeNull();
  expect(idsOn(here, topicOf('items'))).toEqual(upTo(60));
});

test('no page is reported before every earlier one is durable, although it changed nothing and waits for nothing', async () => {
  const rows = items(20);
  let hangs = false;
  let go: () => void = () => undefined;
  const goes = new Promise<void>((resolve) => (go = resolve));
  const here = scene({
    rows: { alfa: { items: rows } },
    kafka: {
      fate: async ({ records }): Promise<Fate> => {
        if (hangs && records.length > 0) await goes;
        return 'committed';
      },
    },
  });
  expect(await here.start().ended).toBeNull();
  const asked = here.asked.length;
  rows[1] = { id: 2, content: 'second' };
  hangs = true;

  const run = here.start({ credits: 3 });
  // The first page holds its credit, the others pass theirs on.
  await when(() => here.asked.length === asked + 8);
  await quiet();
  expect(run.of('page')).toEqual([]);
  go();
  expect(await run.ended).toBeNull();
  const offsets = run.told.flatMap((progress) => (progress.kind === 'page' ? [progress.cursor.position.offset] : []));
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  expect(offsets).toHaveLength(8);
});

test('pages that were read before the API failed are committed and reported before their entity is parked', async () => {
  let committed = 0;
  const here = scene({
    rows: { alfa: { items: items(20) } },
    kafka: {
      fate: async ({ records }): Promise<Fate> => {
        if (records.length > 0) await quiet();
        committed += records.length;
        return 'committed';
      },
    },
    before: (_, asked) => {
      if (asked === 3) throw new TransientError('expected 200, got 503', { status: 503 });
    },
  });
  const run = here.start({ parkMs: () => 1 });
  await when(() => run.of('parked').length > 0);
  expect(committed).toBe(7);
  expect(run.told.map(({ kind }) => kind).slice(0, 3)).toEqual(['page', 'page', 'parked']);
  expect(sweepOf(here)?.position.offset).toBe(6);
  expect(await run.ended).toBeNull();
  expect(idsOn(here, topicOf('items'))).toEqual(upTo(20));
});

describe('a list whose server gives fewer rows a page than are asked for', () => {
  const sizes = [
    { cap: 25, count: 130 },
    { cap: 2, count: 7 },
    { cap: 10, count: 5_000 },
    { cap: 20, count: 5_000 },
    { cap: 50, count: 5_000 },
  ];
  const totals: Record<string, (shown: number, all: number, offset: number) => number> = {
    right: (_, all) => all,
    'the number of rows shown': (shown) => shown,
    nought: () => 0,
    'too large': (_, all) => all + 17,
    // As others had it reported: siteserver/cms#2827, spring-projects/spring-data-rest#969, dotCMS/core#19809.
    'right on the first page alone': (_, all, offset) => (offset === 0 ? all : 0),
    'one more than was shown until then': (shown, all, offset) => Math.min(all, offset + shown + 1),
    'of the rows that are left': (_, all, offset) => all - offset,
  };
  const kinds = sizes.flatMap(({ cap, count }) =>
    Object.keys(totals)
      .filter((total) => count < 1_000 || total === 'the number of rows shown')
      .map((total) => ({ cap, count, total })),
  );

  test.each(kinds)('is read whole: $cap rows of $count, its total $total (I1)', async ({ cap, count, total }) => {
    const here = scene({
      rows: { alfa: { items: items(count) } },
      falsify: ({ rows, totalCount }, { offset }) => {
        const shown = rows.slice(0, cap);
        return { rows: shown, totalCount: totals[total]?.(shown.length, totalCount, offset) ?? 0 };
      },
    });
    const run = here.start({ limit: 100, parkMs: () => 60_000 });
    expect(await run.ended).toBeNull();
    expect(run.of('parked')).toEqual([]);
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(count));
    expect(sweepOf(here)).toMatchObject({ counts: { rows: count }, finishedAt: expect.any(String) as unknown });
    const warnings = run.told.flatMap((progress) => (progress.kind === 'warning' ? [progress.message] : []));
    // A total that grows with what is shown contradicts nothing: rows may have been added.
    const contradicts = !['right', 'one more than was shown until then'].includes(total);
    expect(warnings).toHaveLength(contradicts ? 1 : 0);
  });

  test('is asked for one page more than the rows need, by the sweep alone (I1)', async () => {
    const here = scene({ rows: { alfa: { items: items(6) } } });
    expect(await here.start().ended).toBeNull();
    expect(here.asked.map(({ offset }) => offset)).toEqual([0, 3, 5]);
  });
});

describe('a filter that the API ignores', () => {
  const stream = itemStream('items', { opens: true, scoped: true });

  test('makes only those scans pointless that would do what the sweep does', () => {
    const scans = ['newest', 'open', 'recent', 'sweep'] as const;
    expect(scans.filter(needsWorkingFilter)).toEqual(['open', 'recent']);
  });

  test('is named in its warning, with what happens instead', () => {
    expect(filterIgnored(stream, 'open')).toContain('closed that is null asked for');
    expect(filterIgnored(stream, 'recent')).toContain('the sweep does what recent was to do');
    expect(filterIgnored(stream, 'sweep')).toContain('more is read than needed');
  });
});
