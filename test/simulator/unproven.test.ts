import type { Simulator } from '../../simulator/server';
import { decodeModes, type UnprovenMode, type UnprovenModes } from '../../simulator/unproven';
import { ask, everything, list, objectOf, tell, withSimulator } from './ask';

const day = '2026-03-20';
const now = Date.parse('2026-03-31T10:00:00Z');
const dayMs = 86_400_000;

const idsOf = async (simulator: Simulator, path: string): Promise<readonly unknown[]> =>
  (await everything(simulator, path)).map(({ id }) => id);

const filtered = (simulator: Simulator, name: string, value: string, stream = 'invoices') =>
  list(simulator, `${stream}.json?q%5B${name}%5D=${value}&order=id+desc&limit=100`);

async function expectedPaid(simulator: Simulator, since: string): Promise<readonly unknown[]> {
  const rows = await everything(simulator, 'invoices.json');
  return rows.filter(({ paid_date: paid }) => typeof paid === 'string' && paid >= since).map(({ id }) => id);
}

test('filters that nobody knows of are ignored unless a mode is set, as the real API may do', () =>
  withSimulator({}, async (simulator) => {
    expect(simulator.admin.filters()).toEqual({});
    for (const name of ['paid_date_gteq', 'updated_at_gteq', 'created_at_gteq', 'id_gt'])
      expect((await filtered(simulator, name, name === 'id_gt' ? '9999999999' : '2999-01-01')).metainfo).toMatchObject({
        total_count: 450,
      });
  }));

describe('by the day of the payment', () => {
  const under = (mode: UnprovenMode, work: (simulator: Simulator) => Promise<void>) =>
    withSimulator({ filters: { paid_date_gteq: mode } }, work);

  test('works: shows what was paid that day or later', () =>
    under('works', async (simulator) => {
      const wanted = await expectedPaid(simulator, day);
      const { ids, metainfo } = await filtered(simulator, 'paid_date_gteq', day);
      expect(ids).toEqual(wanted.toReversed());
      expect(ids.length).toBeGreaterThan(0);
      expect(metainfo['total_count']).toBe(wanted.length);
    }));

  test('refused: is answered with 400', () =>
    under('refused', async (simulator) => {
      expect((await ask(simulator, `invoices.json?q%5Bpaid_date_gteq%5D=${day}`)).status).toBe(400);
      expect((await ask(simulator, 'invoices.json')).status).toBe(200);
      expect((await ask(simulator, `clients.json?q%5Bpaid_date_gteq%5D=${day}`)).status).toBe(200);
    }));

  test('day-off: leaves out the day that is asked for', () =>
    under('day-off', async (simulator) => {
      const { ids } = await filtered(simulator, 'paid_date_gteq', day);
      expect(ids).toEqual((await expectedPaid(simulator, '2026-03-21')).toReversed());
    }));

  test('wrong-rows: the number is right, and the rows are others', () =>
    under('wrong-rows', async (simulator) => {
      const wanted = await expectedPaid(simulator, day);
      const { ids, metainfo } = await filtered(simulator, 'paid_date_gteq', day);
      expect([metainfo['total_count'], ids.length]).toEqual([wanted.length, wanted.length]);
      expect(ids).not.toEqual(wanted.toReversed());
    }));
});

test('week: works for seven days, then is ignored; a new week begins as it is set', () => {
  let time = now;
  return withSimulator({ filters: { paid_date_gteq: 'week' }, now: () => time }, async (simulator) => {
    const total = async () => (await filtered(simulator, 'paid_date_gteq', '2999-01-01')).metainfo['total_count'];
    expect(await total()).toBe(0);
    time = now + 7 * dayMs;
    expect(await total()).toBe(450);
    simulator.admin.filters({ paid_date_gteq: 'week' });
    expect(await total()).toBe(0);
  });
});

describe('by the time of the last change, which no row shows', () => {
  const modes: UnprovenModes = { updated_at_gteq: 'works', created_at_gteq: 'works' };

  test.each(['clients', 'invoices', 'corrective_invoices'] as const)('an edit of %s moves it', (stream) =>
    withSimulator({ filters: modes, now: () => now }, async (simulator) => {
      const [first] = await idsOf(simulator, `${stream}.json`);
      expect((await filtered(simulator, 'updated_at_gteq', '2026-03-31', stream)).ids).not.toContain(first);
      simulator.admin.edit('key-a', stream, Number(first), { notes: 'x' });
      expect((await filtered(simulator, 'updated_at_gteq', '2026-03-31', stream)).ids).toContain(first);
      expect((await filtered(simulator, 'created_at_gteq', '2026-03-31', stream)).ids).not.toContain(first);
      const { rows } = await filtered(simulator, 'updated_at_gteq', '2026-03-31', stream);
      expect(rows.filter((row) => 'updated_at' in row)).toEqual([]);
    }),
  );

  test('a payment moves it, a new row has both, and a time of day may be asked for', () =>
    withSimulator({ filters: modes, now: () => now + 2 * dayMs }, async (simulator) => {
      const [open] = await idsOf(simulator, 'invoices.json?q%5Bpaid_date_null%5D=true');
      simulator.admin.pay('key-a', Number(open), '2026-03-01');
      const added = simulator.admin.add('key-a', 'invoices');
      const since = async (name: string, value: string) => (await filtered(simulator, name, value)).ids;
      const changed = await since('updated_at_gteq', '2026-04-02T11:59:00%2B02:00');
      expect(changed).toEqual([added['id'], open]);
      expect(await since('updated_at_gteq', '2026-04-03')).toEqual([]);
      expect(await since('created_at_gteq', '2026-03-31')).toContain(added['id']);
    }));

  test('all rows have both, older than anything', () =>
    withSimulator({ filters: modes }, async (simulator) => {
      for (const [stream, total] of [
        ['clients', 40],
        ['invoices', 450],
        ['corrective_invoices', 13],
      ] as const)
        for (const name of ['updated_at_gteq', 'created_at_gteq'])
          expect((await filtered(simulator, name, '1900-01-01', stream)).metainfo['total_count']).toBe(total);
    }));
});

test('by id, also off by one', () =>
  withSimulator({ filters: { id_gt: 'works' } }, async (simulator) => {
    const ids = await idsOf(simulator, 'clients.json');
    const [third, fourth] = ids.slice(2);
    expect((await filtered(simulator, 'id_gt', String(third), 'clients')).ids).toEqual(ids.slice(3).reverse());
    simulator.admin.filters({ id_gt: 'day-off' });
    expect((await filtered(simulator, 'id_gt', String(Number(fourth) - 1), 'clients')).ids).not.toContain(fourth);
  }));

describe('fields', () => {
  const asked = 'invoices.json?order=id+desc&limit=50&fields=id,uuid,ksef_number,ksef_data';
  const shown = async (modes: UnprovenModes) => {
    let rows: readonly Readonly<Record<string, unknown>>[] = [];
    await withSimulator({ filters: modes }, async (simulator) => {
      rows = (await list(simulator, asked)).rows;
      if (modes.fields !== 'works') return;
      const sent = rows.find(({ ksef_data: data }) => data !== null);
      const { text } = await ask(simulator, `invoices/${String(sent?.['uuid'])}.json`);
      expect(objectOf(JSON.parse(text))['ksef_data']).toEqual(sent?.['ksef_data']);
    });
    return rows;
  };
  const numberIn = ({ ksef_data: data }: Readonly<Record<string, unknown>>): unknown =>
    data === null ? null : objectOf(data)['ksef_number'];

  test('cut rows down, to fields of the list alone', async () => {
    expect(Object.keys((await shown({}))[0] ?? {})).toEqual(['id', 'uuid']);
  });

  test('works: show what only the detail has', async () => {
    const rows = await shown({ fields: 'works' });
    expect(rows.every((row) => row['ksef_number'] === numberIn(row))).toBe(true);
    expect(rows.some((row) => row['ksef_number'] !== null)).toBe(true);
  });

  test('ignored: rows are whole', async () => {
    expect(Object.keys((await shown({ fields: 'ignored' }))[0] ?? {}).length).toBeGreaterThan(40);
  });

  test('wrong-rows: show the detail of another row', async () => {
    expect((await shown({ fields: 'wrong-rows' })).some((row) => row['ksef_number'] !== numberIn(row))).toBe(true);
  });

  test('some: show it of every other row alone', async () => {
    const rows = await shown({ fields: 'some' });
    const has = (row: Readonly<Record<string, unknown>>): boolean => 'ksef_data' in row;
    expect(rows.every((row) => has(row) === (Number(row['id']) % 2 === 1))).toBe(true);
    expect(rows.filter(has).length).toBeGreaterThan(5);
  });

  test('nulls: show the fields and no value', async () => {
    const rows = await shown({ fields: 'nulls' });
    expect(rows.every((row) => row['ksef_data'] === null && row['ksef_number'] === null)).toBe(true);
  });
});

describe('rows of documents by themselves show of KSeF', () => {
  const shown = async (mode: UnprovenModes['ksef']) => {
    let rows: readonly Readonly<Record<string, unknown>>[] = [];
    const filters = mode === undefined ? {} : { ksef: mode };
    await withSimulator({ filters }, async (simulator) => {
      rows = (await list(simulator, 'invoices.json?order=id+desc&limit=50')).rows;
    });
    return rows.map(({ id, ksef_number: number, ksef_data: data }) => ({ id: Number(id), number, data }));
  };

  test('nothing unless that is chosen', async () => {
    for (const mode of [undefined, 'ignored'] as const)
      expect((await shown(mode)).every(({ number, data }) => number === undefined && data === undefined)).toBe(true);
  });

  test('all of it, of every other row, the number alone, or null', async () => {
    const all = await shown('works');
    expect(all.every(({ number, data }) => (data === null ? null : objectOf(data)['ksef_number']) === number)).toBe(
      true,
    );
    expect(all.some(({ number }) => typeof number === 'string')).toBe(true);
    expect(await shown('some')).toEqual(
      all.map(({ id, ...row }) => (id % 2 === 1 ? { id, ...row } : { id, number: undefined, data: undefined })),
    );
    expect(await shown('number')).toEqual(all.map((row) => ({ ...row, data: undefined })));
    expect(await shown('nulls')).toEqual(all.map(({ id }) => ({ id, number: null, data: null })));
  });
});

test('modes are read and set over HTTP, and what is none is refused', () =>
  withSimulator({ filters: { id_gt: 'works' } }, async (simulator) => {
    expect((await tell(simulator, 'GET filters')).json).toEqual({ id_gt: 'works' });
    expect(await tell(simulator, 'PUT filters', { updated_at_gteq: 'week' })).toMatchObject({
      status: 200,
      json: { updated_at_gteq: 'week' },
    });
    expect(simulator.admin.filters()).toEqual({ updated_at_gteq: 'week' });
    expect((await tell(simulator, 'PUT filters', { updated_at_gteq: 'perhaps' })).status).toBe(400);
  }));

test.each([
  [null, 'filters must be an object'],
  [{ number_eq: 'works' }, 'filters are paid_date_gteq'],
  [{ id_gt: 'sometimes' }, 'id_gt must be one of'],
  [{ fields: 'day-off' }, 'fields must be one of'],
])('modes %j are refused', (json, message) => {
  expect(() => decodeModes(json)).toThrow(message);
});
