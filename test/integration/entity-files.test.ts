import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startSimulator } from '../../simulator/server';
import { cleanUp, until } from '../support/kafka';
import { testService } from '../support/once';
import { companies, edit, expectAgreement, keyOf, readStreams, type Scene, startRun } from '../support/run';

const fileOf = ({ service }: Pick<Scene, 'service'>, entity: string): string =>
  join(service.folder, 'entities', `${entity}.json`);

function write(scene: Pick<Scene, 'service'>, entity: string, changes: Readonly<Record<string, unknown>> = {}): void {
  const file = { api_key: keyOf(entity), start_date: 'all', streams: readStreams, ...changes };
  writeFileSync(fileOf(scene, entity), JSON.stringify(file));
}

test('a file that is added, faulty, mended, disabled or removed acts on its entity alone, and nothing is lost, doubled or deleted (I1, I2, I5)', async () => {
  const scene = await companies(['alfa', 'beta', 'sigma']);
  rmSync(fileOf(scene, 'beta'));
  rmSync(fileOf(scene, 'sigma'));
  const run = startRun(scene.service);
  await run.sweeps('alfa');
  expect(run.count('caught up', 'beta')).toBe(0);

  write(scene, 'beta');
  await run.says('entity files changed');
  await run.sweeps('beta');

  // As an editor leaves it that was stopped while saving.
  writeFileSync(fileOf(scene, 'sigma'), '{"api_key": "key-sig');
  await run.says('surroundings');
  const unusable = run.logs.find(({ msg }) => msg === 'surroundings');
  expect(unusable?.['about']).toMatch(
    /^cannot load the entities' files, 1 fault:\n.*sigma\.json: .*\nThe entities stay as they were$/,
  );
  expect(JSON.stringify(unusable)).not.toContain('key-sig');
  edit(scene, 'beta', 0);
  await run.sweeps('alfa', 'beta');
  write(scene, 'sigma');
  await run.says('entity files changed', { before: 1 });
  await run.sweeps('sigma');

  write(scene, 'beta', { enabled: false });
  await run.says('entity files changed', { before: 2 });
  edit(scene, 'beta', 1);
  await run.sweeps('alfa', 'sigma');
  rmSync(fileOf(scene, 'sigma'));
  await run.says('entity files changed', { before: 3 });
  const changes = run.logs.filter(({ msg }) => msg === 'entity files changed');
  expect(changes.map(({ added, changed, removed }) => ({ added, changed, removed }))).toEqual([
    { added: ['beta'], changed: [], removed: [] },
    { added: ['sigma'], changed: [], removed: [] },
    { added: [], changed: [], removed: ['beta'] },
    { added: [], changed: [], removed: ['sigma'] },
  ]);
  write(scene, 'beta');
  write(scene, 'sigma');
  await run.says('entity files changed', { before: 4 });
  await run.sweeps(...scene.names);

  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.told().filter((line) => /parked|kafka lost/.test(line))).toEqual([]);
  await expectAgreement(scene);
});

test('a file with another name is another entity, whose rows are read anew, and the key of a file that is mended ends the parking', async () => {
  const scene = await companies(['alfa']);
  write(scene, 'alfa', { api_key: 'no-such-key' });
  const run = startRun(scene.service, { patience: { parkMs: () => 600_000 } });
  await run.says('parked', { entity: 'alfa' });
  write(scene, 'alfa');
  await run.sweeps('alfa');
  renameSync(fileOf(scene, 'alfa'), fileOf(scene, 'omega'));
  await run.says('entity files changed', { before: 1 });
  // Not refused as the twin of alfa, which is read no more.
  await run.sweeps('omega');
  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.told().filter((line) => line.startsWith('omega') && line.includes('parked'))).toEqual([]);
});

test('three hundred files that are added at once are all read, and the one that was there before goes on', async () => {
  const many = Array.from({ length: 300 }, (_, number) => `firma-${number}`);
  const simulator = await startSimulator({
    entities: ['alfa', ...many].map((name, seed) => ({
      key: keyOf(name),
      name,
      nip: '1111111111',
      clients: 1,
      invoices: 0,
      seed,
    })),
  });
  cleanUp(() => simulator.stop());
  const streams = ['clients'];
  const service = testService({
    url: simulator.url,
    entities: { alfa: { api_key: keyOf('alfa'), streams } },
    service: { schedule: { sweepSeconds: 1 }, log: { level: 'debug' } },
  });
  const run = startRun(service);
  await run.says('caught up', { entity: 'alfa' });
  for (const name of many) write({ service }, name, { streams });
  await until(() => many.every((name) => run.count('caught up', name) > 0), {
    what: 'each to be read',
    withinMs: 120_000,
  });
  await run.says('sweep complete', { entity: 'alfa', before: run.count('sweep complete', 'alfa') });
  expect(run.told().filter((line) => /parked|kafka lost|given up|attention/.test(line))).toEqual([]);
  expect(run.count('shards taken')).toBe(1);
  expect(await run.stop()).toMatchObject({ code: 0 });
});
