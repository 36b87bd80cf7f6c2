import { EntryFlag } from '../../src/changes/block';
import { type Entry } from '../../src/changes/entries';
import type { FinishedSweep } from '../../src/upkeep/finished-sweep';
import { reconcileStream, type TopicRecord } from '../../src/upkeep/reconcile-stream';

const print = (digit: number): string => String(digit).repeat(16);
const at = (minute: number): string => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;

const declaration = { name: 'invoices', scopeField: 'invoice_date', sumFields: ['net_price'] };

/** A sweep from minute 10 to minute 20. */
function sweepWith(sums: FinishedSweep['sums'], changes: Partial<FinishedSweep> = {}): FinishedSweep {
  const rows = sums.reduce((sum, each) => sum + each.rows, 0);
  const sweep = { number: 3, from: null, to: null, startedAt: at(10), finishedAt: at(20), observedAt: at(20) };
  return { ...sweep, rows, sums, ...changes };
}

const march = (rows: number, net: number | null) => ({ month: '2026-03', currency: 'PLN', rows, amounts: [net] });

function record(
  id: number,
  net: number,
  how: Partial<Record<'fingerprint' | 'observed_at' | 'scan', string>> & { readonly settled?: boolean } = {},
): TopicRecord {
  const { settled = true, fingerprint = print(id), observed_at = at(5), scan = 'sweep' } = how;
  const value = { invoice_date: '2026-03-01', currency: 'PLN', net_price: net };
  return { id, value, headers: { fingerprint, observed_at, scan }, settled };
}

const tombstone = (id: number, minute: number): TopicRecord => ({
  ...record(id, 0, { observed_at: at(minute) }),
  value: null,
});

function entry(id: number, changes: Partial<Entry> = {}): Entry {
  const none = { definition: 0, uuid: null, date: 0, missing: 0, lines: 0 };
  return { id, fingerprint: print(id), ...none, flags: EntryFlag.PUBLISHED, ...changes };
}

function held(
  sweep: FinishedSweep | null,
  entries: readonly Entry[],
  records: readonly TopicRecord[],
  definitions = [0],
) {
  const byId = new Map(entries.map((each) => [each.id, each]));
  const ledger = { entry: (id: number) => byId.get(id), ids: () => [...byId.keys()] };
  const reconciliation = reconcileStream({ entity: 'alfa', declaration, sweep, ledger, definitions });
  for (const each of records) reconciliation.add(each);
  return reconciliation.result();
}

describe('records agree with the sweep', () => {
  test('where rows and sums are equal by month and currency, tombstones left out', () => {
    const records = [record(1, 100), record(2, 50), record(3, 7), tombstone(3, 6)];
    const result = held(sweepWith([march(2, 150)]), [entry(1), entry(2)], records);
    expect(result).toMatchObject({ agrees: true, rows: 2, differences: [], apart: { later: [] } });
    expect(result.sums).toMatchObject([{ topic: { rows: 2, amounts: [150] }, agrees: true }]);
  });

  test('where the sweep itself published what is newest', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(12), fingerprint: print(7) })];
    const result = held(sweepWith([march(1, 900)]), [entry(1, { fingerprint: print(7) })], records);
    expect(result).toMatchObject({ agrees: true, apart: { later: [] } });
  });

  test('where a row changed after it: held as it was then, and listed apart', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(25), fingerprint: print(7) })];
    const result = held(sweepWith([march(1, 100)]), [entry(1, { fingerprint: print(7) })], records);
    expect(result).toMatchObject({ agrees: true, apart: { later: [1] } });
  });

  test('where another scan read a row while it was under way, whichever the sweep has shown', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(12), scan: 'open', fingerprint: print(7) })];
    for (const net of [100, 900]) {
      const result = held(sweepWith([march(1, net)]), [entry(1, { fingerprint: print(7) })], records);
      expect(result).toMatchObject({ agrees: true, apart: { later: [1] } });
    }
    expect(held(sweepWith([march(2, 900)]), [entry(1, { fingerprint: print(7) })], records).agrees).toBe(false);
  });

  test('where rows are absent from it and not yet deleted, or were dead-lettered', () => {
    const entries = [entry(1), entry(2, { missing: 3 }), entry(4, { flags: EntryFlag.DEAD_LETTERED })];
    const result = held(sweepWith([march(2, 900)]), entries, [record(1, 100), record(2, 50)]);
    expect(result).toMatchObject({ agrees: true, apart: { missing: [2], deadLettered: [4] } });
  });

  test('where rows have left its scope', () => {
    const entries = [entry(1), entry(2, { flags: EntryFlag.PUBLISHED | EntryFlag.LEFT })];
    const outside = { ...record(2, 50), value: { invoice_date: '2025-01-01', currency: 'PLN', net_price: 50 } };
    const sweep = sweepWith([march(1, 100)], { from: '2026-01-01' });
    expect(held(sweep, entries, [record(1, 100), outside])).toMatchObject({ agrees: true, rows: 1 });
  });
});

describe('records differ from the sweep', () => {
  test.each([
    ['a sum', sweepWith([march(1, 101)])],
    ['a row too few', sweepWith([march(2, 100)])],
    ['a row too many', sweepWith([])],
    ['no sweep', null],
  ])('by %s', (_what, sweep) => {
    expect(held(sweep, [entry(1)], [record(1, 100)])).toMatchObject({ agrees: false, differences: [] });
  });

  test('by rows that are not as the ledger says they were published', () => {
    const entries = [entry(1), entry(2)];
    const records = [record(1, 100, { fingerprint: print(9) }), record(3, 50)];
    expect(held(sweepWith([march(2, 150)]), entries, records).differences).toEqual([
      { id: 1, what: 'another fingerprint' },
      { id: 2, what: 'not on the topic' },
      { id: 3, what: 'not in the ledger' },
    ]);
  });
});

test('what was written after the ledger was read is no difference', () => {
  const later = { observed_at: at(30), settled: false, fingerprint: print(9) };
  const result = held(
    sweepWith([march(1, 100)]),
    [entry(1)],
    [record(1, 100), record(1, 5, later), record(2, 50, later)],
  );
  expect(result).toMatchObject({ agrees: true, differences: [], apart: { later: [1, 2] } });
});

test('fingerprints of another definition are not compared', () => {
  const entries = [entry(1, { definition: 2, fingerprint: print(9) })];
  const result = held(sweepWith([march(1, 100)]), entries, [record(1, 100)], [0, 2]);
  expect(result).toMatchObject({ agrees: true, apart: { olderDefinition: [1] } });
});

test('sums of many rows are exact', () => {
  const net = 4_000_000_000_000_000;
  const records = [record(1, net), record(2, net), record(3, 1 - net), record(4, -net)];
  const entries = [1, 2, 3, 4].map((id) => entry(id));
  expect(held(sweepWith([march(4, 1)]), entries, records).agrees).toBe(true);
});
