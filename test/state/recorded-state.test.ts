import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadSchema, singleObjectPrefix } from '../../src/sinks/avro';
import { parseStateValue } from '../../src/state/state-topic';
import type { Cursor } from '../../src/model';
import type { CompanyRows } from '../support/company-story';
import type { Restored } from '../support/company-process';
import { restoreFrom, sweepFrom } from '../support/digest-scene';
import { compacted, entriesOf, type StateRecord, stateKeyOf } from '../support/digests';

// What version 0.1.0 left in its state topic must be understood by every later version: this file of it is never written anew.

interface Recorded {
  /** A partition of the state topic: its beginning compacted, the last transactions whole. */
  readonly state: readonly StateRecord[];
  /** What the lists of the API showed then; one invoice had gone since the sweep before. */
  readonly rows: CompanyRows;
  /** What version 0.1.0 itself read from it. */
  readonly known: Restored;
}

const { state, rows, known } = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/state-0.1.0.json'), 'utf8'),
) as Recorded;

/** The key of an invoice as 0.1.0 wrote it, from Avro's rules alone; as base64. */
function keyOf010(entity: string, id: number): string {
  const bytes = [...Buffer.from('c30110ad242d37ef2c3c', 'hex'), 2 * entity.length, ...Buffer.from(entity)];
  let rest = BigInt(id) * 2n;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]).toString('base64');
}

/** Counts that 0.1.0 did not make: nothing of the kind is known of what it read. */
const NO_LATER_COUNTS = { firstRead: 0, republished: 0 };

function withLaterCounts({ counts, ...cursor }: Cursor): Cursor {
  return { ...cursor, counts: { ...counts, ...NO_LATER_COUNTS } };
}

describe('a state topic written by 0.1.0 is readable', () => {
  test('every cursor, account, hold and entry is what it was', async () => {
    const cursors: Record<string, Cursor> = {};
    for (const [scan, cursor] of Object.entries(known.cursors)) cursors[scan] = withLaterCounts(cursor as Cursor);
    expect(await restoreFrom(state)).toEqual({ ...known, cursors });
  });

  test('an account, where a sweep ended, what is held, and a row that is missing, in words', async () => {
    const { accounts, cursors, holds, entries, live } = await restoreFrom(state);
    expect(accounts['alfa']).toEqual({ taxId: null, accountUuid: 'alfa', firstRun: '2026-03-02' });
    expect(cursors['alfa invoices sweep']).toEqual({
      number: 11,
      query: { from: '2025-01-01', to: null, order: 'asc' },
      startedAt: '2026-03-02T06:00:01.772Z',
      finishedAt: '2026-03-02T06:00:01.776Z',
      position: { step: 1, requests: 2, unproven: 0, offset: 5, anchor: 9_000_095 },
      totalCount: 6,
      counts: { rows: 6, created: 0, updated: 0, deleted: 0, unchanged: 6, deadLetters: 0, ...NO_LATER_COUNTS },
      sums: {
        '2026-01 PLN': [5, 2_501_977_824, 575_454_901, 3_077_432_725],
        '2026-01 EUR': [1, 467_963, 37_437, 505_400],
      },
      deletions: [{ at: '2026-03-02T06:00:00.323Z', rows: 1 }],
    });
    expect(cursors['alfa clients newest']).toMatchObject({ mark: 100_049 });
    expect(holds['beta clients']).toMatchObject({ id: 'hold 1772431201462 1', sweep: 8 });
    const uuid = 'b47d9151-deba-447c-8191-9c3828b0dc3c';
    expect(entries['alfa invoices']?.[0]).toEqual({
      id: 9_000_010,
      fingerprint: 'e6f3fe285c156cc7',
      definition: 1,
      uuid,
      date: 20_454,
      flags: 17,
      missing: 0,
      lines: 2,
    });
    expect(entries['alfa invoices']?.find(({ missing }) => missing > 0)).toMatchObject({ id: 9_000_087, missing: 11 });
    expect(entries['alfa corrective-invoices']?.[1]).toMatchObject({ uuid: 'ODD-UUID-1' });
    // One client of these has no id.
    expect(live['alfa clients']).toBe(5);
  });

  test('its entries are what the schema of its blocks says', async () => {
    const { entries } = await restoreFrom(state);
    const read: Record<string, unknown> = {};
    for (const [key, value] of compacted(state)) {
      const { entity, stream, ...about } = stateKeyOf(key);
      if ('block' in about) read[`${String(entity)} ${String(stream)}`] = entriesOf(value);
    }
    expect(read).toEqual(entries);
  });

  test('its shards go on with the key schemas that their layout names, so every key is byte for byte what it was', async () => {
    const layout = [...compacted(state)].find(([key]) => 'layout' in stateKeyOf(key))?.[1];
    const { keySchemas } = parseStateValue('layout', layout ?? Buffer.alloc(0));
    const records = await sweepFrom(state, rows);
    const prefixes = new Map(
      records.map(({ topic, key }) => [topic, Buffer.from(key ?? '', 'base64').toString('hex', 0, 10)]),
    );
    expect([...prefixes.keys()]).toEqual(['memory.invoices', 'memory.invoice-lines']);
    for (const [topic, prefix] of prefixes) expect([topic, prefix]).toEqual([topic, keySchemas[topic]]);
    expect(prefixes.get('memory.invoices')).toBe('c30110ad242d37ef2c3c');
    const deleted = records.find(({ topic, headers }) => topic === 'memory.invoices' && headers['op'] === 'd');
    expect(deleted?.key).toBe(keyOf010('alfa', 9_000_087));
  });

  test('a new state has the newest key schemas', async () => {
    const records = await sweepFrom([], rows);
    const row = records.find(({ topic }) => topic === 'memory.invoices');
    const newest = singleObjectPrefix(loadSchema('invoice-key')).toString('hex');
    expect(Buffer.from(row?.key ?? '', 'base64').toString('hex', 0, 10)).toBe(newest);
    expect(newest).not.toBe('c30110ad242d37ef2c3c');
  });

  test('a sweep over the same rows publishes what was missing before, and the row whose notes no longer make it a dead letter', async () => {
    const published = (await sweepFrom(state, rows)).map(({ topic, headers, value }) => {
      const { id, op, fingerprint, misfits = null } = headers;
      return { topic, id, op, fingerprint, misfits, isTombstone: value === null };
    });
    // The broker refuses 9000048 again, which is not told a second time.
    const mended = { op: 'u', fingerprint: 'bea00fc265a76da4', isTombstone: false };
    const gone = { op: 'd', fingerprint: '9393d2dbb41e8832', misfits: null, isTombstone: true };
    expect(published).toEqual([
      { topic: 'memory.invoices', id: 'alfa/9000027', ...mended, misfits: 'notes' },
      { topic: 'memory.invoice-lines', id: 'alfa/9000027/1', ...mended, misfits: null },
      { topic: 'memory.invoices', id: 'alfa/9000087', ...gone },
      { topic: 'memory.invoice-lines', id: 'alfa/9000087/1', ...gone },
      { topic: 'memory.invoice-lines', id: 'alfa/9000087/2', ...gone },
    ]);
  });
});
