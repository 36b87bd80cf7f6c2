import { of, throwError } from 'rxjs';

import { createFingerprint } from '../../src/changes/fingerprint';
import { FatalError, TransientError } from '../../src/errors';
import type { Row } from '../../src/model';
import { loadSchema } from '../../src/sinks/avro';
import type { Rest } from '../../src/sources/rest';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import {
  addressOfRow,
  askRow,
  fingerprintOf,
  idsOfNumber,
  readAsRecord,
  reasonNotToAsk,
  type RowApi,
} from '../../src/upkeep/ask-row';
import { createMarks, createMemoryRest } from '../support/memory';

const scope = { from: '2026-01-01', to: null, order: 'asc' as const };
const list: readonly Row[] = Array.from({ length: 1_000 }, (_, index) => ({
  id: 10 * (index + 1),
  uuid: `uuid-${index}`,
  invoice_date: index < 300 ? '2025-06-01' : '2026-06-01',
  number: `${index % 999}/2026`,
}));

function api(changes: Partial<Rest> = {}): { readonly api: RowApi; readonly asked: () => number } {
  let asked = 0;
  const rest = createMemoryRest({
    entity: 'alfa',
    rows: () => list,
    marks: createMarks(),
    before: () => {
      asked++;
    },
  });
  const counted: Rest = { ...rest, ...changes };
  return { api: { entity: { id: 'alfa', nip: null }, rest: counted, stream: invoices }, asked: () => asked };
}

test('a row with an address is asked for alone, without the fields that only the detail shows', async () => {
  const { api: asking, asked } = api();
  const answer = await askRow(asking, { id: 4_000, address: 'uuid-399', rank: 0, scope });
  expect(answer).toEqual({ kind: 'row', how: 'address', row: { ...list[399], detail: 'only here' } });
  expect(await askRow(asking, { id: 5, address: 'uuid-none', rank: 0, scope })).toEqual({
    kind: 'none',
    how: 'address',
  });
  expect(asked()).toBe(0);
});

test('a row that nothing addresses is looked for in its list, within the scope and then beyond, in few requests', async () => {
  for (const rank of [0, 99, 350, 700]) {
    const { api: asking, asked } = api();
    const row = list[650];
    expect(await askRow(asking, { id: 6_510, address: null, rank, scope })).toEqual({ kind: 'row', how: 'list', row });
    expect(asked()).toBeLessThan(6);
  }
  const { api: asking, asked } = api();
  expect(await askRow(asking, { id: 20, address: null, rank: 0, scope })).toMatchObject({ kind: 'row', row: list[1] });
  for (const id of [5, 6_511, 99_999])
    expect(await askRow(asking, { id, address: null, rank: 300, scope })).toEqual({ kind: 'none', how: 'list' });
  expect(asked()).toBeLessThan(30);
});

test('what the API does not answer is a reason; a bug is thrown', async () => {
  const failing = (error: Error) => api({ detail: () => throwError(() => error) }).api;
  const place = { id: 1, address: 'a', rank: 0, scope };
  expect(await askRow(failing(new TransientError('down')), place)).toEqual({ kind: 'not-asked', reason: 'down' });
  await expect(askRow(failing(new Error('bug')), place)).rejects.toThrow('bug');
});

test('nothing is asked with a key that does not show the account that was remembered (I7)', async () => {
  const shows = (taxId: string) => api({ accountDetails: () => of({ taxId, accountUuid: 'u', name: null }) }).api;
  const before = { taxId: '1111111111', accountUuid: 'u' };
  expect(await reasonNotToAsk(shows('1111111111'), before)).toBeNull();
  expect(await reasonNotToAsk(shows('2222222222'), before)).toContain('expected the tax_id of the account');
  const refused = new FatalError('expected 200, got 401', { reason: 'unauthorized', parks: 'entity' });
  expect(await reasonNotToAsk(api({ accountDetails: () => throwError(() => refused) }).api, before)).toBe(
    'expected 200, got 401',
  );
});

test('documents of a number are those that carry the number, whatever the filter did', async () => {
  const answer = { rows: [{ id: 3, number: '1/2026' }, { id: 4, number: '2/2026' }, 'stray'], totalCount: 3 };
  const list = () => of({ ...answer, began: 1, ended: 2 });
  expect(await idsOfNumber(api({ list }).api, '1/2026')).toEqual([3]);
  expect(await idsOfNumber(api({ list: () => throwError(() => new TransientError('down')) }).api, '1/2026')).toEqual(
    [],
  );
});

test('a row is read as a reader of its topic decodes it, or refused by the field that does not fit', () => {
  const row = { id: 7, invoice_date: '2026-06-01', gross_price: 12_300, unknown_field: [1] };
  expect(readAsRecord(invoices, 'alfa', row)).toMatchObject({
    kind: 'fits',
    record: { entity: 'alfa', id: 7, invoice_date: '2026-06-01', gross_price: 12_300, extra: '{"unknown_field":[1]}' },
  });
  expect(readAsRecord(invoices, 'alfa', { ...row, gross_price: 'much' })).toMatchObject({
    kind: 'refused',
    path: 'gross_price',
  });
});

test('a fingerprint is that of the entry and the record: sixteen hexadecimal digits', () => {
  const fingerprint = createFingerprint({ schemaText: loadSchema('client'), volatileFields: [] });
  expect(fingerprintOf({ id: 1, city: 'Radom' }, fingerprint)).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintOf({ id: 1, city: 'Radom' }, fingerprint)).not.toBe(fingerprintOf({ id: 1 }, fingerprint));
});

test('a client is addressed by its id, a document by the first uuid that is one', () => {
  expect(addressOfRow(clients, 7, [])).toBe('7');
  expect(addressOfRow(invoices, 7, [null, undefined, 'u-7'])).toBe('u-7');
  expect(addressOfRow(invoices, 7, [null, 3])).toBeNull();
});
