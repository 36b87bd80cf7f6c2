import { anyText, ask, everything, list, objectOf, tell, withSimulator } from './ask';

describe('in the same process', () => {
  test('an added row gets the next id, a realistic body and the overrides', () =>
    withSimulator({}, async (simulator) => {
      const last = Math.max(...(simulator.admin.truth()['key-a']?.invoices.ids ?? []));
      const added = simulator.admin.add('key-a', 'invoices', { notes: 'pilne', invoice_date: '2024-01-01' });
      expect(added['paid_date']).toBeNull();
      expect(added).toMatchObject({ notes: 'pilne', invoice_date: '2024-01-01', sale_date: '2026-03-31' });
      expect(added['id']).toBeGreaterThan(last);
      expect((await list(simulator, 'invoices.json?order=id+desc&limit=1')).rows).toEqual([added]);
      const client = simulator.admin.add('key-a', 'clients', { company_name: 'Nowa' });
      expect(simulator.admin.row('key-a', 'clients', Number(client['id']))).toEqual(client);
    }));

  test('a row added with an id of its own stands in its place', () =>
    withSimulator({}, async (simulator) => {
      simulator.admin.add('key-a', 'clients', { id: 7 });
      expect((await list(simulator, 'clients.json?order=id+asc&limit=1')).ids).toEqual([7]);
      expect(() => simulator.admin.add('key-a', 'clients', { id: 7 })).toThrow(RangeError);
      expect(() => simulator.admin.add('key-a', 'clients', { id: 'x' })).toThrow('positive integer id');
    }));

  test('an id is never given twice, even after its row was removed', () =>
    withSimulator({}, async (simulator) => {
      const first = simulator.admin.add('key-a', 'clients');
      simulator.admin.remove('key-a', 'clients', Number(first['id']));
      const second = simulator.admin.add('key-a', 'clients');
      expect(second['id']).toBeGreaterThan(Number(first['id']));
      expect((await everything(simulator, 'clients.json')).at(-1)).toEqual(second);
    }));

  test('an edit sets fields and leaves the rest, whether the row grows or shrinks', () =>
    withSimulator({}, async (simulator) => {
      const before = await everything(simulator, 'clients.json');
      const id = Number(before[3]?.['id']);
      simulator.admin.edit('key-a', 'clients', id, { note: 'ż'.repeat(5000) });
      simulator.admin.edit('key-a', 'clients', id, { note: 'krótko' });
      const after = await everything(simulator, 'clients.json');
      expect(after[3]).toEqual({ ...before[3], note: 'krótko' });
      expect(after.filter((_, index) => index !== 3)).toEqual(before.filter((_, index) => index !== 3));
    }));

  test('paying sets status and date, and leaves the amounts as the real API does', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?q[paid_date_null]=true&limit=1');
      const [unpaid] = rows;
      const paid = simulator.admin.pay('key-a', Number(unpaid?.['id']));
      expect(paid).toEqual({ ...unpaid, status: 'paid', paid_date: '2026-03-31' });
      expect(simulator.admin.pay('key-a', Number(unpaid?.['id']), '2026-02-01')['paid_date']).toBe('2026-02-01');
    }));

  test('corrections are added, edited and removed like invoices, and counted in the truth', () =>
    withSimulator({}, async (simulator) => {
      const { admin } = simulator;
      const added = admin.add('key-a', 'corrective_invoices', { net_price: -100, tax_price: -23, gross_price: -123 });
      expect(added).toMatchObject({
        kind: 'correction',
        paid_date: null,
        corrected_invoice_number: anyText,
      });
      const id = Number(added['id']);
      admin.edit('key-a', 'corrective_invoices', id, { currency: 'SEK' });
      expect((await everything(simulator, 'corrective_invoices.json')).at(-1)).toEqual({ ...added, currency: 'SEK' });
      const truth = admin.truth()['key-a']?.corrective_invoices;
      expect(truth?.ids.at(-1)).toBe(id);
      expect(truth?.sums['SEK']).toEqual({ count: 1, net: -100, tax: -23, gross: -123 });
      admin.remove('key-a', 'corrective_invoices', id);
      expect(admin.truth()['key-a']?.corrective_invoices.count).toBe(13);
    }));

  test('every change is in the history, what was there from the start is not', () => {
    let now = Date.parse('2026-03-31T10:00:00Z');
    return withSimulator({ now: () => now }, async (simulator) => {
      const { admin } = simulator;
      expect(admin.history()).toEqual([]);
      const id = Number(admin.add('key-a', 'invoices')['id']);
      now += 1000;
      admin.edit('key-a', 'invoices', id, { status: 'draft' });
      admin.pay('key-a', id);
      now += 1000;
      const { ids } = await list(simulator, 'clients.json?order=id+asc&limit=1', 'key-b');
      admin.remove('key-b', 'clients', Number(ids[0]));
      admin.replace('key-a', 'invoices', id, 'nic');
      const entry = { entity: 'key-a', stream: 'invoices', id };
      const client = { entity: 'key-b', stream: 'clients', id: ids[0] };
      const history = [
        { time: now - 2000, kind: 'add', ...entry },
        { time: now - 1000, kind: 'edit', ...entry },
        { time: now - 1000, kind: 'pay', ...entry },
        { time: now, kind: 'remove', ...client },
        { time: now, kind: 'replace', ...entry },
      ];
      expect(admin.history()).toEqual(history);
      expect(admin.history(now - 1000)).toEqual(history.slice(1));
      expect((await tell(simulator, `GET history?since=${now}`)).json).toEqual(history.slice(3));
    });
  });

  test('a removed row shifts those after it, and is refused from then on', () =>
    withSimulator({}, async (simulator) => {
      const { ids } = await list(simulator, 'clients.json?order=id+asc&limit=2');
      simulator.admin.remove('key-a', 'clients', Number(ids[0]));
      expect((await list(simulator, 'clients.json?order=id+asc&limit=1')).ids).toEqual([ids[1]]);
      expect(simulator.admin.row('key-a', 'clients', Number(ids[0]))).toBeUndefined();
      expect(() => simulator.admin.remove('key-a', 'clients', Number(ids[0]))).toThrow(RangeError);
      expect(() => simulator.admin.edit('key-a', 'clients', Number(ids[0]), {})).toThrow(RangeError);
      expect(() => simulator.admin.remove('nobody', 'clients', 1)).toThrow('no entity with the key');
    }));

  test.each([
    ['null', null],
    ['a text', 'wiersz'],
    ['an array', [1, 2]],
    ['an object without an id', { uuid: 'u' }],
    ['an object with the id of another row', { id: 1 }],
    ['an object with amounts as texts', { id: 2, gross_price: '123,00' }],
  ])('a row can be replaced by %s, which is served in its old place', (_, json) =>
    withSimulator({}, async (simulator) => {
      const { ids } = await list(simulator, 'invoices.json?order=id+asc&limit=3');
      simulator.admin.replace('key-a', 'invoices', Number(ids[1]), json);
      const { text } = await ask(simulator, 'invoices.json?order=id+asc&limit=3');
      const found: unknown = objectOf(JSON.parse(text))['entities'];
      expect(Array.isArray(found) ? found[1] : undefined).toEqual(json);
      expect(simulator.admin.row('key-a', 'invoices', Number(ids[1]))).toEqual(json);
      await ask(simulator, 'invoices.json?limit=100');
      await ask(simulator, 'invoices.json?q[paid_date_null]=true&order=currency');
      expect(simulator.admin.stats().byStatus).toEqual({ '200': 4 });
    }),
  );

  test('the truth counts rows and sums invoices by currency, all or filtered', () =>
    withSimulator({}, async (simulator) => {
      const check = async (query: string, filters: Readonly<Record<string, string>>) => {
        const rows = await everything(simulator, `invoices.json${query}`);
        const truth = simulator.admin.truth(filters)['key-a']?.invoices;
        expect(truth?.ids).toEqual(rows.map(({ id }) => id));
        expect(truth?.count).toBe(rows.length);
        for (const [currency, sums] of Object.entries(truth?.sums ?? {})) {
          const own = rows.filter((row) => row['currency'] === currency);
          const sum = (field: string) => own.reduce((total, row) => total + Number(row[field]), 0);
          expect(sums).toEqual({
            count: own.length,
            net: sum('net_price'),
            tax: sum('tax_price'),
            gross: sum('gross_price'),
          });
        }
      };
      await check('', {});
      await check('?q[invoice_date_gteq]=2025-06-01', { invoice_date_gteq: '2025-06-01' });
      simulator.admin.add('key-a', 'invoices', { gross_price: 1, currency: 'SEK' });
      await check('', {});
      expect(simulator.admin.truth()['key-b']?.clients.count).toBe(15);
    }));
});

describe('statistics', () => {
  test('requests are counted by entity, path and status, and the last ones kept', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=1');
      await ask(simulator, `invoices/${String(rows[0]?.['uuid'])}.json`);
      await ask(simulator, 'clients/1.json', { key: 'key-b' });
      await ask(simulator, 'clients.json', { key: 'wrong' });
      const stats = simulator.admin.stats();
      expect(stats).toMatchObject({
        total: 4,
        forbidden: 0,
        mostPerMinute: 4,
        byEntity: { 'key-a': 2, 'key-b': 1, unknown: 1 },
        byPath: { 'invoices.json': 1, 'invoices/{uuid}.json': 1, 'clients/{id}.json': 1, 'clients.json': 1 },
        byStatus: { '200': 2, '404': 1, '401': 1 },
      });
      expect(stats.last[0]).toMatchObject({ entity: 'key-a', path: 'invoices.json', query: 'limit=1', status: 200 });
      expect(simulator.admin.stats(1).last).toHaveLength(1);
      simulator.admin.resetStats();
      expect(simulator.admin.stats()).toMatchObject({ total: 0, mostPerMinute: 0, byPath: {}, last: [] });
    }));

  test('the most requests in any minute are found across minute boundaries', () => {
    let now = 0;
    return withSimulator({ clock: () => now }, async (simulator) => {
      for (const at of [0, 50_000, 55_000, 61_000, 109_999, 110_000, 400_000]) {
        now = at;
        await ask(simulator, 'clients.json?limit=1');
      }
      expect(simulator.admin.stats().mostPerMinute).toBe(4);
    });
  });
});

describe('the limit', () => {
  test('requests above it get 429 with Retry-After until the oldest is a minute old', () => {
    let now = 0;
    return withSimulator({ clock: () => now, requestsPerMinute: 3 }, async (simulator) => {
      const status = async () => (await ask(simulator, 'clients.json')).status;
      expect([await status(), await status()]).toEqual([200, 200]);
      now = 30_000;
      expect(await status()).toBe(200);
      now = 45_500;
      const refused = await ask(simulator, 'clients.json');
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('15');
      expect(objectOf(JSON.parse(refused.text))['error']).toBeDefined();
      now = 60_000;
      expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
    });
  });

  test('it can be 503 as an HTML page without Retry-After', () =>
    withSimulator(
      { requestsPerMinute: 1, limit: { status: 503, html: true, retryAfter: false } },
      async (simulator) => {
        await ask(simulator, 'clients.json');
        const refused = await ask(simulator, 'clients.json');
        expect(refused.status).toBe(503);
        expect(refused.headers.get('retry-after')).toBeNull();
        expect(refused.headers.get('content-type')).toContain('text/html');
      },
    ));

  test('Retry-After can be a date', () => {
    let now = 0;
    const start = Date.parse('2026-03-31T10:00:00Z');
    const options = { requestsPerMinute: 1, limit: { retryAfter: 'date' } } as const;
    return withSimulator({ ...options, clock: () => now, now: () => start + now }, async (simulator) => {
      await ask(simulator, 'clients.json');
      now = 1500;
      const { headers } = await ask(simulator, 'clients.json');
      expect(headers.get('retry-after')).toBe('Tue, 31 Mar 2026 10:01:00 GMT');
    });
  });

  test('a fixed window starts afresh each minute', () => {
    let now = 0;
    return withSimulator({ clock: () => now, requestsPerMinute: 2, limit: { window: 'fixed' } }, async (simulator) => {
      const status = async () => (await ask(simulator, 'clients.json')).status;
      now = 59_000;
      expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
      now = 60_000;
      expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
      now = 250_000;
      expect(await status()).toBe(200);
    });
  });
});

describe('over HTTP', () => {
  test('rows are added, read, edited, paid, replaced and removed', () =>
    withSimulator({}, async (simulator) => {
      const added = await tell(simulator, 'POST key-a/invoices', { notes: 'nowa' });
      expect(added.status).toBe(201);
      const { id } = objectOf(added.json);
      const row = `key-a/invoices/${String(id)}`;
      expect((await tell(simulator, `GET ${row}`)).json).toEqual(added.json);
      expect((await tell(simulator, `PATCH ${row}`, { notes: 'stara' })).json).toMatchObject({ id, notes: 'stara' });
      expect((await tell(simulator, `POST ${row}/pay`, { paid_date: '2026-03-01' })).json).toMatchObject({
        status: 'paid',
        paid_date: '2026-03-01',
      });
      expect((await tell(simulator, `PUT ${row}`, ['nic'])).status).toBe(204);
      expect((await tell(simulator, `GET ${row}`)).json).toEqual(['nic']);
      expect((await tell(simulator, `DELETE ${row}`)).status).toBe(204);
      expect((await tell(simulator, `GET ${row}`)).status).toBe(404);
    }));

  test('entities, truth and statistics are read, and statistics reset', () =>
    withSimulator({}, async (simulator) => {
      await ask(simulator, 'clients.json');
      expect((await tell(simulator, 'GET entities')).json).toContainEqual({
        key: 'key-b',
        name: 'Żubr S.A.',
        nip: '7010001454',
        clients: 15,
        invoices: 120,
        corrective_invoices: 3,
      });
      const filters = 'q[invoice_date_lt]=2025-01-01';
      expect((await tell(simulator, `GET truth?${filters}`)).json).toEqual(
        simulator.admin.truth({ invoice_date_lt: '2025-01-01' }),
      );
      expect((await tell(simulator, 'GET stats?last=5')).json).toMatchObject({ total: 1 });
      expect((await tell(simulator, 'DELETE stats')).status).toBe(204);
      expect((await tell(simulator, 'GET stats')).json).toMatchObject({ total: 0 });
    }));

  test('faults are added, listed and cleared', () =>
    withSimulator({}, async (simulator) => {
      const rule = { match: { path: 'clients.json' }, times: 'Infinity', action: { status: 503 } };
      expect(await tell(simulator, 'POST faults', rule)).toEqual({ status: 201, json: { id: 1 } });
      expect((await ask(simulator, 'clients.json')).status).toBe(503);
      expect((await tell(simulator, 'GET faults')).json).toMatchObject([
        { id: 1, taken: 1, rule: { times: 'Infinity' } },
      ]);
      expect((await tell(simulator, 'DELETE faults/1')).status).toBe(204);
      expect((await ask(simulator, 'clients.json')).status).toBe(200);
      expect((await tell(simulator, 'DELETE faults/1')).status).toBe(404);
      expect((await tell(simulator, 'DELETE faults')).status).toBe(204);
    }));

  test.each<[string, unknown, number]>([
    ['GET nowhere', undefined, 404],
    ['POST nobody/clients', {}, 404],
    ['GET key-a/clients/abc', undefined, 404],
    ['PATCH key-a/clients/1', {}, 404],
    ['POST key-a/clients', [], 400],
    ['PUT life', { births: 1 }, 400],
    ['PUT life', { issue: -1 }, 400],
    ['PUT life', undefined, 400],
    ['POST faults', [], 400],
    ['POST faults', { action: {} }, 400],
    ['POST faults', { action: { transform: 'upside-down' } }, 400],
    ['POST faults', { action: { status: 'bad' } }, 400],
    ['POST faults', { match: { path: '(' }, action: { hang: true } }, 400],
    ['POST faults', { macth: {}, action: { hang: true } }, 400],
  ])('%s with %j is refused with %d and a reason', (call, body, status) =>
    withSimulator({}, async (simulator) => {
      const refused = await tell(simulator, call, body);
      expect(refused.status).toBe(status);
      expect(objectOf(refused.json)['error']).toEqual(expect.any(String));
    }),
  );

  test('its own requests are in no statistics and under no fault or limit', () =>
    withSimulator({ requestsPerMinute: 1 }, async (simulator) => {
      simulator.admin.addFault({ times: Infinity, action: { status: 500 } });
      await tell(simulator, 'GET entities');
      await tell(simulator, 'GET entities');
      expect(simulator.admin.stats().total).toBe(0);
      const help = await tell(simulator, 'GET ');
      expect(help.json).toContain('POST   /__admin/faults');
    }));
});
