import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { API_KEY, type OneCompany, oneCompany } from '../support/one-company';
import { type CopiedRow, shownBy, type SweepProof } from '../support/copy';
import { type Everything, readEverything, recordsOf } from '../support/published';

type Copy = ReadonlyMap<string, CopiedRow>;

/** What a reader who upserts by key has of a stream. */
function copyOf(everything: Everything, stream: string): Map<string, CopiedRow> {
  const copy = new Map<string, CopiedRow>();
  for (const { key, value } of recordsOf(everything, stream, 'alfa')) {
    const name = JSON.stringify(key);
    if (value === null) copy.delete(name);
    else
      copy.set(name, { fingerprint: text(value['fingerprint']), definition: number(value['fingerprint_definition']) });
  }
  return copy;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** The newest record of the stream's sweeps. */
function proofIn(everything: Everything, stream: string): SweepProof {
  const sweeps = recordsOf(everything, 'sweeps', 'alfa').filter((record) => record.stream === stream);
  const newest = sweeps.at(-1)?.value;
  if (newest == null) throw new Error(`expected a record of a sweep of ${stream}, got none`);
  return {
    living_count: number(newest['living_count']),
    fingerprint_sum: text(newest['fingerprint_sum']),
    fingerprint_definition: number(newest['fingerprint_definition']),
  };
}

const shown = (copy: Copy, proof: SweepProof) => shownBy([...copy.values()], proof);

async function sweep({ service }: OneCompany): Promise<Everything> {
  await service.once();
  return readEverything(service);
}

test('what each sweep says of its stream is what a read_committed copy holds, and a changed byte, a lost row and a doubled one show', async () => {
  const company = await oneCompany({ clients: 4, invoices: 30, projections: ['invoice-lines'] });
  const { admin } = company.simulator;
  const [edited = 0, dead = 0, gone = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const both = (everything: Everything) =>
    ['clients', 'invoices'].map((stream) => shown(copyOf(everything, stream), proofIn(everything, stream)));

  const first = await sweep(company);
  expect(both(first)).toEqual(['equal', 'equal']);
  expect(proofIn(first, 'invoices').living_count).toBe(30);
  const of = new Map(recordsOf(first, 'invoices', 'alfa').map(({ id, value }) => [id, value?.['fingerprint']]));
  for (const { key, value, headers } of recordsOf(first, 'invoice-lines', 'alfa')) {
    expect([value?.['fingerprint'], headers['fingerprint']]).toEqual([
      of.get(Number(key?.['invoice_id'])),
      value?.['fingerprint'],
    ]);
  }

  admin.edit(API_KEY, 'invoices', edited, { status: 'paid', paid_date: '2026-11-20' });
  admin.edit(API_KEY, 'invoices', dead, { gross_price: 'twelve' });
  admin.add(API_KEY, 'invoices', { number: 'Zażółć 1/2026' });
  const second = await sweep(company);
  expect(recordsOf(second, 'dead-letters', 'alfa')).toHaveLength(1);
  expect(both(second)).toEqual(['equal', 'equal']);
  expect(proofIn(second, 'invoices').living_count).toBe(31);

  admin.remove(API_KEY, 'invoices', gone);
  let last = await sweep(company);
  while (copyOf(last, 'invoices').size === 31) last = await sweep(company);
  // The tombstone came after the sweep that decided it, so that the next one says so.
  expect(both(last)).toEqual(['equal', 'different']);
  last = await sweep(company);
  expect(both(last)).toEqual(['equal', 'equal']);

  const [copy, proof] = [copyOf(last, 'invoices'), proofIn(last, 'invoices')];
  const [[name, row] = ['', { fingerprint: null, definition: null }]] = copy;
  const other = (row.fingerprint ?? '').replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  expect(shown(new Map([...copy, [name, { ...row, fingerprint: other }]]), proof)).toBe('different');
  expect(shown(new Map([...copy].slice(1)), proof)).toBe('different');
  expect(shown(new Map([...copy, ['again', row]]), proof)).toBe('different');
  expect(shown(new Map([...copy, [name, { ...row, fingerprint: null }]]), proof)).toBe('not provable');

  expect(recordsOf(last, 'entities', 'alfa').map(({ key, value, op }) => ({ op, key, value }))).toEqual([
    {
      op: 'c',
      key: { entity: 'alfa' },
      value: { entity: 'alfa', tax_id: '1111111111', name: 'Alfa', observed_at: expect.anything() as unknown },
    },
  ]);
});

test('a resync reaches rows that left the scope too, so that a copy can be proved under another definition (I1)', async () => {
  const company = await oneCompany({ clients: 1, invoices: 6 });
  const { service, simulator } = company;
  const ids = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  for (const [index, id] of ids.entries())
    simulator.admin.edit(API_KEY, 'invoices', id, { invoice_date: `2026-01-0${index + 1}` });
  const proof = (everything: Everything) => {
    const newest = proofIn(everything, 'invoices');
    return [newest.living_count, shown(copyOf(everything, 'invoices'), newest)];
  };
  expect(proof(await sweep(company))).toEqual([6, 'equal']);

  const entity = { api_key: API_KEY, streams: ['clients', 'invoices'], start_date: '2026-01-03' };
  service.configure({ url: simulator.url, entities: { alfa: entity } });
  const file = join(service.folder, 'service.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...settings, volatileFields: ['invoices.notes'] }));
  expect(proof(await sweep(company))).toEqual([6, 'not provable']);

  const { stdout } = await service.command(['resync', '--entity', 'alfa', '--stream', 'invoices']);
  expect(stdout).toContain('6 rows marked; 2 of them are outside the scope and read one by one after a sweep\n');
  const resynced = await sweep(company);
  // The rows outside the scope came after the record of that sweep.
  expect(proof(resynced)).toEqual([6, 'not provable']);
  expect(proof(await sweep(company))).toEqual([6, 'equal']);
  // First read, and asked for again: once each.
  const ops = recordsOf(await readEverything(service), 'invoices', 'alfa').map(
    ({ op, id }) => `${op ?? ''} ${id ?? ''}`,
  );
  expect(ops.sort()).toEqual([...ids, ...ids].map((id) => `r ${id}`).sort());
});
