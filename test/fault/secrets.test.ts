import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startSimulator, type Simulator } from '../../simulator/server';
import { cleanUp } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { readEverything, recordsOf } from '../support/published';
import { type Running, startRun } from '../support/run';

const OLD = 'the-0ld-key';
const NEW = 'the-n3w-key';

/** The API with keys that can be withdrawn and given out: each opens the account of one of the simulator's entities. */
async function gateTo(simulator: Simulator, keys: Map<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const account = keys.get(String(request.headers['x-infakt-apikey']));
    if (account === undefined) {
      response.writeHead(401, { 'Content-Type': 'application/json' }).end('{"error":"Nieprawidłowy klucz API."}');
      return;
    }
    const answer = fetch(`${simulator.url}${request.url ?? ''}`, { headers: { 'X-inFakt-ApiKey': account } });
    void answer.then(async (got) => {
      const type = got.headers.get('content-type') ?? '';
      response.writeHead(got.status, { 'Content-Type': type }).end(await got.text());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Scene {
  readonly simulator: Simulator;
  /** Accounts by the keys that open them. */
  readonly keys: Map<string, string>;
  readonly service: TestService;
  readonly run: Running;
  /** Holds the service's key. */
  readonly file: string;
}

/** A run of one company, caught up, whose key stands in a file. */
async function companyWithKeyInFile(): Promise<Scene> {
  const simulator = await startSimulator({
    entities: [
      { key: 'account-a', name: 'Alfa', nip: '1111111111', clients: 2, invoices: 3, seed: 1 },
      { key: 'account-b', name: 'Beta', nip: '2222222222', clients: 4, invoices: 0, seed: 2 },
    ],
  });
  cleanUp(() => simulator.stop());
  const keys = new Map([[OLD, 'account-a']]);
  const url = await gateTo(simulator, keys);
  const entities = { alfa: { api_key_file: '../alfa.key', nip: '1111111111', streams: ['clients', 'invoices'] } };
  const service = testService({ url, entities, service: { schedule: { sweepSeconds: 1 }, log: { level: 'debug' } } });
  const file = join(service.folder, 'alfa.key');
  writeFileSync(file, `${OLD}\n`);
  const run = startRun(service);
  await run.sweeps('alfa');
  return { simulator, keys, service, run, file };
}

describe('an API key that changes in its file while `run` is at work', () => {
  test('is used from the next request on, after the account that it opens was seen (I7)', async () => {
    const { keys, run, file, simulator, service } = await companyWithKeyInFile();
    keys.set(NEW, 'account-a');
    writeFileSync(file, `  ${NEW}\n`);
    await run.says('parked', { entity: 'alfa' });
    keys.delete(OLD);
    const [client = 0] = simulator.admin.truth()['account-a']?.clients.ids ?? [];
    simulator.admin.edit('account-a', 'clients', client, { phone_number: '+48 22 000 00 01' });
    await run.sweeps('alfa');
    expect(run.told().filter((line) => !/stopping/.test(line))).toEqual([
      'started',
      'shards taken',
      expect.stringMatching(/^alfa (clients|invoices) caught up$/),
      expect.stringMatching(/^alfa (clients|invoices) caught up$/),
      'secret read again',
      'alfa parked: key-changed',
      'alfa retrying',
      expect.stringMatching(/^alfa (clients|invoices) back$/),
    ]);
    const { code, stderr } = await run.stop();
    expect(code).toBe(0);
    expect([OLD, NEW].filter((key) => stderr.includes(key))).toEqual([]);
    expect(recordsOf(await readEverything(service), 'clients', 'alfa')).toHaveLength(3);
  });

  test('is found by an entity that was parked because the old one was withdrawn first', async () => {
    const { keys, run, file } = await companyWithKeyInFile();
    keys.delete(OLD);
    await run.says('parked', { entity: 'alfa' });
    expect(run.told()).toContain('alfa parked: unauthorized');
    keys.set(NEW, 'account-a');
    writeFileSync(file, NEW);
    await run.says('back', { entity: 'alfa' });
    await run.sweeps('alfa');
  });

  test('reads nothing when it opens the account of another company, and the first account again when it is set right (I7)', async () => {
    const { keys, run, file, service } = await companyWithKeyInFile();
    keys.set(NEW, 'account-b');
    writeFileSync(file, NEW);
    await run.says('retrying', { entity: 'alfa', before: 1 });
    expect(run.told()).toContain('alfa parked: identity-mismatch');
    writeFileSync(file, OLD);
    await run.sweeps('alfa');
    await run.stop();
    expect(recordsOf(await readEverything(service), 'clients', 'alfa')).toHaveLength(2);
  });

  test('stays the one that was read last where its file is gone or holds no key, which is said once', async () => {
    const { run, file } = await companyWithKeyInFile();
    rmSync(file);
    await run.says('attention');
    await run.sweeps('alfa');
    writeFileSync(file, OLD);
    await run.sweeps('alfa');
    writeFileSync(file, 'two words');
    await run.says('attention', { before: 1 });
    await run.sweeps('alfa');
    const { stderr } = await run.stop();
    expect(run.count('attention')).toBe(2);
    expect(run.told().filter((line) => /parked|read again/.test(line))).toEqual([]);
    expect(stderr).not.toContain('two words');
  });
});
