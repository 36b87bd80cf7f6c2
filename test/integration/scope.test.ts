import { startSimulator, type Simulator } from '../../simulator/server';
import { cleanUp, kafkaClient, withAdmin } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { readEverything, recordsOf } from '../support/published';

const STREAMS = ['invoices'];

interface Stage {
  readonly simulator: Simulator;
  readonly service: TestService;
  /** Ids of an entity's invoices, in the order of their dates: the nth is of the nth day of January 2026. */
  readonly ids: (entity: string) => readonly number[];
  /** A whole sweep, after which everything is in order. */
  readonly sweep: () => Promise<void>;
  /** What the nth sweep published of an entity, as `op id`. */
  readonly published: () => Promise<(sweep: number, entity: string) => string[]>;
}

async function stage(entities: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<Stage> {
  const names = Object.keys(entities);
  const simulator = await startSimulator({
    entities: names.map((name, seed) => ({ key: keyOf(name), name, nip: '1111111111', clients: 1, invoices: 9, seed })),
  });
  cleanUp(() => simulator.stop());
  const known = new Map(names.map((name) => [name, simulator.admin.truth()[keyOf(name)]?.invoices.ids ?? []]));
  for (const [name, its] of known)
    for (const [index, id] of its.entries())
      simulator.admin.edit(keyOf(name), 'invoices', id, { invoice_date: day(index + 1) });
  const service = testService({ url: simulator.url, entities });
  /** After each sweep the end of each partition. */
  const ends: ReadonlyMap<number, number>[] = [];
  return {
    simulator,
    service,
    ids: (entity) => known.get(entity) ?? [],
    async sweep() {
      expect(await service.once()).toMatchObject({ code: 0, complete: true });
      const offsets = await withAdmin(kafkaClient(), (admin) => admin.fetchTopicOffsets(service.topic('invoices')));
      ends.push(new Map(offsets.map(({ partition, high }) => [partition, Number(high)])));
    },
    async published() {
      const everything = await readEverything(service);
      return (sweep, entity) =>
        recordsOf(everything, 'invoices', entity)
          .filter(({ place }) => {
            const [partition = 0, offset = 0] = place.split(':').map(Number);
            return offset < (ends[sweep]?.get(partition) ?? 0) && offset >= (ends[sweep - 1]?.get(partition) ?? 0);
          })
          .map(({ op, id }) => `${op ?? ''} ${id ?? ''}`)
          .sort();
    },
  };
}

function keyOf(name: string): string {
  return `key-${name}`;
}

/** Of January 2026. */
function day(number: number): string {
  return `2026-01-${String(number).padStart(2, '0')}`;
}

function each(op: string, ids: readonly (number | undefined)[]): string[] {
  return ids.map((id) => `${op} ${id ?? ''}`).sort();
}

function reading(name: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { api_key: keyOf(name), streams: STREAMS, ...more };
}

test('an earlier start_date brings the older rows, a later one deletes nothing, and an end_date makes a closed backfill that once completes', async () => {
  const entities = (startDate: string): Record<string, Readonly<Record<string, unknown>>> => ({
    moving: reading('moving', { start_date: startDate }),
    closed: reading('closed', { start_date: day(3), end_date: day(6) }),
  });
  const { simulator, service, ids, sweep, published } = await stage(entities(day(5)));
  const { admin, url } = simulator;
  const moving = ids('moving');
  const closed = ids('closed');
  await sweep();

  service.configure({ url, entities: entities(day(3)) });
  admin.add(keyOf('closed'), 'invoices', { invoice_date: day(7) });
  await sweep();

  service.configure({ url, entities: entities(day(8)) });
  admin.edit(keyOf('moving'), 'invoices', moving[3] ?? 0, { notes: 'while outside' });
  admin.remove(keyOf('moving'), 'invoices', moving[2] ?? 0);
  admin.edit(keyOf('closed'), 'invoices', closed[2] ?? 0, { notes: 'inside' });
  await sweep();
  await sweep();

  service.configure({ url, entities: entities(day(3)) });
  await sweep();

  const told = await published();
  expect([0, 1, 2, 3, 4].map((n) => told(n, 'moving'))).toEqual([
    each('r', moving.slice(4)),
    each('c', moving.slice(2, 4)),
    [],
    [],
    each('u', [moving[3]]),
  ]);
  expect([0, 1, 2, 3, 4].map((n) => told(n, 'closed'))).toEqual([
    each('r', closed.slice(2, 6)),
    [],
    each('u', [closed[2]]),
    [],
    [],
  ]);
});

test('a document is published as it leaves the scope and as it returns, by its date, without one, and dated ahead', async () => {
  const { simulator, ids, sweep, published } = await stage({ alfa: reading('alfa', { start_date: day(4) }) });
  const { admin } = simulator;
  const date = (id: number | undefined, invoiceDate: string | null): unknown =>
    admin.edit(keyOf('alfa'), 'invoices', id ?? 0, { invoice_date: invoiceDate });
  const [before, , , leaving, undated, ahead] = ids('alfa');
  await sweep();

  date(before, day(20));
  date(leaving, day(1));
  date(undated, null);
  date(ahead, '2099-12-31');
  await sweep();
  await sweep();
  await sweep();

  date(leaving, day(5));
  date(undated, day(6));
  await sweep();
  await sweep();

  const told = await published();
  expect([0, 1, 2, 3, 4, 5].map((n) => told(n, 'alfa'))).toEqual([
    each('r', ids('alfa').slice(3)),
    [...each('c', [before]), ...each('u', [ahead])],
    // That a row is nowhere in the list is believed when two sweeps say so; then the document itself is asked for.
    each('u', [leaving, undated]),
    [],
    each('u', [leaving, undated]),
    [],
  ]);
});

test('an entity that was disabled, or removed, and is there again publishes what changed since and nothing else, and its deletions', async () => {
  const both = { paused: reading('paused'), removed: reading('removed') };
  const other = { other: reading('other') };
  const { simulator, service, ids, sweep, published } = await stage({ ...other, ...both });
  const { admin, url } = simulator;
  await sweep();

  service.configure({ url, entities: { ...other, paused: { ...both.paused, enabled: false } } });
  for (const name of ['paused', 'removed']) {
    admin.edit(keyOf(name), 'invoices', ids(name)[0] ?? 0, { notes: 'meanwhile' });
    admin.remove(keyOf(name), 'invoices', ids(name)[1] ?? 0);
  }
  await sweep();

  service.configure({ url, entities: { ...other, ...both } });
  await sweep();
  await sweep();

  const told = await published();
  for (const name of ['paused', 'removed'])
    expect([0, 1, 2, 3].map((n) => told(n, name))).toEqual([
      each('r', ids(name)),
      [],
      each('u', [ids(name)[0]]),
      each('d', [ids(name)[1]]),
    ]);
});
