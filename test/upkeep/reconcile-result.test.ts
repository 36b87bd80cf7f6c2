import { EntryFlag } from '../../src/changes/block';
import { type Entry } from '../../src/changes/entries';
import { AFTER, createColumns, LIVE, NOT_SHOWN, SETTLED, UNKNOWN } from '../../src/upkeep/reconcile-columns';
import { resultOf, type ReadStream } from '../../src/upkeep/reconcile-result';

const print = (digit: number): string => String(digit).repeat(16);
const sweep = {
  number: 3,
  from: null,
  to: null,
  startedAt: '2026-03-01T10:10:00.000Z',
  finishedAt: '2026-03-01T10:20:00.000Z',
  observedAt: '2026-03-01T10:20:00.000Z',
  rows: 0,
  sums: [],
};

interface RowOfTopic {
  readonly id: number;
  readonly bits: number;
  readonly shown: number;
  readonly net: number;
}

/** A stream with one month and currency, of which the sweep showed so many rows and so much money. */
function read(
  shown: { readonly rows: number; readonly net: number },
  entries: readonly Entry[],
  rows: readonly RowOfTopic[],
): ReadStream {
  const columns = createColumns(1);
  const places = new Map<number, number>();
  for (const { id, bits, shown: as, net } of rows) {
    const place = columns.add();
    places.set(id, place);
    columns.write(place, print(id), bits);
    columns.show(place, as, [net]);
  }
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const month = { month: '2026-03', currency: 'PLN' };
  return {
    entity: 'alfa',
    stream: 'invoices',
    sweep,
    ledger: { entry: (id) => byId.get(id), ids: () => [...byId.keys()] },
    definitions: [0],
    places,
    rows: columns,
    sums: [month],
    sweepSums: [{ ...month, rows: shown.rows, amounts: [shown.net] }],
    amounts: 1,
  };
}

function entry(id: number, changes: Partial<Entry> = {}): Entry {
  const none = { definition: 0, uuid: null, date: 0, missing: 0, lines: 0 };
  return { id, fingerprint: print(id), ...none, flags: EntryFlag.PUBLISHED, ...changes };
}

const live = (id: number, net: number): RowOfTopic => ({ id, bits: LIVE | SETTLED, shown: 0, net });

test('rows that are as the ledger says, with the sums of the sweep, agree', () => {
  const result = resultOf(read({ rows: 2, net: 150 }, [entry(1), entry(2)], [live(1, 100), live(2, 50)]));
  expect(result).toMatchObject({ agrees: true, rows: 2, differences: [] });
  expect(result.sums).toEqual([
    {
      month: '2026-03',
      currency: 'PLN',
      sweep: { rows: 2, amounts: [150] },
      topic: { rows: 2, amounts: [150] },
      agrees: true,
    },
  ]);
});

test('no more rows are forgiven than are uncertain', () => {
  const uncertain = { id: 2, bits: LIVE | SETTLED, shown: UNKNOWN, net: 0 };
  const entries = [entry(1), entry(2)];
  expect(resultOf(read({ rows: 2, net: 150 }, entries, [live(1, 100), uncertain])).agrees).toBe(true);
  expect(resultOf(read({ rows: 3, net: 150 }, entries, [live(1, 100), uncertain])).agrees).toBe(false);
});

test('differences and ids apart are in the order of their ids', () => {
  const result = resultOf(
    read({ rows: 0, net: 0 }, [entry(9), entry(4)], [{ id: 7, bits: LIVE, shown: NOT_SHOWN, net: 0 }, live(3, 1)]),
  );
  expect(result.differences.map(({ id, what }) => `${id} ${what}`)).toEqual([
    '3 not in the ledger',
    '4 not on the topic',
    '9 not on the topic',
  ]);
  expect(result.apart.later).toEqual([7]);
});

test('a tombstone of a row that the ledger does not have is apart only where it came after the sweep', () => {
  const tombstones = [AFTER | SETTLED, SETTLED].map((bits, index) => ({
    id: index + 1,
    bits,
    shown: NOT_SHOWN,
    net: 0,
  }));
  const result = resultOf(read({ rows: 0, net: 0 }, [], tombstones));
  expect(result).toMatchObject({ agrees: true, rows: 0, apart: { later: [], deleted: [1] } });
});

test('without a sweep nothing agrees and no sums are compared', () => {
  expect(resultOf({ ...read({ rows: 0, net: 0 }, [], []), sweep: null })).toMatchObject({ agrees: false, sums: [] });
});
