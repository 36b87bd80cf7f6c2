import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cleanUp, kafkaClient, until, withAdmin, brokers } from '../../support/kafka';
import { readCommitted } from '../../support/java-reader';
import { companies, edit, expectAgreement, simulate, startRun } from '../../support/run';

const STOPPED = ['stopping: finishing what is being committed', 'stopped'];

test('publishes what changes, sweep after sweep, and tells no more than that it started, caught up and stopped', async () => {
  const scene = await companies(['alfa', 'beta']);
  const run = startRun(scene.service);
  await run.sweeps(...scene.names);
  edit(scene, 'alfa', 0);
  edit(scene, 'beta', 119);
  scene.simulator.admin.add('key-beta', 'clients');
  scene.simulator.admin.add('key-alfa', 'invoices');
  await run.sweeps(...scene.names);
  edit(scene, 'alfa', 0);
  await run.sweeps(...scene.names);

  expect(await run.stop()).toMatchObject({ code: 0 });
  const told = run.told();
  expect([told[0], ...told.slice(-2)]).toEqual(['started', ...STOPPED]);
  expect(told.slice(1, -2).sort()).toEqual([
    ...['alfa', 'beta'].flatMap((name) => [`${name} clients caught up`, `${name} invoices caught up`]),
    'shards taken',
  ]);
  await expectAgreement(scene);
});

test('an API that is down is asked again and again, and what changed meanwhile is published when it is back', async () => {
  const scene = await companies(['alfa', 'beta']);
  const run = startRun(scene.service, { patience: { parkMs: () => 200 } });
  await run.sweeps(...scene.names);
  await scene.simulator.stop();
  await until(() => scene.names.every((name) => run.count('parked', name) >= 3), { what: 'three parkings of each' });

  const again = await simulate(scene.names, scene.simulator.port);
  cleanUp(() => again.stop());
  const back = { ...scene, simulator: again };
  edit(back, 'alfa', 5);
  await run.says('back', { entity: 'alfa' });
  await run.says('back', { entity: 'beta' });
  await run.sweeps(...scene.names);

  expect(await run.stop()).toMatchObject({ code: 0 });
  const ofAlfa = run.told().filter((line) => line.startsWith('alfa ') && !line.endsWith('caught up'));
  expect(ofAlfa.at(-1)).toMatch(/^alfa \w+ back$/);
  // A stream that had asked before another was answered for the last time is parked alone at first.
  const ofStream = /^alfa \w+ (parked: unavailable|retrying|back)$/;
  expect(new Set(ofAlfa.filter((line) => !ofStream.test(line)))).toEqual(
    new Set(['alfa parked: unavailable', 'alfa retrying']),
  );
  await expectAgreement(back);
});

test('an entity that is refused is parked longer each time and disturbs nobody (I9)', async () => {
  const scene = await companies(['alfa', 'beta']);
  const { admin } = scene.simulator;
  const run = startRun(scene.service, { patience: { parkMs: (failures) => 100 * failures } });
  await run.sweeps(...scene.names);
  admin.addFault({ match: { entity: 'key-alfa' }, times: Infinity, action: { status: 401 } });
  await until(() => run.count('parked', 'alfa') >= 4, { what: 'four parkings' });
  await run.sweeps('beta');
  admin.clearFaults();
  await run.says('back', { entity: 'alfa' });

  expect(await run.stop()).toMatchObject({ code: 0 });
  const parkings = run.logs.filter(({ msg }) => msg === 'parked');
  expect(parkings.slice(0, 4)).toMatchObject(
    [100, 200, 300, 400].map((waitMs) => ({ entity: 'alfa', reason: 'unauthorized', waitMs })),
  );
  expect(run.count('parked', 'beta')).toBe(0);
  await expectAgreement(scene);
});

test('a warning at each try does not hide that an entity keeps failing', async () => {
  const scene = await companies(['alfa']);
  scene.simulator.admin.addFault({ match: { path: 'account/' }, times: Infinity, action: { status: 403 } });
  scene.simulator.admin.addFault({ match: { path: 'invoices.json' }, times: Infinity, action: { status: 401 } });
  scene.simulator.admin.addFault({
    match: { path: 'clients.json' },
    skip: 1,
    times: Infinity,
    action: { status: 401 },
  });
  const run = startRun(scene.service, { patience: { parkMs: (failures) => 20 * failures } });
  await until(() => run.count('parked', 'alfa') >= 3, { what: 'three parkings' });
  await run.stop();
  const waits = run.logs.filter(({ msg }) => msg === 'parked').map(({ waitMs }) => waitMs);
  expect(waits.slice(0, 3)).toEqual([20, 40, 60]);
  expect(run.count('attention')).toBe(1);
});

test('`once` beside it ends with exit code 3 and does not disturb it', async () => {
  const scene = await companies(['alfa'], { service: { kafka: { sessionTimeoutMs: 1_000 } } });
  const run = startRun(scene.service);
  await run.sweeps('alfa');
  const once = await scene.service.once();
  expect(once.code).toBe(3);
  expect(once.stderr).toContain('expected no other instance of the service');
  await run.sweeps('alfa');
  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.told()).toHaveLength(2 + 2 + 2);
  await expectAgreement(scene);
});

test('two of them share the shards, and the one that is left takes all', async () => {
  const shards = [['alfa', 'beta'], ['sigma']];
  const names = shards.flat();
  const scene = await companies(names);
  const first = startRun(scene.service);
  await first.sweeps(...names);
  const second = startRun(scene.service);
  const secondReads = (name: string): boolean =>
    second.count('sweep complete', name) + second.count('caught up', name) > 0;
  const theirs = await until(() => shards.find((entities) => entities.every(secondReads)), {
    what: 'the second to read a shard',
    withinMs: 120_000,
  });
  names.forEach((name, index) => edit(scene, name, index));
  const ours = names.filter((name) => !theirs.includes(name));
  await Promise.all([first.sweeps(...ours), second.sweeps(...theirs)]);

  expect(await first.stop()).toMatchObject({ code: 0 });
  names.forEach((name, index) => edit(scene, name, index + 10));
  await second.sweeps(...names);
  expect(await second.stop()).toMatchObject({ code: 0 });
  expect([...first.told(), ...second.told()].filter((line) => /kafka|parked/.test(line))).toEqual([]);
  await expectAgreement(scene);
});

test('a clock that is set back an hour, or forward, stops no sweep', async () => {
  const scene = await companies(['alfa']);
  let shiftMs = 0;
  const run = startRun(scene.service, { outside: { now: () => Date.now() + shiftMs } });
  await run.sweeps('alfa');
  shiftMs = -3_600_000;
  edit(scene, 'alfa', 0);
  await run.sweeps('alfa');
  shiftMs = 3_600_000;
  edit(scene, 'alfa', 0);
  await run.sweeps('alfa');
  expect(await run.stop()).toMatchObject({ code: 0 });
  await expectAgreement(scene);
});

test('a configuration that turns to nonsense is told, and has no effect before the next start, which refuses it', async () => {
  const scene = await companies(['alfa']);
  const run = startRun(scene.service);
  await run.sweeps('alfa');
  writeFileSync(join(scene.service.folder, 'service.json'), '{"service":');
  writeFileSync(join(scene.service.folder, 'entities', 'alfa.json'), '{"api_key":1,"nip":"7"}');
  writeFileSync(join(scene.service.folder, 'entities', 'beta.json'), 'nonsense');
  edit(scene, 'alfa', 0);
  await run.sweeps('alfa');
  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.told()).toHaveLength(2 + 2 + 1 + 2);
  expect(run.count('surroundings')).toBe(1);
  await expectAgreement(scene);
  const next = await startRun(scene.service).ended;
  expect(next.code).toBe(2);
  expect(next.stderr).toContain('service.json');
  expect(next.stderr).toContain('beta.json');
});

test.each(['invoices', 'state', 'dead-letters'])(
  'a topic of %s that is deleted ends it with exit code 2 and what to do, as soon as there is something to publish',
  async (name) => {
    const scene = await companies(['alfa']);
    const run = startRun(scene.service);
    await run.sweeps('alfa');
    const topic = scene.service.topic(name);
    await withAdmin(kafkaClient(), async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await until(async () => !(await admin.listTopics()).includes(topic), { what: `${topic} to be gone` });
    });
    const { admin } = scene.simulator;
    const id = admin.truth()['key-alfa']?.invoices.ids[0] ?? 0;
    admin.edit('key-alfa', 'invoices', id, name === 'dead-letters' ? { gross_price: 'much' } : { notes: 'new' });
    const end = await run.ended;
    expect(end.code).toBe(2);
    expect(end.stderr).toContain(topic);
    expect(end.stderr).toContain('what was published there is gone. Restore');
  },
);

test('nothing is left over in the group or in the topics when it has stopped', async () => {
  const scene = await companies(['alfa']);
  const run = startRun(scene.service);
  await run.sweeps('alfa');
  await run.stop();
  const groups = await withAdmin(kafkaClient(), (admin) => admin.describeGroups([scene.service.prefix]));
  expect(groups.groups[0]?.members).toEqual([]);
  // An open transaction would hide what comes after it.
  const state = await readCommitted(brokers().join(','), [scene.service.topic('state')]);
  expect(state.length).toBeGreaterThan(0);
});
