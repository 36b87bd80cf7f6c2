import { createRandom, seedFrom } from '../../simulator/random';
import { dateOf, dayOf, taxNumber } from '../../simulator/rows';
import { startSimulator, type Simulator } from '../../simulator/server';
import { cleanUp } from '../support/kafka';
import { type RunResult, type TestService, testService } from '../support/once';
import {
  type Everything,
  expectSecretsKept,
  idsOf,
  type Published,
  readEverything,
  recordsOf,
  troublesOf,
} from '../support/published';

/** Whole runs are made there, whose results the tests look at. */
const SET_UP_MS = 600_000;

interface Company {
  readonly clients: number;
  readonly invoices: number;
  readonly entityFile?: Readonly<Record<string, unknown>>;
}

async function start(companies: Readonly<Record<string, Company>>) {
  const simulator = await startSimulator({
    entities: Object.entries(companies).map(([name, { clients, invoices }]) => ({
      key: keyOf(name),
      name,
      nip: taxNumber(createRandom(seedFrom(name))),
      clients,
      invoices,
    })),
  });
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: Object.fromEntries(
      Object.entries(companies).map(([name, { entityFile = {} }]) => [name, { api_key: keyOf(name), ...entityFile }]),
    ),
  });
  return { simulator, service };
}

function keyOf(name: string): string {
  return `secret-${name}`;
}

/** The nth row of a list, from 0, as an object. */
function rowOf({ admin }: Simulator, name: string, stream: 'clients' | 'invoices', index: number) {
  const id = admin.truth()[keyOf(name)]?.[stream].ids.at(index) ?? 0;
  return { id, row: objectOf(admin.row(keyOf(name), stream, id)) };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function linesOf(row: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  const lines: unknown = row['services'];
  return Array.isArray(lines) ? lines.map(objectOf) : [];
}

/** What was said of an entity's troubles, without its single dead letters. */
function parkingsOf(run: RunResult, name: string): string[] {
  return troublesOf(run, name).filter((line) => !line.startsWith('dead letter'));
}

/** What came onto a topic after an earlier reading, as `op` and id. */
function newsOf(before: Everything, after: Everything, name: string, topic: string): string[] {
  return recordsOf(after, topic, name, before)
    .map(({ op, id }) => `${op ?? ''} ${id ?? ''}`)
    .sort();
}

describe('rows over three runs', () => {
  /** No objects, or objects without an id that can be one. */
  const strayInvoices: readonly unknown[] = [null, 'wiersz', [1], { company: 'no id at all' }];
  const strayClients: readonly unknown[] = [{ id: 0 }, { id: '17' }, { id: 1.5 }, { id: 2 ** 60 }];
  let simulator: Simulator;
  let service: TestService;
  let runs: readonly RunResult[];
  let read: readonly [Everything, Everything, Everything];
  const changed: Record<string, number> = {};
  let unreadable: Record<string, unknown>;

  beforeAll(async () => {
    ({ simulator, service } = await start({
      strays: { clients: 120, invoices: 120 },
      unfit: { clients: 3, invoices: 110 },
      edited: { clients: 10, invoices: 20 },
      reshaped: { clients: 3, invoices: 250 },
      partly: { clients: 3, invoices: 150 },
    }));
    const { admin } = simulator;
    strayInvoices.forEach((row, index) =>
      admin.replace(keyOf('strays'), 'invoices', rowOf(simulator, 'strays', 'invoices', 40 + index).id, row),
    );
    strayClients.forEach((row, index) =>
      admin.replace(keyOf('strays'), 'clients', rowOf(simulator, 'strays', 'clients', 97 + index).id, row),
    );
    const amount = rowOf(simulator, 'unfit', 'invoices', 5);
    const line = rowOf(simulator, 'unfit', 'invoices', 105);
    unreadable = { ...amount.row, net_price: 'dużo' };
    admin.replace(keyOf('unfit'), 'invoices', amount.id, unreadable);
    admin.edit(keyOf('unfit'), 'invoices', line.id, {
      services: linesOf(line.row).map((service) => ({ ...service, quantity: 'wiele' })),
    });
    for (const id of admin.truth()[keyOf('reshaped')]?.invoices.ids ?? [])
      admin.edit(keyOf('reshaped'), 'invoices', id, { net_price: { amount: 100, currency: 'PLN' } });
    for (const id of admin.truth()[keyOf('partly')]?.invoices.ids.slice(0, 10) ?? [])
      admin.edit(keyOf('partly'), 'invoices', id, { net_price: '12 zł' });

    const runOne = await service.once();
    const afterOne = await readEverything(service);

    const invoice = (index: number) => rowOf(simulator, 'edited', 'invoices', index);
    const client = (index: number) => rowOf(simulator, 'edited', 'clients', index);
    changed['noted'] = invoice(0).id;
    admin.edit(keyOf('edited'), 'invoices', invoice(0).id, { notes: 'Termin przedłużony.' });
    const unpaid = admin
      .truth({ paid_date_null: 'true' })
      [keyOf('edited')]?.invoices.ids.find((id) => id !== invoice(0).id);
    changed['paid'] = unpaid ?? 0;
    admin.pay(keyOf('edited'), changed['paid']);
    const others = admin
      .truth()
      [keyOf('edited')]?.invoices.ids.filter((id) => id !== changed['noted'] && id !== changed['paid'])
      // On a document in another currency the kind of its rate's day counts.
      .filter((id) => objectOf(admin.row(keyOf('edited'), 'invoices', id))['currency'] === 'PLN');
    const other = (index: number) => {
      const id = others?.[index] ?? 0;
      return { id, row: objectOf(admin.row(keyOf('edited'), 'invoices', id)) };
    };
    changed['labelled'] = other(0).id;
    admin.edit(keyOf('edited'), 'invoices', other(0).id, { never_heard_of: { label: 'zielony' } });
    // From here on: nothing that counts.
    admin.edit(keyOf('edited'), 'invoices', other(1).id, {
      vat_exchange_date_kind: 'issue_date',
      extensions: { payments: { available: false } },
      services: linesOf(other(1).row).map((service) => ({ ...service, id: 1_000_000_000 + Number(service['id']) })),
    });
    admin.replace(
      keyOf('edited'),
      'invoices',
      other(2).id,
      Object.fromEntries(
        Object.entries(other(2).row)
          .reverse()
          .map(([name, value]) => [name, value === '' ? null : value === null ? '' : value]),
      ),
    );
    admin.edit(keyOf('edited'), 'invoices', other(3).id, {
      created_at: new Date(String(other(3).row['created_at'])).toISOString(),
      services: linesOf(other(3).row).map((service) => {
        const quantity = String(service['quantity']);
        return { ...service, quantity: quantity.includes('.') ? `${quantity}0` : `${quantity}.0` };
      }),
    });
    admin.edit(keyOf('edited'), 'clients', client(0).id, {
      is_vindicable: client(0).row['is_vindicable'] !== true,
      vindicable_invoices_count: 7,
    });
    changed['moved'] = client(1).id;
    admin.edit(keyOf('edited'), 'clients', client(1).id, { city: 'Zgierz' });
    changed['newInvoice'] = Number(admin.add(keyOf('edited'), 'invoices')['id']);
    changed['newClient'] = Number(admin.add(keyOf('edited'), 'clients')['id']);
    changed['mended'] = amount.id;
    admin.replace(keyOf('unfit'), 'invoices', amount.id, amount.row);
    const spoilt = rowOf(simulator, 'unfit', 'invoices', 7);
    changed['spoilt'] = spoilt.id;
    admin.edit(keyOf('unfit'), 'invoices', spoilt.id, { invoice_date: '30 lutego' });

    const runTwo = await service.once();
    const afterTwo = await readEverything(service);

    admin.edit(keyOf('unfit'), 'invoices', spoilt.id, { ...spoilt.row, notes: 'Poprawiono datę.' });
    const runThree = await service.once();
    runs = [runOne, runTwo, runThree];
    read = [afterOne, afterTwo, await readEverything(service)];
  }, SET_UP_MS);

  test.each([
    ['invoices', strayInvoices],
    ['clients', strayClients],
  ] as const)(
    '%s without an id are dead-lettered without a key once, the others published, and no sweep is complete (I10)',
    (stream, strays) => {
      const letters = recordsOf(read[0], 'dead-letters', 'strays').filter((letter) => letter.stream === stream);
      expect(letters.map(({ text }) => text).sort()).toEqual(strays.map((row) => JSON.stringify(row)).sort());
      expect(letters.map(({ id }) => id)).toEqual(strays.map(() => null));
      expect(new Set(letters.map(({ headers }) => headers['error_path']))).toEqual(new Set(['id']));
      const { ids } = simulator.admin.truth()[keyOf('strays')]?.[stream] ?? { ids: [] };
      expect(idsOf(read[0], stream, 'strays')).toHaveLength(ids.length - strays.length);

      const lacking = { complete: false, reason: 'unreadable', unreadable: strays.length };
      expect(runs[0]?.streams[`strays ${stream}`]).toMatchObject({ ...lacking, dead_letters: strays.length });
      for (const run of runs.slice(1))
        expect(run.streams[`strays ${stream}`]).toMatchObject({
          ...lacking,
          dead_letters: 0,
          created: 0,
          updated: 0,
        });
      expect(recordsOf(read[2], 'dead-letters', 'strays')).toHaveLength(strayInvoices.length + strayClients.length);
      expect(idsOf(read[2], stream, 'strays')).toEqual(idsOf(read[0], stream, 'strays'));
    },
  );

  test('a row that does not fit the schema is dead-lettered raw, with its cause, and the others are published', () => {
    const letters = recordsOf(read[0], 'dead-letters', 'unfit');
    const [amount] = letters.filter(({ id }) => id === changed['mended']);
    expect(letters).toHaveLength(1);
    expect(amount).toMatchObject({
      value: unreadable,
      headers: { stream: 'invoices', scan: 'sweep', error_path: 'net_price' },
    });
    expect(amount?.headers['error']).toContain('expected an integer of minor units, got a text of 4 characters');
    expect(idsOf(read[0], 'invoices', 'unfit')).toHaveLength(109);
    expect(runs[0]?.streams['unfit invoices']).toMatchObject({
      complete: false,
      reason: 'dead-letters',
      rows: 110,
      created: 109,
      dead_letters: 1,
      dead_letters_standing: 1,
    });
  });

  test('a dead-lettered row is not repeated, and is published as created once it fits', () => {
    expect(runs[1]?.streams['unfit invoices']).toMatchObject({
      created: 1,
      updated: 0,
      dead_letters: 1,
      unchanged: 108,
    });
    expect(newsOf(read[0], read[1], 'unfit', 'invoices')).toEqual([`c ${changed['mended'] ?? 0}`]);
  });

  test('a published row that no longer fits is dead-lettered, and is an update once it fits again', () => {
    const [letter, ...more] = recordsOf(read[1], 'dead-letters', 'unfit', read[0]);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ id: changed['spoilt'], headers: { error_path: 'invoice_date' } });
    expect(runs[2]?.streams['unfit invoices']).toMatchObject({
      created: 0,
      updated: 1,
      dead_letters: 0,
      unchanged: 109,
    });
    expect(newsOf(read[1], read[2], 'unfit', 'invoices')).toEqual([`u ${changed['spoilt'] ?? 0}`]);
    expect(recordsOf(read[2], 'dead-letters', 'unfit')).toHaveLength(2);
  });

  test('rows of which more than 5 % do not fit park the stream as shape-changed, and each is dead-lettered once', () => {
    for (const name of ['reshaped', 'partly'])
      expect(runs[0] && parkingsOf(runs[0], name)[0]).toBe('parked: shape-changed');
    expect(runs.slice(1).flatMap((run) => parkingsOf(run, 'partly'))).toEqual([]);
    const { ids } = simulator.admin.truth()[keyOf('reshaped')]?.invoices ?? { ids: [] };
    expect(idsOf(read[2], 'dead-letters', 'reshaped')).toEqual(ids);
    expect(idsOf(read[2], 'invoices', 'reshaped')).toEqual([]);
    const { ids: all } = simulator.admin.truth()[keyOf('partly')]?.invoices ?? { ids: [] };
    expect(idsOf(read[2], 'dead-letters', 'partly')).toEqual(all.slice(0, 10));
    expect(idsOf(read[2], 'invoices', 'partly')).toEqual(all.slice(10));
    expect(runs[2]?.streams).toMatchObject({
      'reshaped clients': { complete: true },
      'reshaped invoices': { complete: false, reason: 'dead-letters', dead_letters: 0 },
    });
  });

  test('every row of the first sweep is an r, each once', () => {
    expect(new Set(recordsOf(read[0], 'invoices', 'edited').map(({ op }) => op))).toEqual(new Set(['r']));
    expect(idsOf(read[0], 'invoices', 'edited')).toHaveLength(20);
    expect(idsOf(read[0], 'clients', 'edited')).toHaveLength(10);
  });

  test('edits, payments and unknown fields are published as u once, new rows as c, and what does not count not at all', () => {
    expect(newsOf(read[0], read[1], 'edited', 'invoices')).toEqual(
      [
        `c ${changed['newInvoice'] ?? 0}`,
        `u ${changed['labelled'] ?? 0}`,
        `u ${changed['noted'] ?? 0}`,
        `u ${changed['paid'] ?? 0}`,
      ].sort(),
    );
    expect(newsOf(read[0], read[1], 'edited', 'clients')).toEqual(
      [`c ${changed['newClient'] ?? 0}`, `u ${changed['moved'] ?? 0}`].sort(),
    );
    const newest = (id: number | undefined): Published['value'] | undefined =>
      recordsOf(read[1], 'invoices', 'edited', read[0]).find((record) => record.id === id)?.value;
    const paidOn = objectOf(simulator.admin.row(keyOf('edited'), 'invoices', changed['paid'] ?? 0))['paid_date'];
    expect(newest(changed['noted'])).toMatchObject({ notes: 'Termin przedłużony.' });
    expect(newest(changed['paid'])).toMatchObject({ status: 'paid', paid_date: paidOn });
    expect(newest(changed['labelled'])).toMatchObject({ extra: '{"never_heard_of":{"label":"zielony"}}' });
  });

  test('a run over rows that did not change publishes nothing', () => {
    expect(newsOf(read[1], read[2], 'edited', 'invoices')).toEqual([]);
    expect(newsOf(read[1], read[2], 'edited', 'clients')).toEqual([]);
    expect(runs[2]?.streams).toMatchObject({
      'edited invoices': { rows: 21, unchanged: 21, complete: true },
      'edited clients': { rows: 11, unchanged: 11, complete: true },
    });
  });

  test('nothing but reading was asked of the API (I8)', () => {
    expect(simulator.admin.stats().forbidden).toBe(0);
  });

  test('no key was shown to anybody, and of buyers only the topics of records and dead letters tell (I11)', () => {
    const keys = ['strays', 'unfit', 'edited', 'reshaped', 'partly'].map(keyOf);
    expectSecretsKept(simulator, keys, runs, read[2]);
  });
});

test('only invoices in scope are published, both ends included, and those without a date only with "all"', async () => {
  const today = dayOf(new Date().toISOString().slice(0, 10));
  const dates = {
    'long ago': dateOf(today - 400),
    'before the default': dateOf(today - 92),
    'within the default': dateOf(today - 88),
    'the day before': '2031-02-28',
    'the first day': '2031-03-01',
    'a day between': '2031-03-17',
    'the last day': '2031-03-31',
    'the day after': '2031-04-01',
    'no date': null,
  };
  const march = { start_date: '2031-03-01', end_date: '2031-03-31' };
  const inMarch = ['the first day', 'a day between', 'the last day'];
  const cases: Readonly<
    Record<string, { readonly entityFile: Company['entityFile']; readonly seen: readonly string[] }>
  > = {
    march: { entityFile: march, seen: inMarch },
    'march-unfiltered': { entityFile: march, seen: inMarch },
    'from-march': { entityFile: { start_date: '2031-03-01' }, seen: [...inMarch, 'the day after'] },
    everything: { entityFile: { start_date: 'all' }, seen: Object.keys(dates) },
    'by-default': {
      entityFile: { start_date: undefined },
      seen: ['within the default', 'the day before', ...inMarch, 'the day after'],
    },
  };
  const { simulator, service } = await start(
    Object.fromEntries(
      Object.entries(cases).map(([name, { entityFile = {} }]) => [name, { clients: 2, invoices: 0, entityFile }]),
    ),
  );
  for (const name of Object.keys(cases)) {
    for (const [what, date] of Object.entries(dates))
      simulator.admin.add(keyOf(name), 'invoices', { invoice_date: date, notes: what });
  }
  simulator.admin.addFault({
    match: { entity: keyOf('march-unfiltered'), path: 'invoices.json' },
    times: Infinity,
    action: { transform: 'filters-ignored' },
  });

  const run = await service.once();
  const everything = await readEverything(service);

  expect(run).toMatchObject({ code: 0, complete: true });
  for (const [name, { seen }] of Object.entries(cases)) {
    const notes = recordsOf(everything, 'invoices', name).map(({ value }) => String(value?.['notes']));
    expect({ [name]: notes.sort() }).toEqual({ [name]: [...seen].sort() });
    expect(idsOf(everything, 'clients', name)).toHaveLength(2);
  }
  const warned = run.logs.filter(({ msg }) => msg === 'attention').map(({ entity }) => entity);
  expect(new Set(warned)).toEqual(new Set(['march-unfiltered']));
});
