import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, TransientError } from '../../src/errors';
import { findJava } from '../../tools/java';
import { kafkaLibrary } from '../../tools/kafka';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** An environment in which these shell scripts, and the system's own tools, are all the programs there are. */
async function programs(scripts: Readonly<Record<string, string>>): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, 'bin');
  await mkdir(path);
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return { PATH: path };
}

describe('findJava', () => {
  test('takes Java 17', async () => {
    const environment = await programs({ java: `echo 'openjdk version "17.0.15" 2025-04-15' >&2` });
    await expect(findJava({ environment })).resolves.toBe('java');
  });

  test('prefers the Java of JAVA_HOME', async () => {
    const environment = await programs({ java: `echo 'openjdk version "21"' >&2` });
    await expect(findJava({ environment: { JAVA_HOME: folder } })).resolves.toBe(join(folder, 'bin', 'java'));
    await expect(findJava({ environment: { ...environment, JAVA_HOME: '/nowhere' } })).rejects.toThrow(ConfigError);
  });

  test.each([
    { java: 'no Java at all', scripts: {}, got: 'got none' },
    { java: 'Java 11', scripts: { java: `echo 'openjdk version "11.0.2"' >&2` }, got: 'got 11' },
    { java: 'Java 8', scripts: { java: `echo 'java version "1.8.0_402"' >&2` }, got: 'got 1' },
  ])('refuses $java, and names what installs it and the other ways to have a broker', async ({ scripts, got }) => {
    const attempt = findJava({ environment: await programs(scripts) });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(got);
    await expect(attempt).rejects.toThrow(/tools\/install-java\.sh .*docker compose up.*KAFKA_BROKERS/);
  });
});

describe('kafkaLibrary', () => {
  const copiesJars = `for last; do :; done; printf whole > "\${last#-DoutputDirectory=}/kafka.jar"`;

  test('fetches the jars once, also for two that ask at the same time', async () => {
    const cache = join(folder, 'cache');
    const environment = await programs({ mvn: copiesJars });
    const [first, second] = await Promise.all([
      kafkaLibrary({ cache, environment }),
      kafkaLibrary({ cache, environment }),
    ]);
    expect(first).toBe(second);
    expect(await readdir(first)).toEqual(['kafka.jar']);
    // Another user of the machine can read them.
    expect((await stat(first)).mode & 0o777).toBe(0o755);
    expect(await readdir(cache)).toHaveLength(1);
    await expect(kafkaLibrary({ cache, environment: { PATH: '/nowhere' } })).resolves.toBe(first);
  });

  test('keeps nothing of a download that failed half way, and shows what Maven said', async () => {
    const cache = join(folder, 'cache');
    const environment = await programs({ mvn: `${copiesJars}; echo 'no route to host'; exit 1` });
    const attempt = kafkaLibrary({ cache, environment });
    await expect(attempt).rejects.toThrow(TransientError);
    await expect(attempt).rejects.toThrow('no route to host');
    expect(await readdir(cache)).toEqual([]);
  });

  test('names what installs it and the other ways to have a broker where Maven is missing', async () => {
    const attempt = kafkaLibrary({ cache: join(folder, 'cache'), environment: await programs({}) });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(/Maven.*tools\/install-java\.sh .*docker compose up.*KAFKA_BROKERS/);
  });
});
