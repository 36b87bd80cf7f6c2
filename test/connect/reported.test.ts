import { makeViews } from '../../tools/example/reports';
import { startPostgres, type LocalPostgres, type SqlRow } from '../../tools/postgres';

// What users of other reports over invoices have reported as wrong there, with invented documents: each is a company of its own.

let postgres: LocalPostgres;

/** Documents with amounts in złoty; a line of each, unless it is a correction. */
async function put(table: 'invoices' | 'corrective_invoices', rows: readonly Readonly<Record<string, Cell>>[]) {
  for (const row of rows) {
    const document = {
      observed_at: '2025-11-01',
      currency: 'PLN',
      kind: table === 'invoices' ? 'vat' : 'correction',
      status: 'sent',
      paid_price: 0,
      uuid: `${String(row['entity'])} ${String(row['id'])}`,
      number: String(row['id']),
      sale_date: row['invoice_date'],
      ...row,
    };
    const amounts = Object.entries(document).map(([name, value]) =>
      /_price$|left_to_pay/.test(name) && typeof value === 'number' ? [name, Math.round(value * 100)] : [name, value],
    );
    await insert(table, Object.fromEntries(amounts) as Readonly<Record<string, Cell>>);
  }
}

type Cell = string | number | boolean | null;

async function insert(table: string, row: Readonly<Record<string, Cell>>): Promise<void> {
  const values = Object.values(row).map((value) => (value === null ? 'null' : `'${value}'`));
  await postgres.execute(`insert into ${table} (${Object.keys(row).join(', ')}) values (${values.join(', ')})`);
}

const ask = (sql: string): Promise<readonly SqlRow[]> => postgres.select(sql);

/** An amount of 1 230.00 with its net and tax. */
const whole = { net_price: 1000, tax_price: 230, gross_price: 1230 };
const fifth = { net_price: -200, tax_price: -46, gross_price: -246 };

beforeAll(async () => {
  postgres = await startPostgres();
  await makeViews(postgres);
});

afterAll(async () => {
  await postgres.stop();
});

test('an invoice that is paid in part ages with what is left of it: OCA/account-financial-reporting 138', async () => {
  const dates = { invoice_date: '2025-10-01', payment_date: '2025-10-15' };
  await put('invoices', [{ entity: 'part', id: 1, ...whole, ...dates, paid_price: 648.96, left_to_pay: 581.04 }]);
  expect(
    await ask(`select open_amount, days_overdue from receivables_as_of('2025-11-30') where entity = 'part'`),
  ).toEqual([{ open_amount: 581.04, days_overdue: 46 }]);
});

test('an invoice whose first part was paid at its issue owes the rest: frappe/erpnext 38130', async () => {
  const dates = { invoice_date: '2025-11-03', payment_date: '2025-11-03', payment_method: 'cash' };
  await put('invoices', [{ entity: 'till', id: 1, ...whole, ...dates, paid_price: 100 }]);
  expect(
    await ask(`select open_amount, days_overdue from receivables_as_of('2025-11-30') where entity = 'till'`),
  ).toEqual([{ open_amount: 1130, days_overdue: 27 }]);
});

test('a correction in minus is subtracted once, from its invoice: OCA/account-financial-reporting 289, fivetran/dbt_quickbooks 91', async () => {
  const dates = { invoice_date: '2025-10-01', payment_date: '2025-10-15' };
  const later = { invoice_date: '2025-10-20', corrected_invoice_uuid: 'minus 1', correction_reason: 'Obniżka ceny' };
  await put('invoices', [{ entity: 'minus', id: 1, ...whole, ...dates, left_to_pay: 1230 }]);
  await put('corrective_invoices', [{ entity: 'minus', id: 101, ...fifth, ...later, left_to_pay: -246 }]);
  expect(await ask(`select open_amount from receivables_as_of('2025-11-30') where entity = 'minus'`)).toEqual([
    { open_amount: 984 },
  ]);
  expect(await ask(`select sum(net) as net, sum(gross) as gross from sales_documents where entity = 'minus'`)).toEqual([
    { net: 800, gross: 984 },
  ]);
});

test('an invoice with several corrections and a part payment counts once: OCA/account-financial-reporting 829', async () => {
  const dates = { invoice_date: '2025-10-01', payment_date: '2025-10-15' };
  const later = { invoice_date: '2025-10-20', corrected_invoice_uuid: 'many 1', correction_reason: 'Obniżka ceny' };
  await put('invoices', [{ entity: 'many', id: 1, ...whole, ...dates, paid_price: 200, left_to_pay: 1030 }]);
  await put('corrective_invoices', [
    { entity: 'many', id: 101, ...fifth, ...later, left_to_pay: -246 },
    { entity: 'many', id: 102, ...fifth, ...later, left_to_pay: -246 },
    { entity: 'many', id: 103, ...fifth, ...later, left_to_pay: -246, corrected_invoice_uuid: 'many 102' },
  ]);
  // 1230 less 200 paid less three times 246.
  expect(await ask(`select id, open_amount from receivables_as_of('2025-11-30') where entity = 'many'`)).toEqual([
    { id: 1, open_amount: 292 },
  ]);
  expect(await ask(`select count(*) as rows, sum(net) as net from sales_documents where entity = 'many'`)).toEqual([
    { rows: 4, net: 400 },
  ]);
});

test('ages add up to what is owed, also for a term of today, of later and of no day: frappe/erpnext 49262', async () => {
  const terms = ['2025-11-28', '2025-11-27', '2025-12-31', '2025-10-29', '2025-08-29', null];
  await put(
    'invoices',
    terms.map((payment_date, index) => ({
      entity: 'ages',
      id: index + 1,
      ...whole,
      invoice_date: '2025-08-01',
      payment_date,
    })),
  );
  const ages = await ask(
    `select case when days_overdue is null then 'no term' when days_overdue <= 0 then 'not due'
       when days_overdue <= 30 then '1-30' when days_overdue <= 60 then '31-60' when days_overdue <= 90 then '61-90'
       else 'over 90' end as age, sum(open_amount) as owed
     from receivables_as_of('2025-11-28') where entity = 'ages' group by 1 order by 1`,
  );
  expect(ages).toEqual([
    { age: '1-30', owed: 2460 },
    { age: 'no term', owed: 1230 },
    { age: 'not due', owed: 2460 },
    { age: 'over 90', owed: 1230 },
  ]);
});

test('VAT of an invoice in euro is in zloty, by zloty for a euro, to the grosz: lkosson/profak 135, odoo/odoo 256906', async () => {
  await insert('exchange_rates', {
    day: '2025-10-07',
    currency: 'EUR',
    rate: '4.2567',
    table_number: '194/A/NBP/2025',
  });
  const document = { entity: 'euro', id: 1, currency: 'EUR', invoice_date: '2025-10-08', left_to_pay: 1230 };
  await put('invoices', [{ ...document, ...whole }]);
  await insert('invoice_lines', {
    ...{ entity: 'euro', invoice_id: 1, line_no: 1, observed_at: '2025-11-01', tax_symbol: '23' },
    ...{ quantity: '1', net_price: 100_000, tax_price: 23_000, gross_price: 123_000 },
  });
  expect(await ask(`select net_pln, tax_pln, gross_pln from sales_documents_pln where entity = 'euro'`)).toEqual([
    { net_pln: 4256.7, tax_pln: 979.04, gross_pln: 5235.74 },
  ]);
  expect(await ask(`select tax_symbol, tax_pln from vat_pln_by_month where entity = 'euro'`)).toEqual([
    { tax_symbol: '23', tax_pln: 979.04 },
  ]);
});

test('sales at 0 % in Poland, to the EU and elsewhere stand apart, none of them twice: CIRFMF/ksef-pdf-generator 19', async () => {
  const sales = [
    ['PL', 53_000],
    ['DE', 4_700],
    ['US', 5_900],
  ] as const;
  for (const [index, [country, net]] of sales.entries()) {
    const amounts = { net_price: net / 100, tax_price: 0, gross_price: net / 100, left_to_pay: net / 100 };
    await put('invoices', [
      { entity: 'zero', id: index, invoice_date: '2025-12-12', client_country: country, ...amounts },
    ]);
    await insert('invoice_lines', {
      ...{ entity: 'zero', invoice_id: index, line_no: 1, observed_at: '2025-11-01', tax_symbol: '0' },
      ...{ quantity: '1', net_price: net, tax_price: 0, gross_price: net },
    });
  }
  expect(await ask(`select buyer, net, tax from vat_by_month where entity = 'zero' order by 1`)).toEqual([
    { buyer: 'EU', net: 47, tax: 0 },
    { buyer: 'PL', net: 530, tax: 0 },
    { buyer: 'elsewhere', net: 59, tax: 0 },
  ]);
});

test('a price that was lowered takes off its difference and no quantity: odoo/odoo 263604', async () => {
  const later = { invoice_date: '2025-10-20', corrected_invoice_uuid: 'price 1', correction_reason: 'Obniżka ceny' };
  await put('invoices', [{ entity: 'price', id: 1, ...whole, invoice_date: '2025-10-01', left_to_pay: 1230 }]);
  await put('corrective_invoices', [{ entity: 'price', id: 101, ...fifth, ...later, left_to_pay: -246 }]);
  const line = { entity: 'price', invoice_id: 101, observed_at: '2025-11-01', tax_symbol: '23', quantity: '1' };
  const before = { net_price: 100_000, tax_price: 23_000, gross_price: 123_000 };
  const after = { net_price: 80_000, tax_price: 18_400, gross_price: 98_400 };
  await insert('corrective_invoice_lines', { ...line, ...before, line_no: 1, correction: false });
  await insert('corrective_invoice_lines', { ...line, ...after, line_no: 2, correction: true });
  expect(
    await ask(
      `select sum(quantity) as quantity, sum(net) as net, sum(tax) as tax
       from sales_lines where entity = 'price' and document = 'correction'`,
    ),
  ).toEqual([{ quantity: 0, net: -200, tax: -46 }]);
});

test('a correction by difference, of a line after alone, takes off what it says: CIRFMF/ksef-api 812', async () => {
  const later = {
    invoice_date: '2025-10-20',
    corrected_invoice_uuid: 'difference 1',
    correction_reason: 'Obniżka ceny',
  };
  await put('invoices', [{ entity: 'difference', id: 1, ...whole, invoice_date: '2025-10-01', left_to_pay: 1230 }]);
  await put('corrective_invoices', [{ entity: 'difference', id: 101, ...fifth, ...later, left_to_pay: -246 }]);
  await insert('corrective_invoice_lines', {
    ...{
      entity: 'difference',
      invoice_id: 101,
      line_no: 1,
      observed_at: '2025-11-01',
      tax_symbol: '23',
      quantity: '1',
    },
    ...{ net_price: -20_000, tax_price: -4_600, gross_price: -24_600, correction: true },
  });
  expect(await ask(`select net, tax from sales_lines where entity = 'difference'`)).toEqual([{ net: -200, tax: -46 }]);
  expect(await ask(`select what from to_check where entity = 'difference' and document = 'correction'`)).toEqual([]);
});
