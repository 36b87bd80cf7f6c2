import { startSimulator } from '../../simulator/server';
import { cleanUp } from '../support/kafka';
import { testService } from '../support/once';
import { idsOf, readEverything, recordsOf } from '../support/published';

const API_KEY = 'key-a';
const streams = ['oss-invoices', 'corrective-oss-invoices'] as const;

/** An entity whose file names both streams, and the API that it is read from. */
async function reading() {
  const simulator = await startSimulator({
    entities: [{ key: API_KEY, name: 'Alfa', nip: '1111111111', clients: 5, invoices: 10, orders: 24, seed: 1 }],
  });
  cleanUp(() => simulator.stop());
  const entity = { api_key: API_KEY, start_date: 'all', streams: ['clients', ...streams] };
  return { ...simulator, service: testService({ url: simulator.url, entities: { alfa: entity } }) };
}

test('OSS invoices arrive once and without lines, their corrections with lines that say which is before and which is after', async () => {
  const { admin, service } = await reading();
  const first = await service.once();
  expect(first).toMatchObject({ code: 0, complete: true });
  const published = await readEverything(service);
  const truth = admin.truth()[API_KEY];
  expect(idsOf(published, 'oss-invoices', 'alfa')).toEqual(truth?.oss_invoices.ids);
  expect(idsOf(published, 'corrective-oss-invoices', 'alfa')).toEqual(truth?.corrective_oss_invoices.ids);
  expect(truth).toMatchObject({ oss_invoices: { count: 24 }, corrective_oss_invoices: { count: 12 } });
  for (const { id, value } of recordsOf(published, 'oss-invoices', 'alfa')) {
    const row = admin.row(API_KEY, 'oss_invoices', id ?? 0) as Readonly<Record<string, unknown>>;
    const { number, country, gross_price } = row;
    expect(value).toMatchObject({ number, country, gross_price, currency: 'EUR', uuid: null, services: null });
  }
  for (const { value } of recordsOf(published, 'corrective-oss-invoices', 'alfa')) {
    const lines = value?.['services'] as readonly Readonly<Record<string, unknown>>[];
    expect(lines.map(({ correction }) => correction)).toEqual([false, true]);
  }
  expect(await service.once()).toMatchObject({ code: 0 });
  const again = await readEverything(service);
  for (const stream of streams) expect(recordsOf(again, stream, 'alfa', published)).toEqual([]);
});

test('an OSS invoice that is gone is a tombstone, as it is asked for by its id, and so is a correction, by its uuid', async () => {
  const { admin, service } = await reading();
  await service.once();
  const before = await readEverything(service);
  const [, gone = 0] = admin.truth()[API_KEY]?.oss_invoices.ids ?? [];
  const [, goneToo = 0] = admin.truth()[API_KEY]?.corrective_oss_invoices.ids ?? [];
  admin.remove(API_KEY, 'oss_invoices', gone);
  admin.remove(API_KEY, 'corrective_oss_invoices', goneToo);
  expect(await service.once()).toMatchObject({ code: 0 });
  expect(await service.once()).toMatchObject({ code: 0 });
  const after = await readEverything(service);
  expect(recordsOf(after, 'oss-invoices', 'alfa', before)).toMatchObject([{ op: 'd', id: gone, value: null }]);
  expect(recordsOf(after, 'corrective-oss-invoices', 'alfa', before)).toMatchObject([
    { op: 'd', id: goneToo, value: null },
  ]);
});

test('where the API knows no OSS invoice by its id, one that left the list stays, and a warning says why (I5)', async () => {
  const { admin, service } = await reading();
  await service.once();
  const before = await readEverything(service);
  const [, gone = 0] = admin.truth()[API_KEY]?.oss_invoices.ids ?? [];
  admin.remove(API_KEY, 'oss_invoices', gone);
  const body = { error: 'Zasób którego szukasz nie został znaleziony.' };
  admin.addFault({ match: { path: '^oss_invoices/\\d+' }, times: Infinity, action: { status: 404, body } });
  await service.once();
  const last = await service.once();
  expect(JSON.stringify(last.logs)).toContain(
    'expected a row that is known to be there to be answered with 200, got 404; nothing is deleted',
  );
  expect(recordsOf(await readEverything(service), 'oss-invoices', 'alfa', before)).toEqual([]);
});
