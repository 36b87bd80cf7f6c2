import { isObject } from '../../src/json';
import { type OneCompany, API_KEY, oneCompany } from '../support/one-company';
import { type Everything, type Published, readEverything, recordsOf } from '../support/published';

const ASKED_FOR = { projections: ['invoice-lines'] };

/** The lines that the API shows now: `invoice id/number of the line`, then its name. */
function linesOf({ simulator }: OneCompany): Map<string, unknown> {
  const { ids } = simulator.admin.truth()[API_KEY]?.invoices ?? { ids: [] };
  const lines = ids.flatMap((id) =>
    servicesOf(simulator.admin.row(API_KEY, 'invoices', id)).map(
      (line, index) => [`${id}/${index + 1}`, line['name']] as const,
    ),
  );
  return new Map(lines);
}

function servicesOf(row: unknown): Readonly<Record<string, unknown>>[] {
  return isObject(row) && Array.isArray(row['services']) ? row['services'].filter(isObject) : [];
}

/** What a reader who upserts by key has in the end. */
function tableOf(everything: Everything): Map<string, unknown> {
  const table = new Map<string, unknown>();
  for (const record of recordsOf(everything, 'invoice-lines', 'alfa')) {
    if (record.value === null) table.delete(nameOf(record));
    else table.set(nameOf(record), record.value['name']);
  }
  return table;
}

function nameOf({ key }: Published): string {
  return `${String(key?.['invoice_id'])}/${String(key?.['line_no'])}`;
}

function told(everything: Everything, since: Everything): string[] {
  return recordsOf(everything, 'invoice-lines', 'alfa', since).map((record) => `${record.op ?? ''} ${nameOf(record)}`);
}

test('lines are a table of their own that follows every edit of their invoice, in the partition of their invoice', async () => {
  const company = await oneCompany({ invoices: 12, ...ASKED_FOR });
  const { service, simulator } = company;
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const first = await readEverything(service);
  expect(tableOf(first)).toEqual(linesOf(company));
  expect(
    new Set(recordsOf(first, 'invoice-lines', 'alfa').map(({ op, stream }) => `${op ?? ''} ${stream ?? ''}`)),
  ).toEqual(new Set(['r invoice-lines']));
  const partitions = new Map(recordsOf(first, 'invoices', 'alfa').map(({ id, place }) => [id, place.split(':')[0]]));
  for (const { key, place } of recordsOf(first, 'invoice-lines', 'alfa'))
    expect(place.split(':')[0]).toBe(partitions.get(Number(key?.['invoice_id'])));

  const [shorter = 0, longer = 0] = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  const line = servicesOf(simulator.admin.row(API_KEY, 'invoices', shorter))[0];
  simulator.admin.edit(API_KEY, 'invoices', shorter, {
    services: [
      { ...line, name: 'one' },
      { ...line, name: 'two' },
      { ...line, name: 'three' },
    ],
  });
  simulator.admin.edit(API_KEY, 'invoices', longer, { services: [{ ...line, name: 'only' }] });
  await service.once();
  const second = await readEverything(service);
  simulator.admin.edit(API_KEY, 'invoices', shorter, { services: [{ ...line, name: 'one' }] });
  simulator.admin.edit(API_KEY, 'invoices', longer, {
    services: [
      { ...line, name: 'only' },
      { ...line, name: 'new', novel: { a: 1 } },
    ],
  });
  await service.once();
  const third = await readEverything(service);
  expect(new Set(told(third, second))).toEqual(
    new Set([`u ${shorter}/1`, `d ${shorter}/2`, `d ${shorter}/3`, `u ${longer}/1`, `c ${longer}/2`]),
  );
  expect(tableOf(third)).toEqual(linesOf(company));
  const extra = recordsOf(third, 'invoice-lines', 'alfa', second).find((record) => nameOf(record) === `${longer}/2`)
    ?.value?.['extra'];
  expect(extra).toBe('{"novel":{"a":1}}');

  await service.once();
  expect(told(await readEverything(service), third)).toEqual([]);
});

test('lines switched on later are published once for the whole scope, and again on only for what changed while they were off', async () => {
  const company = await oneCompany({ invoices: 12 });
  const { service, simulator } = company;
  await service.once();
  const without = await readEverything(service);
  expect(without.published.some(({ topic }) => topic === 'invoice-lines')).toBe(false);

  const setting = { url: simulator.url, entities: { alfa: { api_key: API_KEY, nip: '1111111111' } } };
  service.configure({ ...setting, ...ASKED_FOR });
  expect(await service.once()).toMatchObject({
    code: 0,
    streams: { 'alfa invoices': { created: 0, updated: 0, republished: 12, unchanged: 0 } },
  });
  const on = await readEverything(service);
  expect(tableOf(on)).toEqual(linesOf(company));
  expect(recordsOf(on, 'invoices', 'alfa', without)).toEqual([]);

  service.configure(setting);
  const [edited = 0] = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  const line = servicesOf(simulator.admin.row(API_KEY, 'invoices', edited))[0];
  simulator.admin.edit(API_KEY, 'invoices', edited, { services: [{ ...line, name: 'while off' }] });
  await service.once();
  const off = await readEverything(service);
  expect(told(off, on)).toEqual([]);

  service.configure({ ...setting, ...ASKED_FOR });
  await service.once();
  const again = await readEverything(service);
  expect(told(again, off).filter((text) => text.startsWith('r '))).toEqual([`r ${edited}/1`]);
  expect(told(again, off).every((text) => text.includes(` ${edited}/`))).toBe(true);
  expect(tableOf(again)).toEqual(linesOf(company));
});
