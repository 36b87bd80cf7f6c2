import { startSimulator } from '../../simulator/server';
import { dictionaryNames, type DictionaryName } from '../../simulator/dictionaries';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { cleanUp, until } from '../support/kafka';
import { impatient, testService } from '../support/once';
import { asked, readEverything, recordsOf, type Everything } from '../support/published';
import { keyOf, startRun } from '../support/run';

const KEY = keyOf('alfa');
/** Read once by a run that takes less than a day. */
const daily = { dictionaries: { ...impatient.dictionaries, everyMs: 86_400_000 } };

/** A company whose service reads dictionaries. */
async function company(service: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}) {
  const simulator = await startSimulator({
    entities: [{ key: KEY, name: 'alfa', nip: '5252344078', clients: 3, invoices: 5 }],
  });
  cleanUp(() => simulator.stop());
  return {
    simulator,
    admin: simulator.admin,
    service: testService({
      url: simulator.url,
      entities: { alfa: { api_key: KEY, streams: ['clients'] } },
      service,
      projections: ['dictionaries'],
    }),
  };
}

/** The records of dictionaries, as `kind/id op code`. */
function told(everything: Everything, since?: Everything): string[] {
  return recordsOf(everything, 'dictionaries', 'alfa', since).map(({ key, op, value }) =>
    [`${String(key?.['kind'])}/${String(key?.['id'])}`, op, ...(value === null ? [] : [value['code']])].join(' '),
  );
}

test('each entry of each dictionary arrives once, a change once, and a restart publishes and asks nothing', async () => {
  const { simulator, admin, service } = await company();
  const wanted = (name: DictionaryName) =>
    admin.dictionary(KEY, name).map((row) => {
      const code = {
        gtus: row['name'],
        documents_markings: row['code'],
        vat_rates: row['symbol'],
        vat_exemptions: null,
      };
      return [`${name}/${String(row['id'])}`, 'r', code[name]].join(' ');
    });
  const all = dictionaryNames.flatMap(wanted).toSorted();
  const run = startRun(service, { patience: daily });
  const complete = async () => told(await readEverything(service)).length >= all.length;
  await until(complete, { what: 'every entry', withinMs: 60_000 });
  expect(await run.stop()).toMatchObject({ code: 0 });
  const first = await readEverything(service);
  expect(told(first).toSorted()).toEqual(all);
  expect(recordsOf(first, 'sweeps', 'alfa').map(({ key }) => key?.['stream'])).not.toContainEqual(
    expect.stringContaining('dictionaries'),
  );
  const rate = recordsOf(first, 'dictionaries', 'alfa').find(
    ({ key }) => key?.['kind'] === 'vat_rates' && key['id'] === 1,
  );
  expect(rate?.headers).toMatchObject({ id: 'alfa/vat_rates/1', stream: 'dictionaries', op: 'r', scan: 'sweep' });
  expect(rate?.value).toMatchObject({ rate: '22.0', name: '22%', symbol: '22', code: '22', extra: null });
  // More exemptions than a page holds.
  expect(asked(simulator, KEY, 'vat_exemptions.json')).toBe(2);

  admin.dictionary(KEY, 'gtus', [
    ...admin.dictionary(KEY, 'gtus').map((row) => (row['id'] === 7 ? { ...row, colour: 'red' } : row)),
    { id: 14, name: 'GTU_14', short_description: null, description: '' },
  ]);
  const again = startRun(service, { patience: daily });
  await again.says('caught up');
  expect(await again.stop()).toMatchObject({ code: 0 });
  expect(told(await readEverything(service), first)).toEqual([]);
  expect(asked(simulator, KEY, 'gtus.json')).toBe(1);

  const often = startRun(service);
  const news = async () => told(await readEverything(service), first);
  await until(async () => (await news()).length >= 2, { what: 'what changed', withinMs: 60_000 });
  const asks = asked(simulator, KEY, 'gtus.json');
  await until(() => asked(simulator, KEY, 'gtus.json') > asks + 1, { what: 'another reading', withinMs: 60_000 });
  expect(await often.stop()).toMatchObject({ code: 0 });
  expect((await news()).toSorted()).toEqual(['gtus/14 c GTU_14', 'gtus/7 u GTU_07']);
  const [changed] = recordsOf(await readEverything(service), 'dictionaries', 'alfa', first).filter(
    ({ op }) => op === 'u',
  );
  expect(changed?.value?.['extra']).toBe('{"colour":"red"}');
});

test('an entry that two whole lists lack is removed with one tombstone; an empty list, a cut one and one with another total remove nothing', async () => {
  const { simulator, admin, service } = await company();
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const first = await readEverything(service);
  expect(told(first).length).toBeGreaterThan(100);
  const whole = admin.dictionary(KEY, 'vat_exemptions');
  const run = startRun(service);
  const readings = async (): Promise<void> => {
    const before = asked(simulator, KEY, 'vat_exemptions.json', 0);
    await until(() => asked(simulator, KEY, 'vat_exemptions.json', 0) >= before + 3, {
      what: 'three readings',
      withinMs: 60_000,
    });
  };
  for (const rows of [[], whole.slice(0, 40)]) {
    admin.dictionary(KEY, 'vat_exemptions', rows);
    await readings();
  }
  admin.dictionary(KEY, 'vat_exemptions', whole.slice(1));
  const wrong = admin.addFault({
    match: { path: 'vat_exemptions.json' },
    times: Infinity,
    action: { transform: 'total-count-wrong', by: 3 },
  });
  await readings();
  expect(told(await readEverything(service), first)).toEqual([]);
  admin.clearFaults(wrong);
  const news = async () => told(await readEverything(service), first);
  await until(async () => (await news()).length > 0, { what: 'the tombstone', withinMs: 60_000 });
  await readings();
  expect(await news()).toEqual(['vat_exemptions/1 d']);
  admin.dictionary(KEY, 'vat_exemptions', whole);
  await until(async () => (await news()).length > 1, { what: 'its return', withinMs: 60_000 });
  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(await news()).toEqual(['vat_exemptions/1 d', 'vat_exemptions/1 c ']);
});

test('a reset of the entity publishes dictionaries anew, a purge removes them, and neither shows them as streams', async () => {
  const { service } = await company();
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const first = await readEverything(service);
  const keys = told(first).map((line) => line.split(' ')[0]);
  const shown = await service.command(['state', 'show', '--json']);
  const { streams } = JSON.parse(shown.stdout) as { readonly streams: readonly { readonly stream: string }[] };
  expect(streams.map(({ stream }) => stream)).toEqual(['clients']);

  expect(await service.command(['state', 'reset', '--entity', 'alfa', '--yes'])).toMatchObject({ code: 0 });
  expect(await service.once()).toMatchObject({ code: 0 });
  const again = await readEverything(service);
  expect(told(again, first).toSorted()).toEqual(told(first).toSorted());

  expect(await service.command(['state', 'reset', '--entity', 'alfa', '--purge', '--yes'])).toMatchObject({ code: 0 });
  const purged = told(await readEverything(service), again);
  expect(purged.toSorted()).toEqual(keys.map((key) => `${key} d`).toSorted());
});

test.each([401, 403, 404])(
  'a list that the account does not have, answered with %i, leaves /health at 200 and once at 0, and holds up no other',
  async (status) => {
    const port = await freePort();
    const { admin, service, simulator } = await company({
      http: { port },
      schedule: { sweepSeconds: 1, newestSeconds: 1, openSeconds: 1 },
      log: { level: 'debug' },
    });
    admin.addFault({
      match: { path: 'gtus.json' },
      times: Infinity,
      action: { status, body: { error: 'Brak uprawnień.' } },
    });
    const once = await service.once();
    expect(once).toMatchObject({ code: 0, complete: true });
    expect(Object.keys(once.streams)).toEqual(['alfa clients']);
    expect(once.logs.filter(({ msg }) => msg === 'not available')).toMatchObject([
      { entity: 'alfa', stream: 'dictionaries/gtus' },
    ]);
    const run = startRun(service);
    await run.says('not available', { entity: 'alfa' });
    await run.says('sweep complete', { entity: 'alfa' });
    const asks = asked(simulator, KEY, 'gtus.json');
    await readIn(port).becomes(200);
    expect(await run.stop()).toMatchObject({ code: 0 });
    expect(asked(simulator, KEY, 'gtus.json')).toBe(asks);
    expect(new Set(told(await readEverything(service)).map((line) => line.split('/')[0]))).toEqual(
      new Set(['documents_markings', 'vat_rates', 'vat_exemptions']),
    );
  },
);
