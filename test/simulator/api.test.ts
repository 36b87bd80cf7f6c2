import type { JsonObject } from '../../simulator/rows';
import { startSimulator } from '../../simulator/server';
import { anyText, ask, entities, everything, list, objectOf, texts, withSimulator } from './ask';

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

  test('OSS invoices have neither a uuid nor lines in their list, and are had by id; their corrections have both, and are had by uuid', () =>
    withSimulator({}, async (simulator) => {
      const [oss] = (await list(simulator, 'oss_invoices.json?order=id+asc')).rows;
      const [correction] = (await list(simulator, 'corrective_oss_invoices.json?order=id+asc')).rows;
      expect(oss).toMatchObject({ currency: 'EUR' });
      expect(oss).not.toHaveProperty('uuid');
      expect(oss).not.toHaveProperty('services');
      expect(correction).toMatchObject({ services: [{ correction: 'false' }, { correction: 'true' }] });
      const detail = await ask(simulator, `oss_invoices/${String(oss?.['id'])}.json`);
      expect(JSON.parse(detail.text)).toMatchObject({ ...oss, services: [{ unit: null }] });
      const { text } = await ask(simulator, `corrective_oss_invoices/${String(correction?.['uuid'])}.json`);
      expect(JSON.parse(text)).toMatchObject({ services: [{ correction: false }, { correction: true }] });
    }));

  test('an unknown resource is a JSON 404 as inFakt words it', () =>
    withSimulator({}, async (simulator) => {
      expect(await ask(simulator, 'internal_invoices.json')).toMatchObject({ status: 404, text: notFound });
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

  test('each list needs the scope that inFakt asks for', () => {
    const blind = { key: 'key-c', name: 'Ćma', nip: '1', clients: 1, invoices: 1, scopes: ['api:invoices:read'] };
    return withSimulator({ entities: [blind] }, async (simulator) => {
      const paths = ['corrective_invoices', 'products', 'bank_accounts', 'documents/costs', 'account/activities'];
      const statuses = paths.map(async (path) => (await ask(simulator, `${path}.json`, { key: 'key-c' })).status);
      expect(await Promise.all(statuses)).toEqual([200, 200, 401, 401, 401]);
    });
  });

  test('the retired KSeF resources are 410', () =>
    withSimulator({}, async (simulator) => {
      expect((await ask(simulator, 'ksef/documents/1.json')).status).toBe(410);
    }));

  test('more than six KSeF imports in an hour are 422 with the reasons, for that entity', () => {
    let now = 0;
    return withSimulator({ clock: () => now }, async (simulator) => {
      const path = 'ksef2/import/incomes.json';
      for (let request = 0; request < 6; request++) expect((await ask(simulator, path)).status).toBe(200);
      const refused = await ask(simulator, 'ksef2/import/costs.json');
      expect(refused.status).toBe(422);
      expect(JSON.parse(refused.text)).toEqual({
        error: anyText,
        errors: { base: [anyText] },
      });
      expect((await ask(simulator, path, { key: 'key-b' })).status).toBe(200);
      now = 3_600_000;
      expect((await ask(simulator, path)).status).toBe(200);
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

  test.each([
    ['foreign', 'https://app.infakt.test/api/v3/invoices.json'],
    ['doubled', 'OWN/api/v3/v3/invoices.json'],
    ['http://127.0.0.1:9', 'http://127.0.0.1:9/api/v3/invoices.json'],
  ] as const)('next and previous can lead astray: %s', (links, expected) =>
    withSimulator({ links }, async (simulator) => {
      const { metainfo } = await list(simulator, 'invoices.json?limit=20');
      const start = expected.replace('OWN', simulator.url);
      expect(metainfo).toMatchObject({ next: `${start}?offset=20&limit=20`, previous: `${start}?offset=0&limit=20` });
    }),
  );

  test('count can be ten whatever the page holds', () =>
    withSimulator({ count: 'ten' }, async (simulator) => {
      const { metainfo, rows } = await list(simulator, 'invoices.json?limit=2');
      expect([metainfo['count'], rows.length]).toEqual([10, 2]);
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

  test('a correction is found by its uuid in its own list only, and has KSeF data but no extensions', () =>
    withSimulator({}, async (simulator) => {
      const rows = await everything(simulator, 'corrective_invoices.json');
      const row = rows.find(({ uuid, status }) => uuid !== null && status === 'paid');
      const uuid = String(row?.['uuid']);
      expect(await ask(simulator, `invoices/${uuid}.json`)).toMatchObject({ status: 404, text: notFound });
      const detail = objectOf(JSON.parse((await ask(simulator, `corrective_invoices/${uuid}.json`)).text));
      const { ksef_data: ksef, ...others } = detail;
      expect(others).toEqual(row);
      expect(ksef).toMatchObject({ invoice_kind: 'corrective_invoice', status: 'success' });
      expect((await ask(simulator, 'corrective_invoices/null.json')).status).toBe(404);
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

describe('fields=', () => {
  test('cuts rows of lists and details down, nested ones too, and always leaves the id', () =>
    withSimulator({}, async (simulator) => {
      const path = 'invoices.json?order=id+asc&limit=2';
      const whole = await list(simulator, path);
      const { rows } = await list(simulator, `${path}&fields=number,services(name,tax_symbol),nonsense`);
      const lines = new Array<unknown>().concat(whole.rows[1]?.['services']).map(objectOf);
      expect(rows[1]).toEqual({
        id: whole.rows[1]?.['id'],
        number: whole.rows[1]?.['number'],
        services: lines.map(({ id, name, tax_symbol }) => ({ id, name, tax_symbol })),
      });
      const address = `invoices/${String(whole.rows[1]?.['uuid'])}.json`;
      const { id, uuid, extensions } = objectOf(JSON.parse((await ask(simulator, address)).text));
      const { payments } = objectOf(extensions);
      const detail = await ask(simulator, `${address}?fields=uuid,extensions(payments)`);
      expect(JSON.parse(detail.text)).toEqual({ id, uuid, extensions: { payments } });
      expect((await list(simulator, `${path}&fields=`)).rows).toEqual(whole.rows);
    }));

  test('leaves the lines of corrections as well', () =>
    withSimulator({}, async (simulator) => {
      const { rows } = await list(simulator, 'corrective_invoices.json?fields=number&limit=1');
      expect(Object.keys(rows[0] ?? {}).sort()).toEqual(['id', 'number', 'services']);
      expect(rows[0]?.['services']).toEqual(expect.arrayContaining([expect.objectContaining({ group: 1 })]));
    }));
});

describe('the small lists', () => {
  test.each([
    ['products', 12, ['name', 'unit_net_price', 'discount'], 'id'],
    ['bank_accounts', 3, ['bank_name', 'account_number', 'custom_name'], 'id'],
    ['documents/costs', 30, ['number', 'issue_date', 'statuses', 'notes'], 'uuid'],
  ])('%s are %d rows that can be paged, ordered and read one by one', (path, size, fields, address) =>
    withSimulator({}, async (simulator) => {
      const rows = await everything(simulator, `${path}.json`);
      expect(rows).toHaveLength(size);
      expect(Object.keys(rows[0] ?? {})).toEqual(expect.arrayContaining(fields));
      const page = await list(simulator, `${path}.json?limit=2&offset=1&order=id+desc`);
      expect(page.ids).toEqual(
        rows
          .slice(size - 3, size - 1)
          .reverse()
          .map(({ id }) => id),
      );
      expect(page.metainfo['total_count']).toBe(size);
      const one = await ask(simulator, `${path}/${String(rows[0]?.[address])}.json`);
      expect(JSON.parse(one.text)).toMatchObject({ id: rows[0]?.['id'] });
      expect((await ask(simulator, `${path}/1.json`)).status).toBe(404);
    }),
  );

  test('costs have counters beside their metainfo, and point to another host', () =>
    withSimulator({}, async (simulator) => {
      const { text } = await ask(simulator, 'documents/costs.json?limit=20&offset=20');
      const { entities: rows, metainfo, ...counters } = objectOf(JSON.parse(text));
      expect(rows).toHaveLength(10);
      expect(counters).toEqual({ count: 10, total_count: 30, current_page: 2, pages: 2 });
      expect(objectOf(metainfo)['next']).toMatch(/^https:\/\/app\.infakt\.test\/api\/v3\/documents\/costs\.json\?/);
      const uuid = String(objectOf(new Array<unknown>().concat(rows)[0])['uuid']);
      const detail = objectOf(JSON.parse((await ask(simulator, `documents/costs/${uuid}.json`)).text));
      expect([detail['attachments'], 'notes' in detail]).toEqual([[], false]);
    }));

  test('the activity log tells what was done, latest first, in an envelope of its own', () =>
    withSimulator({ now: () => Date.parse('2026-03-31T10:00:05Z') }, async (simulator) => {
      const { admin } = simulator;
      const log = async (query: string) =>
        objectOf(JSON.parse((await ask(simulator, `account/activities.json?${query}`)).text));
      const before = await log('limit=3');
      expect(before).toMatchObject({ total_count: 20, count: 3 });
      expect(before['entities']).toHaveLength(3);
      const client = admin.add('key-a', 'clients', { company_name: 'Nowa' });
      const id = Number(admin.add('key-a', 'invoices', { number: '7/03/2026' })['id']);
      admin.pay('key-a', id);
      admin.remove('key-a', 'invoices', id);
      const { entities: latest, total_count: total } = await log('limit=5');
      expect(total).toBe(24);
      const common = { subject_id: id, subject_type: 'Invoice', subject_data: { number: '7/03/2026' } };
      expect(latest).toMatchObject([
        { ...common, action_symbol: 'destroy' },
        { ...common, action_symbol: 'paid' },
        { ...common, action_symbol: 'create', performed_at: '2026-03-31, 10:00:05' },
        { subject_id: client['id'], action_symbol: 'create_client', subject_data: { company_name: 'Nowa' } },
        new Array<unknown>().concat(before['entities'])[0],
      ]);
      const { blame } = objectOf(new Array<unknown>().concat(latest)[0]);
      expect((await log(`blame[uuid]=${String(objectOf(blame)['uuid'])}`))['total_count']).toBe(24);
      expect((await log('blame[uuid]=somebody'))['total_count']).toBe(0);
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
      expect(simulator.admin.history()).toMatchObject([{ kind: 'print', stream: 'invoices', id: sent?.['id'] }]);
    }));

  test('asking for the XML of a draft books it, and a paid document stays paid', () =>
    withSimulator({}, async (simulator) => {
      const { admin } = simulator;
      const draft = admin.add('key-a', 'corrective_invoices', { status: 'draft' });
      const paid = admin.add('key-a', 'invoices', { status: 'paid' });
      const xml = await ask(simulator, `ksef2/documents/${String(draft['uuid'])}/download_xml.json`);
      expect(xml.headers.get('content-type')).toBe('application/xml');
      await ask(simulator, `invoices/${String(paid['uuid'])}/pdf.json`);
      expect(admin.row('key-a', 'corrective_invoices', Number(draft['id']))).toMatchObject({ status: 'sent' });
      expect(admin.row('key-a', 'invoices', Number(paid['id']))).toEqual(paid);
      await ask(simulator, `corrective_invoices/${String(draft['uuid'])}/pdf.json`);
      expect(admin.row('key-a', 'corrective_invoices', Number(draft['id']))).toMatchObject({ status: 'printed' });
      expect((await ask(simulator, 'ksef2/documents/nothing/download_xml.json')).status).toBe(404);
      expect((await ask(simulator, 'clients/1/pdf.json')).status).toBe(404);
      expect(admin.stats().forbidden).toBe(5);
    }));

  test('any other method than GET is refused and counted as forbidden', () =>
    withSimulator({}, async (simulator) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
        expect((await ask(simulator, 'clients.json', { method })).status).toBe(405);
      }
      expect(simulator.admin.stats().forbidden).toBe(4);
    }));
});
