import { partitionOf } from '../../../src/sinks/partition';
import { parseStateKey, parseStateValue, stateKey } from '../../../src/state/state-topic';
import { startSimulator } from '../../../simulator/server';
import { cleanUp } from '../../support/kafka';
import { testService } from '../../support/once';
import { API_KEY, oneCompany, sessionsOf } from '../../support/one-company';
import { type Everything, idsOf, type Published, readEverything, recordsOf } from '../../support/published';
import { companies, edit, expectAgreement, startRun } from '../../support/run';

/** `op id` of the records of alfa on both topics that came since. */
function toldOf(read: Everything, since?: Everything): string[] {
  return ['clients', 'invoices']
    .flatMap((topic) => recordsOf(read, topic, 'alfa', since).map(({ op, id }) => `${topic} ${op ?? ''} ${id ?? ''}`))
    .sort();
}

/** What a reader who upserts by key has in the end, of one entity. */
function tableOf(read: Everything, topic: string, entity: string): Map<string, Published> {
  const table = new Map<string, Published>();
  for (const record of recordsOf(read, topic, entity)) {
    const key = JSON.stringify(record.key);
    if (record.value === null) table.delete(key);
    else table.set(key, record);
  }
  return table;
}

test('resync publishes the rows of a range of dates, or of an id, again as r, nothing else, and once, two resyncs at once included', async () => {
  const company = await oneCompany({ clients: 4, invoices: 12 });
  const { service, simulator } = company;
  const resync = (...args: string[]) => service.command(['resync', ...args]);
  expect(await resync('--entity', 'alfa')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no topic of that name') as unknown,
  });
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const before = await readEverything(service);

  const truth = simulator.admin.truth()[API_KEY];
  const invoices = (truth?.invoices.ids ?? []).map((id) => simulator.admin.row(API_KEY, 'invoices', id));
  const dated = (invoices as { id: number; invoice_date: string }[]).sort((a, b) =>
    a.invoice_date < b.invoice_date ? -1 : 1,
  );
  const [from, to] = [dated[3]?.invoice_date ?? '', dated[5]?.invoice_date ?? ''];
  const inRange = dated.filter(({ invoice_date }) => invoice_date >= from && invoice_date <= to).map(({ id }) => id);
  const client = truth?.clients.ids[1] ?? 0;
  const [ranged, single] = await Promise.all([
    resync('--entity', 'alfa', '--from', from, '--to', to, '--json'),
    resync('--entity', 'alfa', '--id', String(client)),
  ]);
  expect({ ranged, single }).toMatchObject({ ranged: { code: 0 }, single: { code: 0 } });
  expect(JSON.parse(ranged.stdout)).toEqual({
    entity: 'alfa',
    streams: [{ stream: 'invoices', rows: inRange.length, outside: 0 }],
  });
  expect(single.stdout).toContain('alfa clients: 1 rows marked');

  // Nothing was created or updated, and the topics grow all the same (I10).
  expect(await service.once()).toMatchObject({
    code: 0,
    streams: {
      'alfa clients': { created: 0, updated: 0, republished: 1, unchanged: 3 },
      'alfa invoices': { created: 0, updated: 0, republished: inRange.length, unchanged: 12 - inRange.length },
    },
  });
  expect(await service.once()).toMatchObject({ streams: { 'alfa invoices': { republished: 0, unchanged: 12 } } });
  expect(toldOf(await readEverything(service), before)).toEqual(
    [...inRange.map((id) => `invoices r ${id}`), `clients r ${client}`].sort(),
  );
});

test('resync says what it expected where nothing fits, and then nobody is fenced', async () => {
  const company = await oneCompany({ clients: 1, invoices: 2 });
  const { service, simulator } = company;
  await service.once();
  const sessions = await sessionsOf(company);
  const refused = async (args: readonly string[], expected: string): Promise<void> => {
    const { code, stderr } = await service.command(['resync', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(expected) as unknown });
  };
  await refused(['--entity', 'beta'], '--entity expects one that is read (alfa), got "beta"');
  await refused(['--entity', 'alfa', '--stream', 'corrective-invoices'], 'one of the streams that are read of alfa');
  await refused(
    ['--entity', 'alfa', '--id', '7'],
    'looking for id 7 of alfa: expected it in clients or invoices, got it nowhere',
  );
  await refused(
    ['--entity', 'alfa', '--from', '2999-01-01'],
    'expected some of invoices with a date in that range, got none',
  );

  const alfa = { api_key: API_KEY, streams: ['clients', 'invoices'] };
  service.configure({
    url: simulator.url,
    entities: { alfa: { ...alfa, enabled: false }, beta: { ...alfa, api_key: 'key-b' } },
  });
  await refused(['--entity', 'alfa'], 'got "alfa", which is not enabled');
  await refused(
    ['--entity', 'beta'],
    'looking for what is remembered of beta: expected an entity that was read before',
  );
  service.configure({ url: simulator.url, entities: { alfa }, service: { service: { id: 'other' } } });
  await refused(['--entity', 'alfa'], 'a state topic belongs to one service');
  expect(await sessionsOf(company)).toBe(sessions);
});

test('a run that is fenced by resync restores, publishes what was marked, and goes on with nothing twice', async () => {
  const scene = await companies(['alfa']);
  const { service, simulator, times } = scene;
  const run = startRun(service);
  await run.sweeps('alfa');
  const [id = 0] = simulator.admin.truth()['key-alfa']?.invoices.ids ?? [];
  expect(await service.command(['resync', '--entity', 'alfa', '--id', String(id)])).toMatchObject({ code: 0 });
  times.set(`alfa invoices ${id}`, 2);
  edit(scene, 'alfa', 5);
  await run.says('shard handed over');
  await run.sweeps('alfa');
  edit(scene, 'alfa', 6);
  await run.sweeps('alfa');
  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.count('shard handed over')).toBeGreaterThanOrEqual(1);
  expect(run.count('kafka lost, retrying')).toBe(0);
  await expectAgreement(scene);
});

test('state reset publishes every row again as r, once, and still notices what was deleted before it', async () => {
  const company = await oneCompany({ clients: 3, invoices: 15 });
  const { service, simulator } = company;
  await service.once();
  const before = await readEverything(service);
  const sessions = await sessionsOf(company);
  const reset = (...args: string[]) => service.command(['state', 'reset', '--entity', 'alfa', ...args]);
  const pretended = await reset('--stream', 'invoices');
  expect(pretended).toMatchObject({ code: 0, stdout: 'alfa invoices: 15 rows would be published again\n' });
  expect(pretended.stderr).toContain('nothing was changed; --yes does it');
  expect(await sessionsOf(company)).toBe(sessions);

  const [deleted = 0, ...kept] = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  await service.once();
  simulator.admin.remove(API_KEY, 'invoices', deleted);
  expect(await reset('--stream', 'invoices', '--yes')).toMatchObject({ code: 0 });
  const results = [await service.once(), await service.once(), await service.once()];
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(results.map(({ streams }) => streams['alfa invoices'])).toMatchObject([
    { created: 0, first_read: 0, republished: kept.length, unchanged: 0 },
    { created: 0, republished: 0 },
    { created: 0, republished: 0 },
  ]);
  const after = await readEverything(service);
  expect(toldOf(after, before)).toEqual([`invoices d ${deleted}`, ...kept.map((id) => `invoices r ${id}`)].sort());
  expect([...tableOf(after, 'invoices', 'alfa').values()].map(({ id }) => id).sort()).toEqual(kept.sort());
});

test('purge leaves no row and no line of the entity in the end, forgets it, and touches no other, which shares its shard', async () => {
  const names = ['alfa', 'bravo', 'carol', 'delta', 'echo'].filter(
    (name) => partitionOf(name, 2) === partitionOf('alfa', 2),
  );
  const [, other = ''] = names;
  const simulator = await startSimulator({
    entities: ['alfa', other].map((name, seed) => ({
      key: `key-${name}`,
      name,
      nip: '1111111111',
      clients: 3,
      invoices: 10,
      seed,
    })),
  });
  cleanUp(() => simulator.stop());
  const streams = ['clients', 'invoices'];
  const alfa = { api_key: 'key-alfa', streams };
  const others = { [other]: { api_key: `key-${other}`, streams } };
  const service = testService({
    url: simulator.url,
    entities: { alfa, ...others },
    projections: ['invoice-lines'],
  });
  expect(await service.once()).toMatchObject({ code: 0 });
  const before = await readEverything(service);
  expect(tableOf(before, 'invoice-lines', 'alfa').size).toBeGreaterThan(10);

  // The lines stay where they are when they are asked for no longer; a purge takes them all the same.
  service.configure({ url: simulator.url, entities: others });
  expect(await service.command(['state', 'reset', '--entity', 'alfa', '--purge', '--yes'])).toMatchObject({
    code: 0,
    stdout: 'alfa clients: 3 rows purged\nalfa invoices: 10 rows purged\n',
  });
  const purged = await readEverything(service);
  const all = ['clients', 'invoices', 'invoice-lines'];
  expect(all.map((topic) => tableOf(purged, topic, 'alfa').size)).toEqual([0, 0, 0]);
  expect(all.flatMap((topic) => recordsOf(purged, topic, other, before))).toEqual([]);
  expect(new Set(all.flatMap((topic) => recordsOf(purged, topic, 'alfa', before)).map(({ op }) => op))).toEqual(
    new Set(['d']),
  );
  const newest = new Map(
    purged.raw
      .filter(({ topic }) => topic === service.topic('state'))
      .map(({ key, value }) => [key?.toString() ?? '', value]),
  );
  const layout = newest.get(stateKey(service.prefix, { layout: true }));
  const last: Record<string, number> = {};
  for (const { place } of purged.published.filter(({ topic }) => topic === 'invoices')) {
    const [partition = '', offset = ''] = place.split(':');
    last[partition] = Number(offset);
  }
  expect(parseStateValue('layout', layout ?? Buffer.alloc(0)).lastOffsets[service.topic('invoices')]).toEqual(last);
  const left = [...newest]
    .filter(([, value]) => value !== null)
    .map(([key]) => parseStateKey(service.prefix, key, 'state'));
  expect(left.filter((key) => 'entity' in key && key.entity === 'alfa')).toEqual([]);
  expect(await service.command(['state', 'reset', '--entity', 'alfa', '--purge', '--yes'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('looking for what is remembered of alfa') as unknown,
  });
  const { stdout } = await service.command(['state', 'show', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ streams: streams.map((stream) => ({ entity: other, stream })) });

  service.configure({ url: simulator.url, entities: { alfa, ...others } });
  expect(await service.once()).toMatchObject({ code: 0 });
  const again = await readEverything(service);
  expect(toldOf(again, purged)).toEqual(toldOf(before));
  expect(idsOf(again, 'invoices', other)).toEqual(idsOf(before, 'invoices', other));
});
