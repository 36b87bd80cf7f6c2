import { createEncoder, loadSchema, singleObjectPrefix } from '../../../src/sinks/avro';
import { partitionOf } from '../../../src/sinks/partition';
import { cleanUp, kafkaClient } from '../../support/kafka';
import { API_KEY, oneCompany, type OneCompany } from '../../support/one-company';

/** What the tests look at of a stream's result. */
interface Stream {
  readonly entity: string;
  readonly stream: string;
  readonly agrees: boolean;
  readonly sweep: { readonly number: number; readonly rows: number } | null;
  readonly rows: number;
  readonly sums: readonly { readonly sweep: unknown; readonly topic: unknown; readonly agrees: boolean }[];
  readonly differences: readonly { readonly id: number; readonly what: string }[];
  readonly apart: Readonly<Record<'later' | 'missing' | 'dead_lettered', readonly number[]>>;
  readonly complete: boolean;
  readonly hold: string | null;
  readonly ids: { readonly pending: readonly number[] };
}

async function reconcile({ service }: OneCompany): Promise<{ code: number; text: string; of: Map<string, Stream> }> {
  const { code, stdout } = await service.command(['reconcile', '--json']);
  const { streams } = JSON.parse(stdout) as { readonly streams: readonly Stream[] };
  return { code, text: stdout, of: new Map(streams.map((stream) => [stream.stream, stream])) };
}

/** Writes a record as somebody else would. */
async function overwrite({ service }: OneCompany, id: number): Promise<void> {
  const producer = kafkaClient().producer();
  cleanUp(() => producer.disconnect());
  await producer.connect();
  const encode = (name: string, value: unknown): Buffer => {
    const text = loadSchema(name);
    return createEncoder(text, { prefix: singleObjectPrefix(text) }).encode(value);
  };
  const value = encode('client', { entity: 'alfa', id, observed_at: 0 });
  await producer.send({
    topic: service.topic('clients'),
    messages: [
      {
        key: encode('client-key', { entity: 'alfa', id }),
        partition: partitionOf(`alfa/${id}`, 3),
        value,
        headers: { fingerprint: '0123456789abcdef' },
      },
    ],
  });
}

test('the topics are compared with the last sweep: what agrees, what differs by id, and what is listed apart', async () => {
  const company = await oneCompany({ clients: 5, invoices: 130 });
  const { service, simulator } = company;
  const { admin } = simulator;
  const [edited = 0, deleted = 0, broken = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const [foreign = 0] = admin.truth()[API_KEY]?.clients.ids ?? [];

  expect(await service.once()).toMatchObject({ code: 0 });
  const first = await reconcile(company);
  expect(first.code).toBe(0);
  expect(first.of.get('clients')).toMatchObject({ agrees: true, rows: 5, sweep: { number: 1, rows: 5 } });
  const invoices = first.of.get('invoices');
  expect(invoices).toMatchObject({ agrees: true, rows: 130, sweep: { number: 1, rows: 130 }, differences: [] });
  expect(invoices?.sums.map(({ topic }) => topic)).toEqual(invoices?.sums.map(({ sweep }) => sweep));
  expect(invoices?.apart).toMatchObject({ later: [], missing: [], dead_lettered: [] });

  // Not yet swept.
  admin.edit(API_KEY, 'invoices', edited, { gross_price: 1 });
  expect(await reconcile(company)).toMatchObject({ code: 0 });

  admin.remove(API_KEY, 'invoices', deleted);
  admin.edit(API_KEY, 'invoices', broken, { gross_price: 'much' });
  expect(await service.once()).toMatchObject({ code: 3 });
  const second = await reconcile(company);
  // A dead letter stands: the records agree with the sweep, and the sweep is not complete.
  expect(second.code).toBe(3);
  expect(second.of.get('invoices')).toMatchObject({
    agrees: true,
    sweep: { number: 2, rows: 129 },
    differences: [],
    apart: { missing: [deleted], dead_lettered: [broken] },
  });

  await overwrite(company, foreign);
  const third = await reconcile(company);
  expect(third.code).toBe(3);
  expect(third.of.get('clients')).toMatchObject({
    agrees: false,
    differences: [{ id: foreign, what: 'another fingerprint' }],
  });
  expect(third.of.get('invoices')).toMatchObject({ agrees: true });
  const said = await service.command(['reconcile', '--entity', 'alfa']);
  expect(said.stdout).toContain(`DIFFERS ${foreign}: another fingerprint`);
  expect(said.stdout).toContain('NOT all agree');

  const { stdout: shown } = await service.command(['state', 'show', '--entity', 'alfa']);
  expect(shown).toMatch(/^ {2}next sweep: (due now|due in .+), then every 6 h$/m);
  expect(shown).toMatch(
    /^plan: the targets want [\d.]+ requests a minute, there is no limit; newest every 5 min to 30 min, /m,
  );
});

test('a stream without the record of a sweep does not agree', async () => {
  const company = await oneCompany({ clients: 2, invoices: 3 });
  company.simulator.admin.addFault({ match: { path: 'invoices.json' }, times: 1_000, action: { status: 500 } });
  expect(await company.service.once()).toMatchObject({ code: 3 });
  const result = await reconcile(company);
  expect(result.code).toBe(3);
  expect(result.of.get('clients')).toMatchObject({ agrees: true });
  expect(result.of.get('invoices')).toMatchObject({ agrees: false, sweep: null });
});

test('a hold and a pending row end it with exit code 3, named by their ids, while changes are published all the same (I10)', async () => {
  const company = await oneCompany({ clients: 5, invoices: 30 });
  const { service, simulator } = company;
  const { admin } = simulator;
  expect(await service.once()).toMatchObject({ code: 0 });
  const { clients, invoices } = admin.truth()[API_KEY] ?? {};
  const [pending = 0] = clients?.ids ?? [];
  const edited = invoices?.ids.at(-1) ?? 0;
  // More than ten, and more than the share of 30 rows.
  const removed = (invoices?.ids ?? []).slice(0, 12);
  for (const id of removed) admin.remove(API_KEY, 'invoices', id);
  admin.remove(API_KEY, 'clients', pending);
  admin.addFault({ match: { path: `clients/${pending}.json` }, times: Infinity, action: { status: 410 } });
  // Two sweeps miss the rows before anything is decided.
  await service.once();
  admin.edit(API_KEY, 'invoices', edited, { notes: 'edited while deletions are held' });
  const run = await service.once();
  expect(run).toMatchObject({ code: 3, complete: false });
  expect(run.streams['alfa invoices']).toMatchObject({ updated: 1, deleted: 0, reason: 'held' });
  expect(run.streams['alfa clients']).toMatchObject({ deleted: 0, reason: 'pending' });

  const { code, of } = await reconcile(company);
  expect(code).toBe(3);
  const held = of.get('invoices');
  const hold = held?.hold ?? '';
  expect(hold).not.toBe('');
  expect(run.stderr).toContain(hold);
  expect(held).toMatchObject({ agrees: true, complete: false, apart: { missing: removed } });
  expect(of.get('clients')).toMatchObject({ agrees: true, complete: false, hold: null, ids: { pending: [pending] } });

  const said = await service.command(['reconcile']);
  expect(said.code).toBe(3);
  expect(said.stdout).toContain(`NOT complete: deletions wait for a person (hold ${hold})`);
  expect(said.stdout).toContain(`NOT complete: 1 pending (${pending})`);
  expect(said.stdout).toContain('All agree, but NOT all are complete.');
});
