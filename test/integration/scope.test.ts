import { startSimulator, type Simulator } from '../../simulator/server';
import { cleanUp } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { type Everything, readEverything, recordsOf } from '../support/published';

const STREAMS = ['invoices'];

interface Stage {
  readonly simulator: Simulator;
  readonly service: TestService;
  /** Ids of an entity's invoices, in the order of their dates: the nth is of the nth day of January 2026. */
  ids(entity: string): readonly number[];
  /** A whole lap, after which everything is in order; gives what it published of an entity, as `op id`. */
  lap(): Promise<(entity: string) => string[]>;
}

async function stage(entities: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<Stage> {
  const names = Object.keys(entities);
  const simulator = await startSimulator({
    entities: names.map((name, seed) => ({ key: keyOf(name), name, nip: '1111111111', clients: 1, invoices: 9, seed })),
  });
  cleanUp(() => simulator.stop());
  const ids = (entity: string): readonly number[] => simulator.admin.truth()[keyOf(entity)]?.invoices.ids ?? [];
  const known = new Map(names.map((name) => [name, ids(name)]));
  for (const [name, its] of known)
    for (const [index, id] of its.entries())
      simulator.admin.edit(keyOf(name), 'invoices', id, { invoice_date: day(index + 1) });
  const service = testService({ url: simulator.url, entities });
  let before: Everything | undefined;
  return {
    simulator,
    service,
    ids: (entity) => known.get(entity) ?? [],
    async lap() {
      expect(await service.once()).toMatchObject({ code: 0, complete: true });
      const since = before;
      const now = await readEverything(service);
      before = now;
      return (entity) =>
        recordsOf(now, 'invoices', entity, since)
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

function told(op: string, ids: readonly (number | undefined)[]): string[] {
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
  const { simulator, service, ids, lap } = await stage(entities(day(5)));
  const { admin, url } = simulator;
  const moving = ids('moving');
  const closed = ids('closed');

  const first = await lap();
  expect(first('moving')).toEqual(told('r', moving.slice(4)));
  expect(first('closed')).toEqual(told('r', closed.slice(2, 6)));

  service.configure({ url, entities: entities(day(3)) });
  admin.add(keyOf('closed'), 'invoices', { invoice_date: day(7) });
  const earlier = await lap();
  expect(earlier('moving')).toEqual(told('c', moving.slice(2, 4)));
  expect(earlier('closed')).toEqual([]);

  service.configure({ url, entities: entities(day(8)) });
  admin.edit(keyOf('moving'), 'invoices', moving[3] ?? 0, { notes: 'while outside' });
  admin.remove(keyOf('moving'), 'invoices', moving[2] ?? 0);
  admin.edit(keyOf('closed'), 'invoices', closed[2] ?? 0, { notes: 'inside' });
  const later = await lap();
  expect(later('moving')).toEqual([]);
  expect(later('closed')).toEqual(told('u', [closed[2]]));
  expect((await lap())('moving')).toEqual([]);

  service.configure({ url, entities: entities(day(3)) });
  expect((await lap())('moving')).toEqual(told('u', [moving[3]]));
});

test('a document is published as it leaves the scope and as it returns, by its date, without one, and dated ahead', async () => {
  const { simulator, ids, lap } = await stage({ alfa: reading('alfa', { start_date: day(4) }) });
  const { admin } = simulator;
  const date = (id: number | undefined, invoiceDate: string | null): unknown =>
    admin.edit(keyOf('alfa'), 'invoices', id ?? 0, { invoice_date: invoiceDate });
  const [before, , , leaving, undated, ahead] = ids('alfa');
  expect((await lap())('alfa')).toEqual(told('r', ids('alfa').slice(3)));

  date(before, day(20));
  date(leaving, day(1));
  date(undated, null);
  date(ahead, '2099-12-31');
  const first = await lap();
  expect(first('alfa')).toEqual([...told('c', [before]), ...told('u', [ahead])]);
  // That a row is nowhere in the list is believed when two laps say so; then the document itself is asked for.
  const second = await lap();
  expect(second('alfa')).toEqual(told('u', [leaving, undated]));
  expect((await lap())('alfa')).toEqual([]);

  date(leaving, day(5));
  date(undated, day(6));
  expect((await lap())('alfa')).toEqual(told('u', [leaving, undated]));
  expect((await lap())('alfa')).toEqual([]);
});

test('an entity that was disabled, or removed, and is there again publishes what changed since and nothing else, and its deletions', async () => {
  const both = { paused: reading('paused'), removed: reading('removed') };
  const other = { other: reading('other') };
  const { simulator, service, ids, lap } = await stage({ ...other, ...both });
  const { admin, url } = simulator;
  await lap();
  service.configure({ url, entities: { ...other, paused: { ...both.paused, enabled: false } } });
  for (const name of ['paused', 'removed']) {
    admin.edit(keyOf(name), 'invoices', ids(name)[0] ?? 0, { notes: 'meanwhile' });
    admin.remove(keyOf(name), 'invoices', ids(name)[1] ?? 0);
  }
  const without = await lap();
  expect([without('paused'), without('removed')]).toEqual([[], []]);

  service.configure({ url, entities: { ...other, ...both } });
  const back = await lap();
  for (const name of ['paused', 'removed']) expect(back(name)).toEqual(told('u', [ids(name)[0]]));
  const next = await lap();
  for (const name of ['paused', 'removed']) expect(next(name)).toEqual(told('d', [ids(name)[1]]));
});
