import { startSimulator } from '../../simulator/server';
import { recordHeaders } from '../../tools/docs/topics-page';
import { cleanUp } from '../support/kafka';
import { type ServiceSetting, testService } from '../support/once';
import { idsOf, readEverything, recordsOf } from '../support/published';

const API_KEY = 'key-a';

test('corrections of a state that did not know them arrive once with both lines of each pair, also one without a uuid, and an edit is one record', async () => {
  const simulator = await startSimulator({
    entities: [{ key: API_KEY, name: 'Alfa', nip: '1111111111', clients: 2, invoices: 30, corrections: 120, seed: 1 }],
  });
  cleanUp(() => simulator.stop());
  const { admin } = simulator;
  const reading = (streams?: readonly string[]): ServiceSetting => ({
    url: simulator.url,
    entities: { alfa: { api_key: API_KEY, ...(streams === undefined ? {} : { streams }) } },
  });
  const service = testService(reading(['clients', 'invoices']));
  const ids = admin.truth()[API_KEY]?.corrective_invoices.ids ?? [];
  const [without = 0, edited = 0] = ids.slice(50);
  admin.edit(API_KEY, 'corrective_invoices', without, { uuid: null, confirmation: false, confirmation_date: '' });

  const before = await service.once();
  expect(Object.keys(before.streams)).toEqual(['alfa clients', 'alfa invoices']);
  service.configure(reading());
  const first = await service.once();
  expect(first).toMatchObject({ code: 0, complete: true });
  expect(first.streams['alfa corrective-invoices']).toMatchObject({ rows: 120, created: 120, dead_letters: 0 });
  const afterFirst = await readEverything(service);
  expect(idsOf(afterFirst, 'corrective-invoices', 'alfa')).toEqual(ids);
  const headers = new Set(afterFirst.published.flatMap((record) => Object.keys(record.headers)));
  // Every value of these rows fits its column.
  const expected = recordHeaders.map(([name]) => name).filter((name) => name !== 'misfits');
  expect([...headers].sort()).toEqual(expected.sort());

  const valueOf = (id: number) =>
    recordsOf(afterFirst, 'corrective-invoices', 'alfa').find((record) => record.id === id)?.value ?? {};
  expect(valueOf(without)).toMatchObject({ uuid: null, confirmation: false, confirmation_date: null });
  for (const id of ids) {
    const row = rowOf(admin.row(API_KEY, 'corrective_invoices', id));
    const value = valueOf(id);
    const lines = linesOf(row);
    expect(value).toMatchObject({
      entity: 'alfa',
      uuid: row['uuid'],
      kind: 'correction',
      invoice_date: row['invoice_date'],
      net_price: row['net_price'],
      tax_price: row['tax_price'],
      gross_price: row['gross_price'],
      corrected_invoice_number: row['corrected_invoice_number'],
      correction_reason: row['correction_reason'],
      services: lines.map(({ group, correction, gross_price }) => ({ group, correction, gross_price })),
      extra: null,
    });
    // The vendor's documents name it; these bodies do not have it.
    expect(value).toHaveProperty('created_at', null);
    expect(lines.map(({ correction }) => correction)).toEqual(lines.map((_line, index) => index % 2 === 1));
  }

  const second = await service.once();
  expect(second.streams['alfa corrective-invoices']).toMatchObject({ created: 0, updated: 0, unchanged: 120 });

  const row = rowOf(admin.row(API_KEY, 'corrective_invoices', edited));
  const services = linesOf(row).map((line) => (line['correction'] === true ? { ...line, gross_price: 1 } : line));
  admin.edit(API_KEY, 'corrective_invoices', edited, { services });
  expect(await service.once()).toMatchObject({ code: 0 });
  const afterEdit = await readEverything(service);
  expect(
    recordsOf(afterEdit, 'corrective-invoices', 'alfa', afterFirst).map(({ op, id, value }) => ({
      op,
      id,
      sums: linesOf(value ?? {}).map((line) => line['gross_price']),
    })),
  ).toEqual([{ op: 'u', id: edited, sums: services.map((line) => line['gross_price']) }]);
});

type Fields = Readonly<Record<string, unknown>>;

function rowOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new Error('expected a row');
  return Object.fromEntries(Object.entries(value));
}

function linesOf({ services }: Fields): readonly Fields[] {
  return Array.isArray(services) ? services.map(rowOf) : [];
}
