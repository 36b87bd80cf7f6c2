import { connect } from 'node:net';
import type { FaultAction, Transform } from '../../simulator/faults';
import type { Simulator } from '../../simulator/server';
import { ask, list, objectOf, signal, withSimulator } from './ask';

const page = 'invoices.json?order=id+asc&limit=20';

function spoilt(
  simulator: Simulator,
  action: FaultAction,
): Promise<{ status: number; headers: Headers; text: string }> {
  simulator.admin.addFault({ action });
  return ask(simulator, page);
}

/** Everything that one connection gets, until the other side ends it. */
function raw(simulator: Simulator, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(simulator.port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.write(`GET /v3/${path} HTTP/1.1\r\nHost: localhost\r\nX-inFakt-ApiKey: key-a\r\n\r\n`);
  });
}

describe('which requests a rule takes', () => {
  test('one matching request, unless it says how many', () =>
    withSimulator({}, async (simulator) => {
      const status = async () => (await ask(simulator, page)).status;
      simulator.admin.addFault({ action: { status: 503 } });
      expect([await status(), await status()]).toEqual([503, 200]);
      simulator.admin.addFault({ action: { status: 500 }, times: 2 });
      expect([await status(), await status(), await status()]).toEqual([500, 500, 200]);
      expect(simulator.admin.faults().map(({ taken }) => taken)).toEqual([1, 2]);
    }));

  test('by entity, path prefix, path expression and exact offset', () =>
    withSimulator({}, async (simulator) => {
      const { admin } = simulator;
      const status = async (path: string, key?: string) =>
        (await ask(simulator, path, key === undefined ? {} : { key })).status;
      admin.addFault({ match: { entity: 'key-b' }, times: Infinity, action: { status: 500 } });
      admin.addFault({ match: { path: 'clients' }, times: Infinity, action: { status: 501 } });
      admin.addFault({ match: { path: '^account/.*s\\.json$' }, times: Infinity, action: { status: 502 } });
      admin.addFault({ match: { path: 'invoices.json', offset: 100 }, times: Infinity, action: { status: 503 } });
      expect(await status('clients.json', 'key-b')).toBe(500);
      expect(await status('clients/1.json')).toBe(501);
      expect(await status('account/details.json')).toBe(502);
      expect(await status('invoices.json?offset=100')).toBe(503);
      expect(await status('invoices.json?offset=10')).toBe(200);
      expect(await status('invoices.json')).toBe(200);
      admin.clearFaults();
      expect(await status('clients.json', 'key-b')).toBe(200);
    }));

  test('by parameters of the query, also by one that is absent', () =>
    withSimulator({}, async (simulator) => {
      const status = async (path: string) => (await ask(simulator, path)).status;
      const query = { order: 'id desc', 'q[paid_date_null]': null };
      simulator.admin.addFault({ match: { query }, times: Infinity, action: { status: 500 } });
      expect(await status('invoices.json?order=id+desc')).toBe(500);
      expect(await status('invoices.json?order=id+asc')).toBe(200);
      expect(await status('invoices.json?order=id+desc&q[paid_date_null]=true')).toBe(200);
    }));

  test('after those that it skips', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ skip: 2, action: { status: 500 } });
      const statuses = [];
      for (let request = 0; request < 4; request++) statuses.push((await ask(simulator, page)).status);
      expect(statuses).toEqual([200, 200, 500, 200]);
    }));

  test('some of them by probability, the same ones for the same seed', async () => {
    const run = async (): Promise<number[]> => {
      const statuses: number[] = [];
      await withSimulator({ seed: 5 }, async (simulator) => {
        simulator.admin.addFault({ probability: 0.4, times: Infinity, action: { status: 500 } });
        for (let request = 0; request < 30; request++) statuses.push((await ask(simulator, page)).status);
      });
      return statuses;
    };
    const statuses = await run();
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
    expect(await run()).toEqual(statuses);
  });
});

describe('answers', () => {
  test('another status carries its headers and body', () =>
    withSimulator({}, async (simulator) => {
      const late = await spoilt(simulator, { status: 429, headers: { 'Retry-After': '7' } });
      expect([late.status, late.headers.get('retry-after')]).toEqual([429, '7']);
      const text = await spoilt(simulator, { status: 403, body: '<h1>Blocked</h1>', contentType: 'text/html' });
      expect([text.status, text.text, text.headers.get('content-type')]).toEqual([
        403,
        '<h1>Blocked</h1>',
        'text/html',
      ]);
      const json = await spoilt(simulator, { status: 422, body: { error: 'nie' } });
      expect(json.text).toBe('{"error":"nie"}');
    }));

  test('a text can stand where a list is expected', () =>
    withSimulator({}, async (simulator) => {
      const { status, text } = await spoilt(simulator, { body: '<html>maintenance</html>', contentType: 'text/html' });
      expect([status, text]).toEqual([200, '<html>maintenance</html>']);
    }));

  test('a redirect points elsewhere', () =>
    withSimulator({}, async (simulator) => {
      const { status, headers } = await spoilt(simulator, { redirect: 'http://localhost:1/steal' });
      expect([status, headers.get('location')]).toEqual([302, 'http://localhost:1/steal']);
    }));

  test('a reset connection gives no answer', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ action: { reset: true } });
      await expect(raw(simulator, page)).rejects.toThrow('ECONNRESET');
      expect(simulator.admin.stats().byStatus).toEqual({ none: 1 });
      expect((await ask(simulator, page)).status).toBe(200);
    }));

  test('a cut answer promises its full length and ends early', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ action: { cut: 100 } });
      const [head = '', body = ''] = (await raw(simulator, page)).split('\r\n\r\n');
      expect(Buffer.byteLength(body)).toBe(100);
      expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBeGreaterThan(20_000);
    }));

  test('a dripping answer arrives whole', () =>
    withSimulator({}, async (simulator) => {
      const whole = await ask(simulator, page);
      const dripped = await spoilt(simulator, { drip: Buffer.byteLength(whole.text) * 5 });
      expect(dripped.text).toBe(whole.text);
    }));

  test('a delayed answer is the ordinary one', () =>
    withSimulator({}, async (simulator) => {
      const whole = await ask(simulator, page);
      expect((await spoilt(simulator, { delay: 5 })).text).toBe(whole.text);
    }));
});

describe('lists that are wrong', () => {
  test.each<[Transform, (list: Readonly<Record<string, unknown>>) => unknown, unknown]>([
    ['entities-null', ({ entities }) => entities, null],
    ['entities-object', ({ entities }) => Array.isArray(entities), false],
    ['entities-missing', (body) => 'entities' in body, false],
    ['total-count-missing', ({ metainfo }) => 'total_count' in objectOf(metainfo), false],
    ['total-count-string', ({ metainfo }) => objectOf(metainfo)['total_count'], '450'],
    ['total-count-wrong', ({ metainfo }) => objectOf(metainfo)['total_count'], 451],
    ['empty-list', ({ metainfo, entities }) => [objectOf(metainfo)['total_count'], entities], [0, []]],
  ])('%s spoils the envelope', (transform, read, expected) =>
    withSimulator({}, async (simulator) => {
      const { status, text } = await spoilt(simulator, { transform });
      expect(status).toBe(200);
      expect(read(objectOf(JSON.parse(text)))).toEqual(expected);
    }),
  );

  test('total-count-wrong adds what it is told', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ action: { transform: 'total-count-wrong', by: -50 } });
      expect((await list(simulator, page)).metainfo['total_count']).toBe(400);
    }));

  test('broken-json is an answer of its full length that cannot be parsed', () =>
    withSimulator({}, async (simulator) => {
      const { status, headers, text } = await spoilt(simulator, { transform: 'broken-json' });
      expect([status, headers.get('content-length')]).toEqual([200, String(Buffer.byteLength(text))]);
      expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    }));

  test('the counters of the cost list outlive what is spoilt beside them', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ action: { transform: 'entities-null' } });
      const { text } = await ask(simulator, 'documents/costs.json');
      expect(JSON.parse(text)).toMatchObject({ entities: null, pages: 3 });
    }));

  test('duplicate-id and shuffle keep the number of rows', () =>
    withSimulator({}, async (simulator) => {
      const { ids } = await list(simulator, page);
      simulator.admin.addFault({ action: { transform: 'duplicate-id' } });
      const doubled = await list(simulator, page);
      expect(doubled.ids).toEqual([...ids.slice(0, 19), ids[18]]);
      simulator.admin.addFault({ action: { transform: 'shuffle' } });
      const shuffled = await list(simulator, page);
      expect(shuffled.ids).not.toEqual(ids);
      expect(new Set(shuffled.ids)).toEqual(new Set(ids));
    }));

  test('non-object-rows and no-id-rows spoil as many rows as asked', () =>
    withSimulator({}, async (simulator) => {
      const rows = async (action: FaultAction) => {
        const { entities }: Readonly<Record<string, unknown>> = objectOf(
          JSON.parse((await spoilt(simulator, action)).text),
        );
        return new Array<unknown>().concat(entities);
      };
      const strange = await rows({ transform: 'non-object-rows', rows: 4 });
      expect(strange.slice(0, 4)).toEqual([null, 'wiersz', 7, []]);
      expect(objectOf(strange[4])['id']).toBeDefined();
      const nameless = await rows({ transform: 'no-id-rows' });
      expect(objectOf(nameless[0])).not.toHaveProperty('id');
      expect(objectOf(nameless[0])).toHaveProperty('uuid');
      expect(objectOf(nameless[1])).toHaveProperty('id');
    }));

  test('wrong-account serves the rows of another entity', () =>
    withSimulator({}, async (simulator) => {
      const other = await list(simulator, page, 'key-b');
      simulator.admin.addFault({ action: { transform: 'wrong-account' } });
      expect((await list(simulator, page)).ids).toEqual(other.ids);
    }));

  test('wrong-account is refused where there is no other entity', () =>
    withSimulator({ entities: [{ key: 'k', name: 'Sam', nip: '1', clients: 1, invoices: 1 }] }, async (simulator) => {
      expect(() => simulator.admin.addFault({ action: { transform: 'wrong-account' } })).toThrow('second entity');
      await Promise.resolve();
    }));

  test('filters-ignored serves everything', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ action: { transform: 'filters-ignored' } });
      const path = 'invoices.json?q[paid_date_null]=true';
      expect((await list(simulator, path)).metainfo['total_count']).toBe(450);
      expect((await list(simulator, path)).metainfo['total_count']).not.toBe(450);
    }));

  test('shorter-history leaves out what is older than a year', () =>
    withSimulator({}, async (simulator) => {
      const all = await list(simulator, 'invoices.json?order=id+asc&limit=100');
      simulator.admin.addFault({ action: { transform: 'shorter-history' } });
      const { ids, metainfo } = await list(simulator, 'invoices.json?order=id+asc&limit=100');
      expect(metainfo['total_count']).toBeLessThan(Number(all.metainfo['total_count']));
      expect(Number(ids[0])).toBeGreaterThan(Number(all.ids[0]));
    }));
});

describe('work before an answer', () => {
  test('rows can be removed between two pages', () =>
    withSimulator({}, async (simulator) => {
      const { admin } = simulator;
      const { ids } = await list(simulator, 'invoices.json?order=id+asc&limit=100');
      admin.addFault({
        match: { path: 'invoices.json', offset: 50 },
        before: ({ entity }) => admin.remove(entity ?? '', 'invoices', Number(ids[0])),
      });
      await list(simulator, 'invoices.json?order=id+asc&limit=50');
      const second = await list(simulator, 'invoices.json?order=id+asc&limit=49&offset=50');
      expect(second.ids).toEqual(ids.slice(51));
    }));

  test('the answer waits for it, and shows what happened meanwhile', () =>
    withSimulator({}, async (simulator) => {
      const reached = signal();
      const released = signal();
      const asked: string[] = [];
      simulator.admin.addFault({
        before: async ({ path, query }) => {
          asked.push(path, query['limit'] ?? '');
          reached.give();
          await released.promise;
        },
      });
      const answer = list(simulator, page);
      await reached.promise;
      expect(asked).toEqual(['invoices.json', '20']);
      const added = simulator.admin.add('key-a', 'invoices', { id: 3 });
      released.give();
      expect((await answer).ids[0]).toBe(added['id']);
    }));

  test('an answer that is held back after it was computed is old when it comes', () =>
    withSimulator({}, async (simulator) => {
      const reached = signal();
      const released = signal();
      simulator.admin.addFault({
        after: async () => {
          reached.give();
          await released.promise;
        },
      });
      const answer = list(simulator, page);
      await reached.promise;
      simulator.admin.add('key-a', 'invoices', { id: 3 });
      released.give();
      expect((await answer).ids).not.toContain(3);
    }));

  test('its failure is answered by 500 with the reason', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.addFault({ before: () => Promise.reject(new Error('broken test')) });
      const { status, text } = await ask(simulator, page);
      expect(status).toBe(500);
      expect(text).toContain('broken test');
    }));
});

describe('stopping', () => {
  test('ends a hanging, a dripping and an idle connection at once', () =>
    withSimulator({}, async (simulator) => {
      const { admin } = simulator;
      await ask(simulator, page);
      const hanging = signal();
      admin.addFault({ action: { hang: true }, before: hanging.give });
      admin.addFault({ action: { drip: 1 } });
      const silent = raw(simulator, page);
      await hanging.promise;
      const slow = fetch(`${simulator.url}/v3/${page}`, { headers: { 'X-inFakt-ApiKey': 'key-a' } });
      const body = (await slow).text();
      await Promise.all([simulator.stop(), expect(silent).resolves.toBe(''), expect(body).rejects.toThrow()]);
      await expect(ask(simulator, page)).rejects.toThrow();
    }));

  test('twice is once', () =>
    withSimulator({}, async (simulator) => {
      await Promise.all([simulator.stop(), simulator.stop()]);
    }));
});
