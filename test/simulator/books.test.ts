import type { BooksOptions } from '../../simulator/books';
import type { JsonObject } from '../../simulator/rows';
import { ask, everything, objectOf, withSimulator } from './ask';

const companies = [
  { key: 'key-a', name: 'Alfa Sp. z o.o.', nip: '5252344078', clients: 40, invoices: 600, corrections: 60 },
  { key: 'key-b', name: 'Żubr S.A.', nip: '7010001454', clients: 20, invoices: 300, corrections: 20 },
];

interface Books {
  readonly clients: readonly JsonObject[];
  readonly invoices: readonly JsonObject[];
  readonly corrections: readonly JsonObject[];
}

async function booksOf(books: BooksOptions, key = 'key-a'): Promise<Books> {
  const read: { books?: Books } = {};
  const entities = companies.map((company) => ({ ...company, books }));
  await withSimulator({ entities }, async (simulator) => {
    read.books = {
      clients: await everything(simulator, 'clients.json', key),
      invoices: await everything(simulator, 'invoices.json', key),
      corrections: await everything(simulator, 'corrective_invoices.json', key),
    };
  });
  return read.books ?? { clients: [], invoices: [], corrections: [] };
}

const amount = (row: JsonObject, name: string): number => Number(row[name]);
const linesOf = (row: JsonObject) => (Array.isArray(row['services']) ? row['services'].map(objectOf) : []);
const issued = (rows: readonly JsonObject[]) =>
  rows.filter(({ kind, status }) => kind !== 'proforma' && ['sent', 'printed', 'paid'].includes(String(status)));
const paid = (rows: readonly JsonObject[]) => issued(rows).filter(({ status }) => status === 'paid');
const numberOf = (rows: readonly JsonObject[], test: (row: JsonObject) => boolean): number => rows.filter(test).length;

test('the same seed makes the same books', async () => {
  expect(await booksOf({ odd: true })).toEqual(await booksOf({ odd: true }));
});

test('a month of a small firm comes to thousands, and every total is the sum of its lines', async () => {
  const { invoices, corrections } = await booksOf({});
  const months = new Map<string, number>();
  for (const row of issued(invoices)) {
    const month = String(row['invoice_date']).slice(0, 7);
    months.set(month, (months.get(month) ?? 0) + amount(row, 'net_price') / 100);
  }
  expect(months.size).toBe(37);
  for (const [month, net] of months) if (month > '2023-04' && month < '2026-03') expect(net).toBeGreaterThan(1_000);
  for (const net of months.values()) expect(net).toBeLessThan(100_000);
  for (const row of [...invoices, ...corrections]) {
    for (const field of ['net_price', 'tax_price', 'gross_price']) {
      const sum = linesOf(row).reduce((total, line) => {
        return total + (line['correction'] === false ? -1 : 1) * amount(line, field);
      }, 0);
      expect(row[field]).toBe(sum);
    }
    expect(amount(row, 'net_price') + amount(row, 'tax_price')).toBe(row['gross_price']);
  }
});

test('clients pay in full, in part and too much; what is left is zeroed, or stays as it was', async () => {
  const zeroed = await booksOf({});
  expect(paid(zeroed.invoices).length).toBeGreaterThan(400);
  expect(paid(zeroed.invoices).every((row) => row['left_to_pay'] === 0 && row['paid_date'] !== null)).toBe(true);
  const inPart = (row: JsonObject) => row['status'] !== 'paid' && amount(row, 'paid_price') > 0;
  const inPartLeft = issued(zeroed.invoices).filter(inPart);
  expect(inPartLeft.length).toBeGreaterThan(0);
  for (const row of inPartLeft) {
    expect(amount(row, 'paid_price') + amount(row, 'left_to_pay')).toBe(row['gross_price']);
  }
  expect(
    numberOf(paid(zeroed.invoices), (row) => amount(row, 'paid_price') > amount(row, 'gross_price')),
  ).toBeGreaterThan(0);

  const untouched = await booksOf({ leftToPay: 'untouched' });
  expect(issued(untouched.invoices).every((row) => row['left_to_pay'] === row['gross_price'])).toBe(true);
  expect(numberOf(issued(untouched.invoices), inPart)).toBeGreaterThan(0);
});

test('VAT counts by the sale or the issue, or under the cash method by the payment', async () => {
  const kinds = async (books: BooksOptions) =>
    new Set((await booksOf(books)).invoices.map(({ vat_date_value: by }) => by));
  expect(await kinds({})).toEqual(new Set(['sale_date', 'issue_date']));
  expect(await kinds({ cashMethod: true })).toEqual(new Set(['paid_date']));
  const { invoices } = await booksOf({});
  const month = (row: JsonObject, name: string) => String(row[name]).slice(0, 7);
  expect(numberOf(invoices, (row) => month(row, 'sale_date') < month(row, 'invoice_date'))).toBeGreaterThan(0);
  expect(numberOf(invoices, (row) => month(row, 'sale_date') > month(row, 'invoice_date'))).toBeGreaterThan(0);
  expect(numberOf(invoices, (row) => row['not_income'] === true)).toBeGreaterThan(0);
  expect(new Set(invoices.map(({ currency }) => currency))).toEqual(new Set(['PLN', 'EUR', 'USD']));
});

test('there are corrections of every kind, of documents that can have them', async () => {
  const { invoices, corrections } = await booksOf({});
  const byUuid = new Map([...invoices, ...corrections].map((row) => [row['uuid'], row]));
  const has = (what: string, test: (row: JsonObject, of: JsonObject, gross: number) => boolean) => ({
    what,
    found: corrections.some((row) => {
      const of = byUuid.get(row['corrected_invoice_uuid']);
      return of !== undefined && test(row, of, amount(row, 'gross_price'));
    }),
  });
  const wanted = [
    has(
      'lowered, unpaid',
      (_, of, gross) => gross < 0 && of['status'] !== 'paid' && -gross < amount(of, 'gross_price'),
    ),
    has('to zero, unpaid', (_, of, gross) => of['status'] !== 'paid' && -gross === amount(of, 'gross_price')),
    has('to zero, paid', (_, of, gross) => of['status'] === 'paid' && -gross === amount(of, 'gross_price')),
    has('raised by mistake', (row, of, gross) => {
      return gross > 0 && of['kind'] === 'vat' && row['correction_reason_symbol'] === 'price_or_tax_mistake';
    }),
    has('raised for a new cause', (row, _, gross) => gross > 0 && row['correction_reason'] === 'Podwyższenie ceny'),
    has('paid less the correction', (row, of, gross) => {
      const rest = amount(of, 'gross_price') + gross;
      return of['paid_price'] === rest && String(of['paid_date']) > String(row['invoice_date']);
    }),
    has('the day of the sale', (row, of, gross) => {
      return (
        gross === 0 && row['sale_date_before_correction'] === of['sale_date'] && row['sale_date'] !== of['sale_date']
      );
    }),
    has('words alone', (row, of, gross) => gross === 0 && row['sale_date'] === of['sale_date']),
    has('of a correction', (_, of) => of['kind'] === 'correction'),
    has('paid back', (row, _, gross) => gross < 0 && row['paid_price'] === gross),
  ];
  expect(wanted.filter(({ found }) => !found)).toEqual([]);
  for (const row of corrections) {
    expect(String(row['invoice_date']) >= String(row['corrected_invoice_date'])).toBe(true);
    expect(byUuid.has(row['corrected_invoice_uuid'])).toBe(true);
  }
});

test('companies have clients in common, each with its own spelling of the tax number, and one sells to the other', async () => {
  const digits = ({ nip }: JsonObject) => String(nip).replaceAll(/\D/g, '');
  const [alfa, beta] = [await booksOf({}), await booksOf({}, 'key-b')];
  const ofBeta = new Map(beta.clients.map((client) => [digits(client), client]));
  const common = alfa.clients.filter((client) => digits(client).length === 10 && ofBeta.has(digits(client)));
  expect(common.length).toBeGreaterThan(3);
  for (const client of common) expect(client['nip']).not.toBe(ofBeta.get(digits(client))?.['nip']);
  const isBeta = (nip: unknown) => String(nip).replaceAll(/\D/g, '') === '7010001454';
  expect(numberOf(issued(alfa.invoices), ({ client_tax_code: nip }) => isBeta(nip))).toBeGreaterThan(0);
});

test('documents that a person has to look at are there only where they are wanted', async () => {
  const odd = (row: JsonObject) =>
    !['draft', 'sent', 'printed', 'paid'].includes(String(row['status'])) ||
    (row['status'] === 'draft' && row['number'] !== null) ||
    (row['status'] === 'paid' && row['paid_date'] === null) ||
    row['client_tax_code'] === '1234567890' ||
    !['vat', 'proforma'].includes(String(row['kind']));
  expect(numberOf((await booksOf({})).invoices, odd)).toBe(0);
  expect(numberOf((await booksOf({ odd: true })).invoices, odd)).toBeGreaterThan(20);
});

test('paying a document of the books zeroes what is left of it, or leaves it', async () => {
  for (const leftToPay of ['zeroed', 'untouched'] as const) {
    const entities = companies.map((company) => ({ ...company, books: { leftToPay } }));
    await withSimulator({ entities }, ({ admin }) => {
      const id = Number(admin.add('key-a', 'invoices')['id']);
      const { gross_price: gross } = objectOf(admin.row('key-a', 'invoices', id));
      const expected =
        leftToPay === 'zeroed' ? { paid_price: gross, left_to_pay: 0 } : { paid_price: 0, left_to_pay: gross };
      expect(admin.pay('key-a', id)).toMatchObject({ status: 'paid', paid_date: '2026-03-31', ...expected });
      return Promise.resolve();
    });
  }
});

test('KSeF cleared most documents of the books, refused some and never answers for some; a draft was not sent', async () => {
  const entities = companies.slice(0, 1).map((company) => ({ ...company, books: { odd: true } }));
  await withSimulator({ entities }, async (simulator) => {
    const statuses = new Map<string, number>();
    for (const { uuid, status } of await everything(simulator, 'invoices.json', 'key-a')) {
      const { ksef_data: data } = objectOf(JSON.parse((await ask(simulator, `invoices/${String(uuid)}.json`)).text));
      const state = data === null ? 'nothing' : String(objectOf(data)['status']);
      if (status === 'draft') expect(state).toBe('nothing');
      statuses.set(state, (statuses.get(state) ?? 0) + 1);
    }
    expect([...statuses.keys()].toSorted()).toEqual(['error', 'nothing', 'pending', 'success']);
    expect(statuses.get('success')).toBeGreaterThan(400);
  });
});
