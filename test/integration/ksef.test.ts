import { startSimulator, type Simulator } from '../../simulator/server';
import { isObject } from '../../src/json';
import { cleanUp, until } from '../support/kafka';
import { testService, type ServiceSetting } from '../support/once';
import { readEverything, recordsOf, type Everything } from '../support/published';
import { keyOf, startRun } from '../support/run';

const KEY = keyOf('alfa');

/** The streams whose documents may be in KSeF. */
const documents = ['invoices', 'corrective-invoices', 'advance-invoices', 'final-invoices', 'margin-invoices'] as const;
const lists = ['invoices', 'corrective_invoices', 'advance_invoices', 'final_invoices', 'margin_invoices'] as const;

/** A company whose service asks for what KSeF says, or does not. */
async function company(ksefMs: readonly [number, number], projections: readonly string[] = ['ksef']) {
  const simulator = await startSimulator({
    entities: [{ key: KEY, name: 'alfa', nip: '5252344078', clients: 3, invoices: 40, corrections: 4 }],
    ksefMs,
  });
  cleanUp(() => simulator.stop());
  const setting: ServiceSetting = {
    url: simulator.url,
    entities: {
      alfa: {
        api_key: KEY,
        streams: ['clients', ...documents],
        deletions: { maxShare: 1 },
      },
    },
    service: { schedule: { sweepSeconds: 1, newestSeconds: 1, openSeconds: 1 }, log: { level: 'debug' } },
    projections,
  };
  return { simulator, setting, service: testService(setting) };
}

/** What the API says of KSeF where a document is asked for by itself. */
async function shownBy({ url }: Simulator, uuid: unknown): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${url}/api/v3/invoices/${String(uuid)}.json`, { headers: { 'X-inFakt-ApiKey': KEY } });
  const detail: unknown = await answer.json();
  const data = isObject(detail) ? detail['ksef_data'] : null;
  return isObject(data) ? data : {};
}

/** The records of KSeF, as `stream/id status number`. */
function told(everything: Everything, since?: Everything): string[] {
  return recordsOf(everything, 'ksef', 'alfa', since).map(({ key, value }) =>
    [`${String(key?.['stream'])}/${String(key?.['id'])}`, value?.['status'], value?.['ksef_number']]
      .map(String)
      .join(' '),
  );
}

test("a new document's number arrives on the topic once, also over a restart, and what is there before is read too", async () => {
  const { simulator, service } = await company([300, 600]);
  const run = startRun(service);
  await run.says('caught up', { entity: 'alfa' });
  const added = simulator.admin.add(KEY, 'invoices', { kind: 'vat' });
  const place = `invoices/${String(added['id'])}`;
  const numbered = async (): Promise<boolean> =>
    told(await readEverything(service)).some((line) => line.startsWith(`${place} success `));
  await until(numbered, { what: 'the number of the new document', withinMs: 60_000 });
  const { ksef_number: number } = await shownBy(simulator, added['uuid']);
  // Each document of this year is told of, those without data of KSeF too.
  const concerned = lists.flatMap((stream) =>
    (simulator.admin.truth()[KEY]?.[stream].ids ?? [])
      .filter((id) => {
        const row = simulator.admin.row(KEY, stream, id);
        if (!isObject(row) || row['kind'] === 'proforma' || row['uuid'] === null) return false;
        return typeof row['invoice_date'] === 'string' && row['invoice_date'] >= '2026-02-01';
      })
      .map((id) => `${stream.replace('_', '-')}/${id}`),
  );
  const placesOf = (lines: readonly string[]) => new Set(lines.map((line) => line.split(' ')[0] ?? ''));
  await until(async () => placesOf(told(await readEverything(service))).size >= concerned.length, {
    what: 'what KSeF says of every document',
    withinMs: 60_000,
  });
  expect(await run.stop()).toMatchObject({ code: 0 });

  const before = await readEverything(service);
  const ofNew = told(before).filter((line) => line.startsWith(place));
  expect(ofNew.at(-1)).toBe(`${place} success ${String(number)}`);
  expect(ofNew.filter((line) => line.includes(' success '))).toHaveLength(1);
  expect(new Set(ofNew).size).toBe(ofNew.length);
  expect(recordsOf(before, 'invoices', 'alfa').filter(({ id }) => id === added['id'])).toHaveLength(1);
  expect(new Set(recordsOf(before, 'ksef', 'alfa').map(({ stream }) => stream))).toEqual(new Set(['ksef']));
  expect([...placesOf(told(before))].toSorted()).toEqual(concerned.toSorted());

  const again = startRun(service);
  const second = simulator.admin.add(KEY, 'invoices', { kind: 'vat' });
  const wanted = `invoices/${String(second['id'])} success `;
  await until(async () => told(await readEverything(service), before).some((line) => line.startsWith(wanted)), {
    what: 'the number of the second document',
    withinMs: 60_000,
  });
  expect(await again.stop()).toMatchObject({ code: 0 });
  const after = told(await readEverything(service), before);
  expect(after.filter((line) => !line.startsWith(`invoices/${String(second['id'])}`))).toEqual([]);
});

test('switched on later it publishes no document anew, and switched off again a deletion still takes its record along', async () => {
  const { simulator, service, setting } = await company([300, 600], []);
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const without = await readEverything(service);
  expect(told(without)).toEqual([]);

  service.configure({ ...setting, projections: ['ksef'] });
  const run = startRun(service);
  const numbered = (everything: Everything) =>
    recordsOf(everything, 'ksef', 'alfa').filter(
      ({ key, value }) => key?.['stream'] === 'invoices' && value?.['status'] === 'success',
    );
  await until(async () => numbered(await readEverything(service)).length > 0, { what: 'a number', withinMs: 60_000 });
  expect(await run.stop()).toMatchObject({ code: 0 });
  const on = await readEverything(service);
  expect(recordsOf(on, 'invoices', 'alfa', without)).toEqual([]);
  const { stdout } = await service.command(['state', 'show', '--json']);
  const { streams } = JSON.parse(stdout) as { streams: { stream: string }[] };
  expect(streams.map(({ stream }) => stream).toSorted()).toEqual(['clients', ...documents].toSorted());

  service.configure({ ...setting, projections: [] });
  const { id } = numbered(on)[0] ?? {};
  simulator.admin.remove(KEY, 'invoices', id ?? 0);
  const off = startRun(service);
  const gone = async () =>
    recordsOf(await readEverything(service), 'invoices', 'alfa', on).filter(({ op }) => op === 'd');
  await until(async () => (await gone()).length === 1, { what: 'the deletion', withinMs: 60_000 });
  expect(await off.stop()).toMatchObject({ code: 0 });
  expect(
    recordsOf(await readEverything(service), 'ksef', 'alfa', on).map(({ key, op, value }) => [key, op, value]),
  ).toEqual([[{ entity: 'alfa', stream: 'invoices', id }, 'd', null]]);
});
