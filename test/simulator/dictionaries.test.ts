import { dictionaryNames } from '../../simulator/dictionaries';
import { startSimulator, type Simulator } from '../../simulator/server';

const KEY = 'key-a';
const paths = ['gtus', 'documents_markings/incomes', 'vat_rates', 'vat_exemptions'];

interface Listed {
  readonly metainfo: { readonly count: number; readonly total_count: number; readonly next: string };
  readonly entities: readonly { readonly id: number; readonly name?: string }[];
}

async function ask({ url }: Simulator, path: string, key = KEY) {
  const answer = await fetch(`${url}/api/v3/${path}`, { headers: { 'X-inFakt-ApiKey': key } });
  return { status: answer.status, body: (await answer.json()) as Listed };
}

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    entities: [
      { key: KEY, name: 'A', nip: '1111111111', clients: 1, invoices: 1 },
      { key: 'key-b', name: 'B', nip: '2222222222', clients: 1, invoices: 1, scopes: [] },
    ],
  });
});
afterAll(() => simulator.stop());

test('the reference lists are paged and in an order of their own, and their links lead elsewhere', async () => {
  expect((await ask(simulator, 'gtus.json')).body).toMatchObject({
    metainfo: { count: 10, total_count: 13, next: expect.stringMatching(/^https:\/\/app\.infakt\.test\//) as string },
  });
  const totals = await Promise.all(paths.map(async (path) => (await ask(simulator, `${path}.json?limit=100`)).body));
  expect(totals.map(({ metainfo, entities }) => [metainfo.total_count, entities.length])).toEqual([
    [13, 13],
    [13, 13],
    [10, 10],
    [112, 100],
  ]);
  expect(totals.map(({ entities }) => new Set(entities.map(({ id }) => id)).size)).toEqual([13, 13, 10, 100]);
  const rates = await ask(simulator, 'vat_rates.json?order=id%20asc&offset=1&limit=2');
  expect(rates.body.entities.map(({ id }) => id)).toEqual([1, 8]);
});

test('a key without the scope, a fault and a limit that is refused are answered as those of other lists', async () => {
  expect((await ask(simulator, 'gtus.json', 'key-b')).status).toBe(401);
  simulator.admin.addFault({ match: { path: 'vat_rates.json' }, action: { transform: 'empty-list' } });
  expect((await ask(simulator, 'vat_rates.json')).body.entities).toEqual([]);
  simulator.admin.addFault({ match: { path: 'documents_markings' }, action: { status: 404 } });
  expect((await ask(simulator, 'documents_markings/incomes.json')).status).toBe(404);
  const strict = await startSimulator({
    entities: [{ key: KEY, name: 'A', nip: '1111111111', clients: 1, invoices: 1 }],
    overLimit: 'refuse',
  });
  expect((await ask(strict, 'gtus.json?limit=101')).status).toBe(400);
  await strict.stop();
});

test("an account's list is replaced as a whole, in the process and over HTTP, and no other account's", async () => {
  expect(dictionaryNames.map((name) => simulator.admin.dictionary('key-b', name).length)).toEqual([13, 13, 10, 112]);
  simulator.admin.dictionary(KEY, 'gtus', [{ id: 1, name: 'GTU_01' }]);
  expect((await ask(simulator, 'gtus.json')).body.entities).toEqual([{ id: 1, name: 'GTU_01' }]);
  const place = `${simulator.url}/__admin/${KEY}/gtus`;
  const put = (body: unknown) => fetch(place, { method: 'PUT', body: JSON.stringify(body) });
  expect(await (await put([{ id: 2 }])).json()).toEqual([{ id: 2 }]);
  expect(await (await fetch(place)).json()).toEqual([{ id: 2 }]);
  expect((await put({ id: 2 })).status).toBe(400);
  expect((await fetch(place, { method: 'DELETE' })).status).toBe(404);
  expect(simulator.admin.dictionary('key-b', 'gtus')).toHaveLength(13);
});
