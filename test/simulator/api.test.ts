import type { JsonObject } from '../../simulator/rows';
import { startSimulator } from '../../simulator/server';
import { ask, entities, everything, list, objectOf, texts, withSimulator } from './ask';

const notFound = JSON.stringify({ error: 'Zasób którego szukasz nie został znaleziony.' });

describe('access', () => {
  test('a missing and a wrong key are told apart by the text of a 401', () =>
    withSimulator({}, async (simulator) => {
      const missing = await ask(simulator, 'clients.json', { key: '' });
      const wrong = await ask(simulator, 'clients.json', { key: 'nobody' });
      expect([missing.status, wrong.status]).toEqual([401, 401]);
      expect(objectOf(JSON.parse(missing.text))['error']).not.toBe(objectOf(JSON.parse(wrong.text))['error']);
    }));

  test('both base paths serve the same, and others nothing', () =>
    withSimulator({}, async (simulator) => {
      const path = 'clients.json?order=id+asc';
      const [long, short, old] = await Promise.all(
        ['/api/v3/', '/v3/', '/api/v2/'].map((base) => ask(simulator, path, { base })),
      );
      expect(objectOf(JSON.parse(long?.text ?? ''))['entities']).toEqual(
        objectOf(JSON.parse(short?.text ?? ''))['entities'],
      );
      expect(old?.status).toBe(404);
    }));

  test('a path without .json is 406, even without a key', () =>
    withSimulator({}, async (simulator) => {
      expect((await ask(simulator, 'clients', { key: '' })).status).toBe(406);
    }));

  test('an unknown resource is a JSON 404 as inFakt words it', () =>
    withSimulator({}, async (simulator) => {
      expect(await ask(simulator, 'margin_invoices.json')).toMatchObject({ status: 404, text: notFound });
    }));

  test('the account answers with its name and tax number, and needs its own scope', () => {
    const [first] = entities;
    const blind = { key: 'key-c', name: 'Ćma', nip: '1', clients: 1, invoices: 1, scopes: ['api:invoices:read'] };
    return withSimulator({ entities: [...(first === undefined ? [] : [first]), blind] }, async (simulator) => {
      const { text } = await ask(simulator, 'account/details.json');
      expect(objectOf(JSON.parse(text))['company_data']).toMatchObject({
        company_name: 'Alfa Sp. z o.o.',
        tax_id: '5252344078',
      });
      expect((await ask(simulator, 'account/details.json', { key: 'key-c' })).status).toBe(401);
      expect((await ask(simulator, 'clients.json', { key: 'key-c' })).status).toBe(200);
    });
  });

  test('two entities cannot share a key', async () => {
    await expect(startSimulator({ entities: [...entities, ...entities] })).rejects.toThrow('two entities have the key');
  });
});

describe('paging', () => {
  test('a page holds 10 rows unless asked for more, and never more than 100', () =>
    withSimulator({}, async (simulator) => {
      expect((await list(simulator, 'invoices.json')).rows).toHaveLength(10);
      expect((await list(simulator, 'invoices.json?limit=0')).rows).toHaveLength(10);
      expect((await list(simulator, 'invoices.json?limit=500')).rows).toHaveLength(100);
    }));

  test('a limit above 100 is 400 where that is chosen', () =>
    withSimulator({ overLimit: 'refuse' }, async (simulator) => {
      expect((await ask(simulator, 'invoices.json?limit=101')).status).toBe(400);
      expect((await ask(simulator, 'invoices.json?limit=100')).status).toBe(200);
    }));

  test('next and previous are always there, with the query echoed, also past the end', () =>
    withSimulator({}, async (simulator) => {
      const query = 'q%5Bpaid_date_null%5D=true&order=id+asc';
      const { metainfo, rows } = await list(simulator, `invoices.json?${query}&offset=1000&limit=20`);
      expect(rows).toHaveLength(0);
      expect(metainfo['count']).toBe(0);
      const { url } = simulator;
      expect(metainfo['next']).toBe(`${url}/api/v3/invoices.json?offset=1020&limit=20&${query}`);
      expect(metainfo['previous']).toBe(`${url}/api/v3/invoices.json?offset=980&limit=20&${query}`);
      expect((await list(simulator, 'invoices.json')).metainfo['previous']).toContain('offset=0&limit=10');
    }));

  test('a walk by id sees every row once', () =>
    withSimulator({}, async (simulator) => {
      const rows = await everything(simulator, 'invoices.json');
      expect(rows.map(({ id }) => id)).toEqual(simulator.admin.truth()['key-a']?.invoices.ids);
      expect(rows).toHaveLength(450);
    }));

  test('entities do not see the rows of one another', () =>
    withSimulator({}, async (simulator) => {
      const a = await everything(simulator, 'clients.json', 'key-a');
      const b = await everything(simulator, 'clients.json', 'key-b');
      expect([a.length, b.length]).toEqual([40, 15]);
      expect(new Set([...a, ...b].map(({ id }) => id)).size).toBe(55);
    }));
});

describe('order', () => {
  test('ids descend, by plus, by space, and ascend without a direction', () =>
    withSimulator({}, async (simulator) => {
      const ascending = (await everything(simulator, 'clients.json')).map(({ id }) => id);
      expect((await list(simulator, 'clients.json?limit=100&order=id')).ids).toEqual(ascending);
      expect((await list(simulator, 'clients.json?limit=100&order=id+desc')).ids).toEqual([...ascending].reverse());
      const tail = await list(simulator, 'clients.json?limit=7&offset=35&order=id%20desc');
      expect(tail.ids).toEqual(ascending.slice(0, 5).reverse());
    }));

  test('any scalar field can be ordered by, unset values last', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=100&order=gross_price+desc');
      const prices = rows.map((row) => Number(row['gross_price']));
      expect(prices).toEqual([...prices].sort((one, two) => two - one));
      const last = await list(simulator, 'invoices.json?offset=440&order=paid_date+asc');
      expect(last.rows.map((row) => row['paid_date'])).toEqual(Array(10).fill(null));
    }));

  test('an order that is not understood gives the default one', () =>
    withSimulator({ ties: 'stable' }, async (simulator) => {
      const usual = (await list(simulator, 'invoices.json')).ids;
      for (const order of ['updated_at+desc', 'services', 'id+down', 'id+asc+desc']) {
        expect((await list(simulator, `invoices.json?order=${order}`)).ids).toEqual(usual);
      }
    }));

  test('the default orders are company name ascending and invoice date descending', () =>
    withSimulator({}, async (simulator) => {
      const names = (await list(simulator, 'clients.json?limit=100')).rows.map((row) => row['company_name']);
      const named = names.filter((name) => name !== null);
      expect(names.slice(0, named.length)).toEqual([...named].sort());
      const dates = (await list(simulator, 'invoices.json?limit=100&offset=50')).rows.map((row) => row['invoice_date']);
      expect(dates).toEqual([...dates].sort().reverse());
    }));

  test('rows with the same date come in another order each time, so that plain paging repeats and misses rows', () =>
    withSimulator({}, async (simulator) => {
      for (const id of simulator.admin.truth()['key-a']?.invoices.ids ?? []) {
        simulator.admin.edit('key-a', 'invoices', id, { invoice_date: '2026-01-15' });
      }
      const first = await list(simulator, 'invoices.json?limit=100');
      const again = await list(simulator, 'invoices.json?limit=100');
      expect(first.ids).not.toEqual(again.ids);
      const seen = new Set<unknown>();
      for (let offset = 0; offset < 450; offset += 100) {
        for (const id of (await list(simulator, `invoices.json?limit=100&offset=${offset}`)).ids) seen.add(id);
      }
      expect(seen.size).toBeLessThan(450);
    }));

  test('ties keep the order of the ids where that is chosen', () =>
    withSimulator({ ties: 'stable' }, async (simulator) => {
      const { ids } = await list(simulator, 'invoices.json?limit=100&order=kind+desc');
      expect(ids).toEqual([...ids].sort((one, two) => Number(one) - Number(two)));
    }));
});

describe('filters', () => {
  test('each documented filter of invoices gives exactly the rows it describes', () =>
    withSimulator({}, async (simulator) => {
      const all = await everything(simulator, 'invoices.json');
      const sample = all.find((row) => /^\d{10}$/.test(String(row['client_tax_code'])));
      const nip = String(sample?.['client_tax_code']);
      const date = (row: JsonObject) => texts([row], 'invoice_date')[0] ?? '';
      const cases: [string, (row: JsonObject) => boolean][] = [
        ['paid_date_null=true', (row) => row['paid_date'] === null],
        ['paid_date_null=false', (row) => row['paid_date'] !== null],
        ['invoice_date_gteq=2025-06-01', (row) => date(row) >= '2025-06-01'],
        ['invoice_date_gt=2025-06-01', (row) => date(row) > '2025-06-01'],
        ['invoice_date_lteq=2025-06-01', (row) => date(row) !== '' && date(row) <= '2025-06-01'],
        ['invoice_date_lt=2025-06-01', (row) => date(row) !== '' && date(row) < '2025-06-01'],
        [`number_eq=${String(sample?.['number'])}`, (row) => row['number'] === sample?.['number']],
        [`client_id_eq=${String(sample?.['client_id'])}`, (row) => row['client_id'] === sample?.['client_id']],
        [`clean_client_nip_eq=${nip.replace(/\D/g, '')}`, (row) => row['client_tax_code'] === nip],
      ];
      for (const [filter, holds] of cases) {
        const [name = '', value = ''] = filter.split('=');
        const found = await everything(simulator, `invoices.json?q%5B${name}%5D=${encodeURIComponent(value)}`);
        const wanted = all.filter(holds);
        expect(wanted.length).toBeGreaterThan(0);
        expect(wanted.length).toBeLessThan(all.length);
        expect({ filter, ids: found.map(({ id }) => id) }).toEqual({ filter, ids: wanted.map(({ id }) => id) });
      }
    }));

  test('clients are found by tax number, as written or cleaned, and by name or a part of it', () =>
    withSimulator({}, async (simulator) => {
      const all = await everything(simulator, 'clients.json');
      const dashed = all.find((row) => String(row['nip']).includes('-'));
      const nip = String(dashed?.['nip']);
      const name = String(dashed?.['company_name']);
      const found = async (query: string) => (await list(simulator, `clients.json?${query}`)).ids;
      expect(await found(`q[nip_eq]=${nip}`)).toEqual([dashed?.['id']]);
      expect(await found(`q[nip_eq]=${nip.replaceAll('-', '')}`)).toEqual([]);
      expect(await found(`q[clean_nip_eq]=PL${nip.replaceAll('-', '')}`)).toEqual([dashed?.['id']]);
      expect(await found(`q[company_name_eq]=${encodeURIComponent(name)}`)).toContain(dashed?.['id']);
      expect(await found(`q[company_name_cont]=${encodeURIComponent(name.slice(2, 9))}`)).toContain(dashed?.['id']);
    }));

  test('an unknown filter and a value that is no date are ignored without a word', () =>
    withSimulator({}, async (simulator) => {
      for (const filter of ['q[updated_at_gteq]=2026-01-01', 'q[invoice_date_gteq]=yesterday', 'q[constructor]=1']) {
        expect((await list(simulator, `invoices.json?${filter}`)).metainfo['total_count']).toBe(450);
      }
    }));

  test('filters are joined, and an edit shows in them at once', () =>
    withSimulator({}, async (simulator) => {
      const path = 'invoices.json?q[paid_date_null]=true&q[invoice_date_gteq]=2025-06-01&order=id+asc';
      const before = await list(simulator, path);
      const [id] = before.ids;
      simulator.admin.pay('key-a', Number(id));
      const after = await list(simulator, path);
      expect(after.metainfo['total_count']).toBe(Number(before.metainfo['total_count']) - 1);
      expect(after.ids).not.toContain(id);
    }));
});

describe('details', () => {
  test('an invoice is addressed by uuid and adds the fields that lists lack', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=100&order=id+asc');
      const sent = rows.find((row) => row['status'] === 'sent' && row['kind'] === 'vat');
      const detail = objectOf(JSON.parse((await ask(simulator, `invoices/${String(sent?.['uuid'])}.json`)).text));
      expect(detail).toMatchObject(sent ?? {});
      const added = Object.keys(detail).filter((name) => !(name in (sent ?? {})));
      expect(added).toEqual(['transaction_terms', 'extensions', 'ksef_data']);
      expect(objectOf(detail['ksef_data'])['ksef_number']).toMatch(/^5252344078-\d{8}-[0-9A-F]{12}-[0-9A-F]{2}$/);
    }));

  test('an invoice is not found by its integer id, nor under another entity', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=1');
      const [row] = rows;
      expect(await ask(simulator, `invoices/${String(row?.['id'])}.json`)).toMatchObject({
        status: 404,
        text: notFound,
      });
      expect((await ask(simulator, `invoices/${String(row?.['uuid'])}.json`, { key: 'key-b' })).status).toBe(404);
    }));

  test('a client is addressed by id, with the same fields as in the list', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'clients.json?limit=1');
      const { status, text } = await ask(simulator, `clients/${String(rows[0]?.['id'])}.json`);
      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual(rows[0]);
      expect((await ask(simulator, 'clients/1.json')).status).toBe(404);
    }));

  test('a removed invoice is gone from the detail, an added one is there', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=1');
      const uuid = String(rows[0]?.['uuid']);
      expect((await ask(simulator, `invoices/${uuid}.json`)).status).toBe(200);
      simulator.admin.remove('key-a', 'invoices', Number(rows[0]?.['id']));
      expect((await ask(simulator, `invoices/${uuid}.json`)).status).toBe(404);
      const added = simulator.admin.add('key-a', 'invoices');
      expect((await ask(simulator, `invoices/${String(added['uuid'])}.json`)).status).toBe(200);
    }));
});

describe('what a reader must not call', () => {
  test('asking for a PDF is counted as forbidden and marks the invoice as printed', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'invoices.json?limit=100');
      const sent = rows.find((row) => row['status'] === 'sent');
      await ask(simulator, `invoices/${String(sent?.['uuid'])}/pdf.json`);
      await ask(simulator, `ksef2/documents/${String(sent?.['uuid'])}/download_xml.json`);
      expect(simulator.admin.stats().forbidden).toBe(2);
      expect(simulator.admin.row('key-a', 'invoices', Number(sent?.['id']))).toMatchObject({ status: 'printed' });
    }));

  test('any other method than GET is refused and counted as forbidden', () =>
    withSimulator({}, async (simulator) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
        expect((await ask(simulator, 'clients.json', { method })).status).toBe(405);
      }
      expect(simulator.admin.stats().forbidden).toBe(4);
    }));
});
