import { startSimulator } from '../../../simulator/server';
import { cleanUp, brokers } from '../../support/kafka';
import { readCommitted } from '../../support/java-reader';
import { testService } from '../../support/once';
import { keyOf, simulate } from '../../support/run';

async function threeCompanies() {
  const simulator = await startSimulator({
    entities: [
      { key: 'key-a', name: 'Alfa', nip: '1111111111', clients: 12, invoices: 250, seed: 1 },
      { key: 'key-b', name: 'Beta', nip: '2222222222', clients: 130, invoices: 40, seed: 2 },
      { key: 'key-c', name: 'Gamma', nip: '3333333333', clients: 0, invoices: 1, seed: 3 },
    ],
  });
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: {
      alfa: { api_key: 'key-a', nip: '1111111111' },
      beta: { api_key: 'key-b', nip: '2222222222' },
      gamma: { api_key: 'key-c', nip: '3333333333' },
    },
  });
  return { simulator, service };
}

test('one run publishes every row of three companies once, a second run publishes nothing', async () => {
  const { service } = await threeCompanies();

  const first = await service.once();
  expect(first.stderr).not.toContain('error');
  const encodings = (stderr: string): number => stderr.split('no registry.url is set').length - 1;
  expect(first.stderr).toContain('Kafka Connect');
  expect(encodings(first.stderr)).toBe(1);
  expect(first).toMatchObject({ code: 0, complete: true });
  expect(first.streams).toMatchObject({
    'alfa clients': { rows: 12, created: 12 },
    'alfa invoices': { rows: 250, created: 250, requests: 4 },
    'alfa corrective-invoices': { rows: 7, created: 7 },
    'beta clients': { rows: 130, created: 130 },
    'beta invoices': { rows: 40, created: 40 },
    'beta corrective-invoices': { rows: 1, created: 1 },
    'gamma clients': { rows: 0, created: 0, complete: true },
    'gamma invoices': { rows: 1, created: 1 },
    'gamma corrective-invoices': { rows: 0, created: 0, complete: true },
  });
  const topics = [service.topic('clients'), service.topic('invoices'), service.topic('corrective-invoices')];
  const published = await readCommitted(brokers().join(','), topics);
  expect(published).toHaveLength(12 + 250 + 7 + 130 + 40 + 1 + 1);
  expect(new Set(published.map(({ topic, key }) => `${topic} ${key?.toString('hex') ?? ''}`)).size).toBe(
    published.length,
  );

  const second = await service.once();
  expect(second).toMatchObject({ code: 0, complete: true });
  expect(encodings(second.stderr)).toBe(0);
  expect(Object.values(second.streams).map(({ created, updated }) => created + updated)).toEqual([
    0, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
  expect(await readCommitted(brokers().join(','), topics)).toHaveLength(published.length);
});

test('a row that nobody can read, misfits and lists that are refused are told by every report alike (I10)', async () => {
  const simulator = await simulate(['broken', 'odd', 'refused']);
  cleanUp(() => simulator.stop());
  const { admin } = simulator;
  // Any page of clients that would show the second of three fails.
  const clients = (offset: number) => ({ entity: keyOf('broken'), path: 'clients.json', offset });
  admin.addFault({ match: { ...clients(0), query: { limit: '1' } }, times: Infinity });
  admin.addFault({ match: clients(0), times: Infinity, action: { status: 500 } });
  admin.addFault({ match: clients(1), times: Infinity, action: { status: 500 } });
  const [odd = 0] = admin.truth()[keyOf('odd')]?.invoices.ids ?? [];
  admin.edit(keyOf('odd'), 'invoices', odd, { notes: { html: 'Secret-4711' } });
  for (const path of ['clients.json', 'invoices.json'])
    admin.addFault({
      match: { entity: keyOf('refused'), path },
      times: Infinity,
      action: { status: 403, body: { error: 'Brak uprawnień.' } },
    });
  const entity = (name: string, more = {}) => ({ api_key: keyOf(name), streams: ['clients', 'invoices'], ...more });
  const setting = (accept = {}) => ({
    url: simulator.url,
    entities: { broken: entity('broken', { accept }), odd: entity('odd'), refused: entity('refused') },
  });
  const service = testService(setting());
  const json = async (...argv: string[]) => {
    const { code, stdout } = await service.command([...argv, '--json']);
    return { code, ...(JSON.parse(stdout) as { streams: { entity: string; stream: string }[]; fields: unknown }) };
  };
  const ids = admin.truth()[keyOf('broken')]?.clients.ids ?? [];
  const between = [{ after_id: ids[0], before_id: ids[2], rows: 1 }];

  const first = await service.once();
  expect(first.code).toBe(3);
  expect(first.streams).toMatchObject({
    'broken clients': { complete: false, reason: 'unreadable', unreadable: 1, unreadable_between: between },
    'broken invoices': { complete: true },
    'odd invoices': { complete: true, misfits: { notes: 1 } },
    'refused clients': { complete: false, reason: 'forbidden' },
    'refused invoices': { complete: false, reason: 'forbidden' },
  });
  const told = first.logs.filter(({ entity: name, msg }) => name === 'refused' && msg === 'given up for this run');
  expect(told.map(({ stream, advice }) => [stream, advice])).toEqual(
    ['clients', 'invoices'].map((stream) => [stream, expect.stringContaining('api:invoices:read') as string]),
  );

  const state = await json('state', 'show');
  expect(state.streams.find(({ entity: name, stream }) => name === 'broken' && stream === 'clients')).toMatchObject({
    complete: false,
    reasons: ['unreadable'],
    unreadable: 1,
    unreadable_between: between,
  });
  expect(state.streams.find(({ entity: name, stream }) => name === 'odd' && stream === 'invoices')).toMatchObject({
    complete: true,
    misfits: { notes: 1 },
  });
  // Of a stream that no sweep has read nothing is complete; why it is not read is not stored.
  expect(state).toMatchObject({ not_stored: ['parked'] });
  expect(
    state.streams.find(({ entity: name, stream }) => name === 'refused' && stream === 'clients') ?? {
      last_sweep: null,
      complete: false,
    },
  ).toMatchObject({ last_sweep: null, complete: false });
  const { stdout: shown } = await service.command(['state', 'show']);
  expect(shown).toContain('parked: not stored, as every start tries at once; the log of the running service says so\n');
  expect(shown).toContain(`  NOT complete: 1 unreadable (1 after id ${ids[0]} and before id ${ids[2]})\n`);
  expect(shown).toMatch(/^odd: 2 streams complete, .*; invoices: misfits in notes \(1 record\)$/m);
  const reconciled = await json('reconcile', '--entity', 'broken');
  expect(reconciled.code).toBe(3);
  expect(reconciled.streams).toMatchObject([
    { stream: 'clients', agrees: true, complete: false, reasons: ['unreadable'], unreadable: 1 },
    { stream: 'invoices', agrees: true, complete: true },
  ]);

  service.configure(setting({ clients: [(ids[0] ?? 0) + 1] }));
  const second = await service.once();
  expect(second.streams['broken clients']).toMatchObject({ complete: true, unreadable: 1, accepted: 1 });
  expect((await json('reconcile', '--entity', 'broken')).code).toBe(0);

  const checked = await json('check');
  expect(checked.fields).toContainEqual(
    expect.objectContaining({ entity: 'odd', stream: 'invoices', rows: 100, unknown: [] }),
  );
  expect(JSON.stringify([first, second, state, shown, reconciled, checked])).not.toContain('Secret');
});
