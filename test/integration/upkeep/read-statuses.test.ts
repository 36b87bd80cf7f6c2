import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createSingleObjectDecoder } from '../../../src/sinks/avro';
import { readStatuses } from '../../../src/upkeep/read-statuses';
import { freePort } from '../../support/free-port';
import { readIn } from '../../support/health';
import { readCommitted } from '../../support/java-reader';
import { kafkaClient, uniqueName, until } from '../../support/kafka';
import { companies, keyOf, startRun, type Scene } from '../../support/run';

const decode = createSingleObjectDecoder();

const topicsOf = (prefix: string): Parameters<typeof readStatuses>[0] => ({
  kafka: kafkaClient(),
  serviceId: uniqueName('s'),
  prefix,
  stop: new AbortController().signal,
  deadlineMs: 60_000,
  decode: (bytes) => Promise.resolve(decode(bytes)),
});

async function shown({ service }: Scene, ...argv: string[]): Promise<string> {
  const { code, stdout } = await service.command(['state', 'show', ...argv]);
  expect(code).toBe(0);
  return stdout;
}

test('state show names the replica that reads each stream, and how it stands there', async () => {
  const scene = await companies(['alfa', 'beta']);
  const prefix = scene.service.topic('status').replace(/\.status$/, '');
  const run = startRun(scene.service, { replica: 'books-1' });
  await run.sweeps('alfa', 'beta');
  const reading = async (): Promise<boolean> =>
    (await readStatuses(topicsOf(prefix)))?.('alfa', 'clients')?.state === 'reading';
  await until(reading, { what: 'the status topic to say so' });
  expect(await shown(scene)).toMatch(/^alfa: 2 streams complete, .*, owner books-1$/m);
  expect(await shown(scene, '--entity', 'alfa')).toMatch(/^ {2}owner books-1: reading, told 20/m);

  scene.simulator.admin.addFault({ match: { entity: keyOf('beta') }, times: Infinity, action: { status: 401 } });
  await run.says('parked', { entity: 'beta' });
  const parked = async (): Promise<boolean> =>
    (await readStatuses(topicsOf(prefix)))?.('beta', 'clients')?.reason === 'unauthorized';
  await until(parked, { what: 'the status topic to say that beta is parked' });
  const { streams } = JSON.parse(await shown(scene, '--json')) as { streams: { entity: string }[] };
  expect(streams.filter(({ entity }) => entity === 'beta')).toMatchObject([
    { stream: 'clients', owner: 'books-1', status: { state: 'parked', reason: 'unauthorized', also: [] } },
    { stream: 'invoices', owner: 'books-1', status: { state: 'parked', reason: 'unauthorized' } },
  ]);
  await run.stop();
  expect(await shown(scene, '--entity', 'alfa')).toMatch(/^ {2}owner books-1: stopped, told 20/m);
});

test('a topic that is not there says that nothing is known, and what nobody has told of has no owner', async () => {
  expect(await readStatuses(topicsOf(uniqueName('nowhere')))).toBeNull();
  const scene = await companies(['alfa']);
  await scene.service.once();
  const { streams } = JSON.parse(await shown(scene, '--json')) as { streams: unknown[] };
  expect(streams).toMatchObject([
    { owner: null, status: null },
    { owner: null, status: null },
  ]);
  expect(await shown(scene, '--entity', 'alfa')).not.toContain('owner');
});

test('a purge removes from the status topic what was told of the entity, or of the one stream, and a replica forgets it', async () => {
  const port = await freePort();
  const scene = await companies(['alfa', 'beta'], { service: { http: { port } } });
  const run = startRun(scene.service);
  await run.sweeps('alfa', 'beta');
  const file = { api_key: keyOf('beta'), start_date: 'all', enabled: false };
  writeFileSync(join(scene.service.folder, 'entities', 'beta.json'), JSON.stringify(file));
  await run.says('entity files changed');
  const betaIn = async (): Promise<readonly string[]> =>
    (await readIn(port).health()).body.streams.filter(({ entity }) => entity === 'beta').map(({ stream }) => stream);
  await until(async () => (await betaIn()).length === 2, { what: 'beta to be shown' });

  const purge = (...argv: string[]) =>
    scene.service.command(['state', 'reset', '--entity', 'beta', '--purge', ...argv]);
  expect(await purge()).toMatchObject({ code: 0 });
  expect(await betaIn()).toEqual(['clients', 'invoices']);
  expect(await purge('--yes', '--stream', 'clients')).toMatchObject({ code: 0 });
  await until(async () => (await betaIn()).join() === 'invoices', { what: 'the clients of beta to be forgotten' });
  expect(await purge('--yes')).toMatchObject({ code: 0 });
  await until(async () => (await betaIn()).length === 0, { what: 'beta to be forgotten' });
  await run.stop();

  const newest = new Map<string, Buffer | null>();
  for (const { key, value } of await readCommitted(scene.bootstrap, [scene.service.topic('status')])) {
    const { entity, stream } = decode(key ?? Buffer.alloc(0)) as Readonly<Record<string, string>>;
    newest.set(`${entity} ${stream}`, value);
  }
  expect(
    [...newest]
      .filter(([, value]) => value === null)
      .map(([name]) => name)
      .sort(),
  ).toEqual(['beta clients', 'beta corrective-invoices', 'beta invoices']);
});
