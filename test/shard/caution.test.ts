import { afterCommit, afterRefusal, Cautions, cutUp, pageSent, type Caution } from '../../src/shard/caution';
import { Memory, type Place } from '../../src/shard/memory';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { pageOf } from '../support/pages';

const none: Caution = { name: 'none' };
const byPage: Caution = { name: 'page by page', upTo: 50 };
const byRow: Caution = { name: 'row by row', upTo: 50 };

test.each<[Caution, boolean, Caution]>([
  [none, false, { name: 'page by page', upTo: 70 }],
  [none, true, { name: 'page by page', upTo: 70 }],
  [byPage, false, { name: 'page by page', upTo: 70 }],
  [byPage, true, { name: 'row by row', upTo: 70 }],
  [byRow, false, { name: 'row by row', upTo: 70 }],
  [byRow, true, { name: 'row by row', upTo: 70 }],
])('a refusal makes %j, the page alone in its transaction: %s, into %j', (before, alone, after) => {
  expect(afterRefusal(before, 70, alone)).toEqual(after);
});

test('a refusal never lowers the id up to which caution lasts', () => {
  expect(afterRefusal(byPage, 20, false)).toEqual(byPage);
});

test.each<[Caution, { readonly upTo: number | null; readonly end: boolean }, Caution]>([
  [none, { upTo: 10, end: false }, none],
  [byPage, { upTo: 49, end: false }, byPage],
  [byPage, { upTo: 50, end: false }, none],
  [byRow, { upTo: 49, end: false }, byRow],
  [byRow, { upTo: 51, end: false }, none],
  [byRow, { upTo: null, end: true }, none],
])('after %j the commit of the page %j leaves %j', (before, page, after) => {
  expect(afterCommit(before, page)).toEqual(after);
});

function placeIn(stream: string): Place {
  const streams = ['items', 'things'].map((name) => ({ entity: 'alfa', declaration: itemStream(name) }));
  const memory = new Memory(memoryShard(createMemoryKafka(), streams));
  return { state: memory.streamOf('alfa', stream), scan: 'sweep' };
}

const rows = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => ({ id: from + n }));

test('everything that was on its way goes page by page, then what is refused alone row by row, until one row is known', () => {
  const [items, things] = [placeIn('items'), placeIn('things')];
  const [first, second, other] = [pageOf(rows(1, 4)), pageOf(rows(5, 8)), pageOf(rows(1, 4))];
  const cautions = new Cautions();
  cautions.shrinkAfterRefusal(
    [pageSent(items, first, 'a'), pageSent(things, other, 'b')],
    [pageSent(items, second, null)],
  );
  expect([cautions.of(items, first), cautions.of(items, second), cautions.of(things, other)]).toMatchObject([
    { name: 'page by page' },
    { name: 'page by page' },
    { name: 'page by page' },
  ]);
  cautions.shrinkAfterRefusal([pageSent(items, first, 'a')], [pageSent(items, second, null)]);
  expect(cautions.of(items, first)).toEqual({ name: 'row by row', upTo: 8 });
  expect(cautions.of(things, other)).toEqual({ name: 'page by page', upTo: 4 });

  const refused = { id: 3, fingerprint: 'a' };
  cautions.shrinkAfterRefusal([pageSent(items, pageOf(rows(3, 3)), 'a')], []);
  expect(cautions.takeRefusedRow(items, { ...refused, id: 4 })).toBe(false);
  expect(cautions.takeRefusedRow(items, { ...refused, fingerprint: 'b' })).toBe(false);
  expect(cautions.takeRefusedRow(things, refused)).toBe(false);
  expect(cautions.takeRefusedRow(items, refused)).toBe(true);
  expect(cautions.takeRefusedRow(items, refused)).toBe(false);

  cautions.committed(pageSent(items, second, 'a'));
  expect(cautions.of(items, second)).toEqual(none);
});

test('a page behind the id up to which caution lasts goes as any other', () => {
  const items = placeIn('items');
  const cautions = new Cautions();
  cautions.shrinkAfterRefusal([pageSent(items, pageOf(rows(1, 4)), 'a')], []);
  expect(cautions.of(items, pageOf(rows(5, 8)))).toEqual(none);
});

test('a page that is cut up proves together what it proved whole, and only its last row ends the walk', () => {
  const stray = { rows: ['stray'], gap: { after: 5, upTo: null } };
  const page = pageOf(rows(3, 5), { interval: { after: 2, upTo: null }, strays: [stray], end: true });
  const parts = cutUp({ entity: 'alfa', stream: 'items', scan: 'sweep', page, mark: 5 });
  expect(
    parts.map(
      ({
        page: {
          rows: [row],
          interval,
          strays,
          end,
        },
      }) => ({ id: row?.id, ...interval, strays, end }),
    ),
  ).toEqual([
    { id: 3, after: 2, upTo: 3, strays: [], end: false },
    { id: 4, after: 3, upTo: 4, strays: [], end: false },
    { id: 5, after: 4, upTo: null, strays: [stray], end: true },
  ]);
});
