import { salesLists } from '../../simulator/account';
import { startSimulator } from '../../simulator/server';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { cleanUp, until } from '../support/kafka';
import { testService } from '../support/once';
import { startRun } from '../support/run';
import { idsOf, readEverything, recordsOf } from '../support/published';

const API_KEY = 'key-a';
const streams = ['advance-invoices', 'final-invoices', 'margin-invoices'] as const;
const listOf = (stream: (typeof streams)[number]) =>
  salesLists.find((list) => list === stream.replace('-', '_')) ?? 'invoices';

test('advance, final and margin invoices of an entity that names them arrive once, an edit is one record, and the usual streams read none of them', async () => {
  const simulator = await startSimulator({
    entities: [{ key: API_KEY, name: 'Alfa', nip: '1111111111', clients: 5, invoices: 10, orders: 12, seed: 1 }],
  });
  cleanUp(() => simulator.stop());
  const { admin } = simulator;
  const entity = { api_key: API_KEY, start_date: 'all' };
  const service = testService({ url: simulator.url, entities: { alfa: entity } });

  expect(Object.keys((await service.once()).streams)).toEqual([
    'alfa clients',
    'alfa invoices',
    'alfa corrective-invoices',
  ]);
  service.configure({ url: simulator.url, entities: { alfa: { ...entity, streams: ['clients', ...streams] } } });
  const first = await service.once();
  expect(first).toMatchObject({ code: 0, complete: true });
  const afterFirst = await readEverything(service);
  for (const stream of streams) {
    const ids = admin.truth()[API_KEY]?.[listOf(stream)].ids ?? [];
    expect(ids.length).toBeGreaterThan(8);
    expect(first.streams[`alfa ${stream}`]).toMatchObject({ rows: ids.length, created: ids.length, dead_letters: 0 });
    expect(idsOf(afterFirst, stream, 'alfa')).toEqual(ids);
    for (const { id, value } of recordsOf(afterFirst, stream, 'alfa')) {
      const row = admin.row(API_KEY, listOf(stream), id ?? 0) as Readonly<Record<string, unknown>>;
      for (const field of ['uuid', 'number', 'kind', 'invoice_date', 'gross_price', 'left_to_pay'])
        expect([field, value?.[field]]).toEqual([field, row[field]]);
    }
  }

  expect(await service.once()).toMatchObject({ code: 0 });
  const afterSecond = await readEverything(service);
  for (const stream of streams) expect(recordsOf(afterSecond, stream, 'alfa', afterFirst)).toEqual([]);

  const [edited = 0] = admin.truth()[API_KEY]?.advance_invoices.ids ?? [];
  admin.edit(API_KEY, 'advance_invoices', edited, { advance_price: 1 });
  expect(await service.once()).toMatchObject({ code: 0 });
  const afterEdit = await readEverything(service);
  expect(recordsOf(afterEdit, 'advance-invoices', 'alfa', afterSecond)).toMatchObject([
    { op: 'u', id: edited, value: { advance_price: 1 } },
  ]);
});

test('a list that the account does not have keeps once at 0 and /health at 200, and is read once it is there; one that was read before does neither', async () => {
  const port = await freePort();
  const simulator = await startSimulator({
    entities: [{ key: API_KEY, name: 'Alfa', nip: '1111111111', clients: 5, invoices: 10, seed: 1 }],
  });
  cleanUp(() => simulator.stop());
  const { admin } = simulator;
  const close = (path: string, status: number) =>
    admin.addFault({ match: { path }, times: Infinity, action: { status } });
  const closed = [close('margin_invoices.json', 403), close('final_invoices.json', 404)];
  const service = testService({
    url: simulator.url,
    service: { http: { port } },
    entities: { alfa: { api_key: API_KEY, start_date: 'all', streams: ['clients', ...streams] } },
  });

  const first = await service.once();
  expect(first).toMatchObject({ code: 0, complete: true });
  expect(first.streams).toMatchObject({
    'alfa advance-invoices': { complete: true },
    'alfa final-invoices': { complete: false, reason: 'not-available', requests: 1 },
    'alfa margin-invoices': { complete: false, reason: 'not-available', requests: 1 },
  });

  const run = startRun(service);
  const reader = readIn(port);
  await until(
    async () => (await reader.health()).body.streams.filter(({ reason }) => reason === 'not-available').length === 2,
    {
      what: 'both lists to be told as not available',
    },
  );
  const { problems } = await reader.becomes(200);
  expect(problems).toMatchObject(
    ['final-invoices', 'margin-invoices'].map((stream) => ({ stream, reason: 'not-available', unhealthy: false })),
  );
  expect(await run.stop()).toMatchObject({ code: 0 });
  const covers = new Date(Date.now() - 86_400_000).toISOString();
  const waited = await service.command(['wait', '--entity', 'alfa', '--covers', covers, '--timeout', '60s']);
  expect(waited.code).toBe(0);
  expect(waited.stdout).toContain('alfa margin-invoices: not available, so nothing of it is waited for');
  expect(waited.stdout).toMatch(/^alfa advance-invoices: sweep \d+ began/m);

  for (const fault of closed) admin.clearFaults(fault);
  const open = await service.once();
  expect(open).toMatchObject({ code: 0, complete: true });
  expect(open.streams['alfa margin-invoices']).toMatchObject({ complete: true, created: 4 });
  close('margin_invoices.json', 403);
  const again = await service.once();
  expect(again).toMatchObject({ code: 3, complete: false });
  expect(again.streams['alfa margin-invoices']).toMatchObject({ reason: 'forbidden' });
});
