import { startSimulator } from '../../simulator/server';
import type { JsonObject } from '../../simulator/rows';
import { amountInWords } from '../../simulator/words';
import { entities, everything, objectOf, texts, withSimulator } from './ask';

async function rowsOf(stream: string, options = {}): Promise<readonly JsonObject[]> {
  let rows: readonly JsonObject[] = [];
  await withSimulator(options, async (simulator) => {
    rows = await everything(simulator, `${stream}.json`);
  });
  return rows;
}

const linesOf = (row: JsonObject) => (Array.isArray(row['services']) ? row['services'].map(objectOf) : []);

test('the same seed makes the same rows, another seed others', async () => {
  const entity = { key: 'k', name: 'Kłos', nip: '5252344078', clients: 5, invoices: 20 };
  const make = async (seed: number) => {
    let rows: readonly JsonObject[] = [];
    await withSimulator({ entities: [{ ...entity, seed }] }, async (simulator) => {
      rows = await everything(simulator, 'invoices.json', 'k');
    });
    return rows;
  };
  const first = await make(1);
  expect(await make(1)).toEqual(first);
  expect(await make(2)).not.toEqual(first);
});

test('ids are sparse and grow with the time of creation', async () => {
  const rows = await rowsOf('invoices');
  const ids = rows.map((row) => Number(row['id']));
  const gaps = ids.slice(1).map((id, index) => id - (ids[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...gaps)).toBeGreaterThan(10);
  const days = rows.map((row) => String(row['created_at']).slice(0, 10));
  expect(days).toEqual([...days].sort());
});

test('invoices spread over three years up to today, some dated back, about 60 % paid', async () => {
  const rows = await rowsOf('invoices');
  const dates = texts(rows, 'invoice_date');
  expect(dates.every((date) => date <= '2026-03-31')).toBe(true);
  expect([...dates].sort()[0]).toMatch(/^2023-0[34]/);
  expect(rows.some((row) => String(row['created_at']).slice(0, 10) > String(row['invoice_date']))).toBe(true);
  const paid = rows.filter((row) => row['status'] === 'paid');
  expect(paid.length / rows.length).toBeGreaterThan(0.5);
  expect(paid.length / rows.length).toBeLessThan(0.7);
  const paidDates = texts(paid, 'paid_date');
  expect(paidDates).toHaveLength(paid.length);
  expect(paidDates.every((date) => date <= '2026-03-31')).toBe(true);
  expect(new Set(rows.map((row) => row['status']))).toEqual(new Set(['draft', 'sent', 'printed', 'paid']));
});

test('a month of a small company comes to thousands or tens of thousands of zloty, not to millions', async () => {
  const months = new Map<string, number>();
  for (const { invoice_date: date, currency, net_price: net } of await rowsOf('invoices')) {
    const month = String(date).slice(0, 7);
    if (currency === 'PLN') months.set(month, (months.get(month) ?? 0) + Number(net) / 100);
  }
  const whole = [...months].filter(([month]) => month > '2023-04' && month < '2026-03').map(([, net]) => net);
  expect(whole.length).toBeGreaterThan(30);
  expect(Math.min(...whole)).toBeGreaterThan(1_000);
  expect(Math.max(...whole)).toBeLessThan(100_000);
});

test('a history that ends on a given day has the same rows the next day, and what is added is of that day', async () => {
  const seen: { readonly rows: string; readonly added: unknown }[] = [];
  for (const day of ['2026-03-10', '2026-03-11']) {
    const simulator = await startSimulator({ entities, historyEnds: '2026-03-01', now: () => Date.parse(day) });
    const { admin } = simulator;
    const ids = admin.truth()['key-a']?.invoices.ids ?? [];
    const rows = JSON.stringify(ids.map((id) => admin.row('key-a', 'invoices', id)));
    seen.push({ rows, added: admin.add('key-a', 'invoices')['invoice_date'] });
    await simulator.stop();
  }
  expect(seen[0]?.rows).toBe(seen[1]?.rows);
  expect(seen.map(({ added }) => added)).toEqual(['2026-03-10', '2026-03-11']);
});

test('an invoice is about 2 kB, and its totals are those of its lines', async () => {
  const rows = await rowsOf('invoices');
  const bytes = rows.reduce((sum, row) => sum + Buffer.byteLength(JSON.stringify(row)), 0) / rows.length;
  expect(bytes).toBeGreaterThan(1700);
  expect(bytes).toBeLessThan(2400);
  for (const row of rows) {
    const net = linesOf(row).reduce((sum, line) => sum + Number(line['net_price']), 0);
    expect(net).toBe(row['net_price']);
    expect(Number(row['net_price']) + Number(row['tax_price'])).toBe(row['gross_price']);
  }
});

test('the unusual invoices are among them', async () => {
  const rows = await rowsOf('invoices');
  const has = (what: string, test: (row: JsonObject) => boolean) => ({ what, found: rows.some(test) });
  const wanted = [
    has('no client', (row) => row['client_id'] === null),
    has('a fractional quantity', (row) => linesOf(row).some((line) => line['quantity'] === 0.5)),
    has('an amount over 2^31', (row) => Number(row['gross_price']) > 2 ** 31),
    has('30 lines', (row) => linesOf(row).length === 30),
    has('unknown fields', (row) => 'eco_label' in row && linesOf(row).some((line) => 'carbon_footprint' in line)),
    has('null where others have an empty text', (row) => row['swift'] === null && row['bdo_code'] === ''),
    has('euro', (row) => row['currency'] === 'EUR'),
    has('dollar', (row) => row['currency'] === 'USD'),
    has('pro forma', (row) => row['kind'] === 'proforma'),
    has('no date', (row) => row['invoice_date'] === null),
    has('a private person', (row) => row['client_id'] !== null && row['client_company_name'] === null),
    has('markings as text', (row) => JSON.stringify(row['document_markings_ids']) === '["6","8"]'),
    has('markings as numbers', (row) => JSON.stringify(row['document_markings_ids']) === '[6,8]'),
  ];
  expect(wanted.filter(({ found }) => !found)).toEqual([]);
  expect(rows.filter((row) => row['invoice_date'] === null).length).toBeLessThan(10);
});

describe('corrections', () => {
  const many = {
    entities: [{ key: 'key-a', name: 'Alfa', nip: '5252344078', clients: 9, invoices: 90, corrections: 60 }],
  };

  test('their lines stand in pairs, and their amounts are the difference', async () => {
    const rows = await rowsOf('corrective_invoices', many);
    expect(rows).toHaveLength(60);
    for (const row of rows) {
      const lines = linesOf(row);
      expect(lines.length).toBeGreaterThan(0);
      for (let index = 0; index < lines.length; index += 2) {
        const [before, after] = lines.slice(index, index + 2);
        expect([before?.['correction'], after?.['correction']]).toEqual([false, true]);
        expect(after?.['group']).toBe(before?.['group']);
        expect(after?.['id']).not.toBe(before?.['id']);
      }
      for (const field of ['net_price', 'tax_price', 'gross_price']) {
        const difference = lines.reduce(
          (sum, line) => sum + Number(line[field]) * (line['correction'] === true ? 1 : -1),
          0,
        );
        expect(row[field]).toBe(difference);
      }
    }
  });

  test('they name the invoice that they correct, come after it, and tell no time of creation', async () => {
    await withSimulator(many, async (simulator) => {
      const invoices = await everything(simulator, 'invoices.json');
      const rows = await everything(simulator, 'corrective_invoices.json');
      expect(rows.filter((row) => row['kind'] !== 'correction' || 'created_at' in row)).toEqual([]);
      const found = rows.filter((row) => {
        const invoice = invoices.find(({ uuid }) => uuid === row['corrected_invoice_uuid']);
        return (
          invoice !== undefined &&
          invoice['id'] === row['parent_id'] &&
          invoice['number'] === row['corrected_invoice_number'] &&
          String(row['invoice_date']) > String(invoice['invoice_date'])
        );
      });
      expect(found.length).toBeGreaterThan(45);
    });
  });

  test('the unusual ones are among them', async () => {
    const rows = await rowsOf('corrective_invoices', many);
    const has = (what: string, test: (row: JsonObject) => boolean) => ({ what, found: rows.some(test) });
    const wanted = [
      has(
        'negative amounts',
        (row) => Number(row['gross_price']) < 0 && String(row['amount_in_words']).startsWith('minus'),
      ),
      has('rising amounts', (row) => Number(row['gross_price']) > 0),
      has('no change of amounts', (row) => row['gross_price'] === 0),
      has('no uuid', (row) => row['uuid'] === null),
      has('a number that is none', (row) => row['corrected_invoice_number'] === '284394'),
      has('a group like a time', (row) => linesOf(row).some((line) => Number(line['group']) > 1e12)),
      has('paid before it was issued', (row) => String(row['paid_date']) < String(row['invoice_date'])),
      has('paid, yet with an amount left', (row) => row['status'] === 'paid' && row['left_to_pay'] !== 0),
      has('confirmed', (row) => row['confirmation'] === true && row['confirmation_date'] !== ''),
      has('the shape of 2025', (row) => !('corrected_invoice_uuid' in row)),
    ];
    expect(wanted.filter(({ found }) => !found)).toEqual([]);
  });

  test('they can be had without any invoice', async () => {
    const entities = [{ key: 'key-a', name: 'Alfa', nip: '5252344078', clients: 0, invoices: 0, corrections: 2 }];
    expect(await rowsOf('corrective_invoices', { entities })).toHaveLength(2);
  });
});

test('the unusual clients are among them', async () => {
  const rows = await rowsOf('clients');
  const has = (what: string, test: (row: JsonObject) => boolean) => ({ what, found: rows.some(test) });
  const wanted = [
    has('leading zero', (row) => String(row['nip']).startsWith('0')),
    has('PL prefix', (row) => String(row['nip']).startsWith('PL')),
    has('dashes', (row) => /^\d{3}-\d{3}-\d{2}-\d{2}$/.test(String(row['nip']))),
    has('private person', (row) => row['company_name'] === null && row['last_name'] !== null),
    has('foreign', (row) => row['country'] !== 'PL'),
    has('days to payment as a number', (row) => typeof row['days_to_payment'] === 'number'),
    has('days to payment as an empty text', (row) => row['days_to_payment'] === ''),
    has('null note', (row) => row['note'] === null),
    has('two mail addresses', (row) => String(row['email']).includes(',')),
    has('unknown field', (row) => 'preferred_language' in row),
  ];
  expect(wanted.filter(({ found }) => !found)).toEqual([]);
});

test.each([
  [0, 'PLN', 'zero PLN 00/100'],
  [12_300, 'PLN', 'sto dwadzieścia trzy PLN 00/100'],
  [101_205, 'EUR', 'tysiąc dwanaście EUR 05/100'],
  [1_200_000_00, 'PLN', 'milion dwieście tysięcy PLN 00/100'],
  [2_022_000_000_00, 'PLN', 'dwa miliardy dwadzieścia dwa miliony PLN 00/100'],
])('the amount %d in %s reads "%s"', (minor, currency, words) => {
  expect(amountInWords(minor, currency)).toBe(words);
});
