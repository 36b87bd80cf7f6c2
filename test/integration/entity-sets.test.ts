import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { cleanUp, until } from '../support/kafka';
import { companies, keyOf, readStreams, startRun } from '../support/run';

const MINUTE = 60_000;

test('an entity whose file the owner of its shard lacks is not configured there, and both replicas say that their files differ, until they do not', async () => {
  const scene = await companies(['alfa', 'beta', 'epsilon', 'sigma']);
  // Each shard has one that both replicas know and one that is new.
  const added = ['beta', 'sigma'];
  const folders = [scene.service.folder, mkdtempSync(join(tmpdir(), 'infakt-kafka-'))] as const;
  cleanUp(() => {
    rmSync(folders[1], { recursive: true });
    return Promise.resolve();
  });
  for (const entity of added) rmSync(join(folders[0], 'entities', `${entity}.json`));
  cpSync(folders[0], folders[1], { recursive: true });
  let laterMs = 0;
  const outside = { now: () => Date.now() + laterMs };
  const [one, other] = await Promise.all(
    folders.map(async (folder, index) => {
      const file = join(folder, 'service.json');
      const port = await freePort();
      const service = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
      writeFileSync(file, JSON.stringify({ ...service, http: { port } }));
      const options = ['--config', file, '--entities', join(folder, 'entities')];
      const start = () => startRun({ ...scene.service, options }, { replica: index === 0 ? 'one' : 'other', outside });
      return { reader: readIn(port), start, folder };
    }),
  );
  if (one === undefined || other === undefined) throw new Error('expected two replicas');
  const runs = [one.start(), other.start()];
  const streamsOf = async ({ reader }: typeof one) => (await reader.health()).body.streams;
  await until(
    async () => {
      const reading = (await streamsOf(one)).filter(({ state }) => state === 'reading');
      return reading.length === 4 && new Set(reading.map(({ owner }) => owner)).size === 2;
    },
    { what: 'both replicas to read' },
  );

  const add = (folder: string, entity: string): void =>
    writeFileSync(
      join(folder, 'entities', `${entity}.json`),
      JSON.stringify({ api_key: keyOf(entity), start_date: 'all', streams: readStreams }),
    );
  for (const entity of added) add(one.folder, entity);
  await runs[0]?.says('entity files changed');
  await until(
    async () =>
      (await streamsOf(one)).some(
        ({ entity, owner, state }) => added.includes(entity) && owner === 'one' && state === 'reading',
      ),
    {
      what: 'the new entity of its own shard to be read',
    },
  );
  laterMs = MINUTE;
  const lacking = await until(
    async () => {
      const { body } = await one.reader.health();
      const found = body.problems.filter(({ reason }) => reason === 'not-configured-here');
      return found.length === readStreams.length && found;
    },
    { what: 'the owner to say that it has no file' },
  );
  expect(lacking).toMatchObject(readStreams.map((stream) => ({ stream, owner: 'other', unhealthy: true })));
  laterMs = 4 * MINUTE;
  for (const run of runs) await run.says('entity files differ');
  for (const { reader } of [one, other])
    expect((await reader.health()).body).toMatchObject({
      notices: [
        {
          notice: 'entity-files-differ',
          replicas: { one: expect.any(String) as string, other: expect.any(String) as string },
        },
      ],
    });

  for (const entity of added) add(other.folder, entity);
  await until(async () => (await streamsOf(one)).filter(({ state }) => state === 'reading').length === 8, {
    what: 'all entities to be read',
  });
  for (const run of runs) await run.says('entity files are the same in all replicas again');
  expect((await one.reader.health()).body).toMatchObject({ notices: [] });
  for (const run of runs) expect(await run.stop()).toMatchObject({ code: 0 });
}, 240_000);
