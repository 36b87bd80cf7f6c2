import { Partitioners } from 'kafkajs';

import { loadSchema } from '../../src/sinks/avro';
import { compareKsef } from '../../tools/example/ksef';
import { makeViews } from '../../tools/example/reports';
import { connectorConfig, type Stack } from '../../tools/example/stack';
import type { Database, SqlRow } from '../../tools/postgres';
import { createTopic, kafkaClient, until } from '../support/kafka';
import { registeredEncoder } from './registered';

/** The name of the database, and how that of the topic and of the connector begins. */
const PREFIX = 'cleared';
const withinMs = 60_000;
/** Of PostgreSQL's 100 connections the other connectors hold half. */
const FEW_CONNECTIONS = {
  'connection.pool.min_size': '1',
  'connection.pool.max_size': '2',
  'connection.pool.acquire_increment': '1',
};

type Cell = string | number | boolean | null;
type Cells = Readonly<Record<string, Cell>>;
interface Key {
  readonly entity: string;
  readonly stream: 'invoices' | 'corrective-invoices' | 'advance-invoices' | 'final-invoices' | 'margin-invoices';
  readonly id: number;
}
type KsefRecord = Key & Cells;

const CLEARED = { status: 'success', status_description: 'Faktura została przetworzona.' };
const REJECTED = 'Błąd weryfikacji semantyki dokumentu faktury';
/** 35 and 36 characters; the others are as no number is known to be, and are kept as they are. */
const NUMBERS = {
  short: '5252344078-20260901-0A1B2C3D4E5F-6A',
  long: '5252344078-20260901-0A1B2C-3D4E5F-6B',
  other: ' 1111111111-20260901-0a1b2c3d4e5f-6C\t',
};
const at = (time: string): number => Date.parse(time);
const told = (entity: string, id: number, more: Cells = {}, stream: Key['stream'] = 'invoices'): KsefRecord => ({
  observed_at: at('2026-09-02T06:00:00Z'),
  ...{ entity, stream, id, ...more },
});
const sent = { request_uuid: 'request', requested_at: at('2026-09-01T08:00:00Z') };
const numberAt = (time: string): Cells => ({ ...sent, ...CLEARED, ksef_number: time, finished_at: at(time) });

/** What the topic has, by what the test is about; of `silent` it has nothing. */
const records: readonly KsefRecord[] = [
  told('states', 1, { ...sent, ...CLEARED, ksef_number: NUMBERS.short, finished_at: at('2026-09-01T08:02:00Z') }),
  told('states', 2, { ...sent, ...CLEARED, ksef_number: NUMBERS.long, finished_at: at('2026-09-01T08:02:00Z') }),
  told('states', 3, { ...sent, status: 'pending' }),
  told('states', 4, { ...sent, status: 'error', status_description: REJECTED }),
  told('states', 5, { ...sent, status: 'w_kolejce', status_description: 'Nowy status' }),
  told('states', 6),
  told('states', 7),
  told('states', 9, { ...sent, ...CLEARED }),
  told('states', 10),
  told('states', 11),
  told('states', 12, { ...sent, status: 'rejected', number: '12/09/2026' }),
  told('states', 13, { extra: '{"ksef_data":[]}' }),
  told('states', 1, { ...sent, status: 'rejected', status_description: null }, 'corrective-invoices'),
  told('states', 1, { ...sent, ...CLEARED, ksef_number: 'of the advance' }, 'advance-invoices'),
  told('states', 1, { ...sent, status: 'error', status_description: REJECTED }, 'final-invoices'),
  told('states', 1, {}, 'margin-invoices'),
  told('other', 1, { ...sent, ...CLEARED, ksef_number: NUMBERS.other, finished_at: at('2026-09-01T08:02:00Z') }),
  told('other', 2),
  told('other', 3),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((id) => told('late', id, { ...sent, status: 'sent' })),
  told('late', 13, numberAt('2026-12-30T10:00:00Z')),
  told('late', 14),
  told('jpk', 1, numberAt('2026-04-27T21:59:59Z')),
  told('jpk', 2, numberAt('2026-04-27T22:00:01Z')),
  told('jpk', 3, numberAt('2026-10-20T09:59:00Z')),
  told('jpk', 4, numberAt('2026-10-20T10:01:00Z')),
  told('jpk', 5, numberAt('2026-12-28T22:59:00Z')),
  told('jpk', 6, numberAt('2026-12-28T23:01:00Z')),
  told('jpk', 7, { ...sent, ...CLEARED, ksef_number: 'no time', observed_at: at('2026-10-26T23:30:00Z') }),
  told('jpk', 8, numberAt('2026-03-02T10:00:00Z')),
  told('jpk', 4, numberAt('2026-10-21T10:01:00Z'), 'corrective-invoices'),
];

const invoice = (entity: string, id: number, day: string, more: Cells = {}): Cells => ({
  ...{ entity, id, number: `${id}`, invoice_date: day, sale_date: day, kind: 'vat', status: 'sent', currency: 'PLN' },
  ...{ observed_at: '2026-09-02', uuid: `${entity}-${id}`, net_price: 10_000, tax_price: 2_300, gross_price: 12_300 },
  ...{ client_company_name: 'Klient S.A.', client_tax_code: '5252248481', left_to_pay: 12_300 },
  ...{ client_business_activity_kind: 'other_business', ...more },
});
const consumer = { client_business_activity_kind: 'private_person', client_company_name: null };

const invoices: readonly Cells[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 13].map((id) => invoice('states', id, '2026-09-01')),
  // Overpaid.
  invoice('states', 2, '2026-09-01', { paid_price: 13_300, left_to_pay: -1_000 }),
  invoice('states', 6, '2026-09-01', { ...consumer, client_tax_code: '' }),
  invoice('states', 10, '2026-09-01', consumer),
  // The list shows a number, and the topic was read before there was one.
  invoice('states', 11, '2026-09-01', { ksef_number: 'of the list' }),
  invoice('states', 12, '2026-09-01', { status: 'draft' }),
  // Before KSeF was obligatory.
  invoice('states', 14, '2026-01-31'),
  invoice('other', 1, '2026-09-01'),
  invoice('other', 2, '2026-09-30'),
  invoice('other', 3, '2026-10-01'),
  invoice('silent', 1, '2026-09-01'),
  // Maundy Thursday; Good Friday is no holiday.
  invoice('late', 1, '2026-04-02'),
  // Good Friday, before Easter.
  invoice('late', 2, '2026-04-03'),
  // Thursday before the first of May.
  invoice('late', 3, '2026-04-30'),
  // Wednesday before Corpus Christi.
  invoice('late', 4, '2026-06-03'),
  // Tuesday before the eleventh of November.
  invoice('late', 5, '2026-11-10'),
  // Wednesday before Christmas Eve and the weekend after Christmas.
  invoice('late', 6, '2026-12-23'),
  // KSeF failed on 12 and 13 August: before it, on the day before, on its first and last day, after it.
  invoice('late', 7, '2026-08-10'),
  invoice('late', 8, '2026-08-11'),
  invoice('late', 9, '2026-08-12'),
  invoice('late', 10, '2026-08-13'),
  // Friday before a holiday on a Saturday.
  invoice('late', 11, '2026-08-14'),
  // A failure that goes on.
  invoice('late', 12, '2026-12-29'),
  invoice('late', 13, '2026-04-02'),
  invoice('late', 14, '2026-04-02', { ...consumer, client_tax_code: null }),
  // 25 April 2026 is a Saturday.
  invoice('jpk', 1, '2026-03-31'),
  invoice('jpk', 2, '2026-03-31'),
  invoice('jpk', 3, '2026-09-01'),
  invoice('jpk', 4, '2026-09-01'),
  // 25 December 2026 is a Friday.
  invoice('jpk', 5, '2026-11-30'),
  invoice('jpk', 6, '2026-11-30'),
  // 25 October 2026 is a Sunday.
  invoice('jpk', 7, '2026-09-30', { sale_date: '2026-09-01' }),
  // Its month had no numbers of KSeF.
  invoice('jpk', 8, '2026-02-02', { sale_date: '2026-01-31' }),
];
const corrections: readonly Cells[] = [
  ['states', 1],
  ['jpk', 4],
].map(([entity, id]) => ({
  ...invoice(String(entity), Number(id), '2026-09-01', { kind: 'correction', corrected_invoice_number: 'another' }),
  ...{ net_price: -1_000, tax_price: -230, gross_price: -1_230, left_to_pay: -1_230, uuid: `${entity}-K${id}` },
}));

const other = (kind: string, more: Cells): Cells => ({
  ...{ entity: 'states', id: 1, number: '1', uuid: `states-${kind}`, kind, status: 'sent', currency: 'PLN' },
  ...{ observed_at: '2026-09-02', invoice_date: '2026-09-01', gross_price: 12_300, client_tax_code: '5252248481' },
  ...{ client_company_name: 'Klient S.A.', client_business_activity_kind: 'other_business', ...more },
});
/** One of each other sales document, with the id of an invoice. */
const others: Readonly<Record<string, Cells>> = {
  advance_invoices: other('advance', {
    ...{ net_price: 10_000, tax_price: 2_300, advance_price: 12_300, advance_date: '2026-09-01' },
  }),
  final_invoices: other('final', {
    ...{ net_price: 10_000, tax_price: 2_300, sale_date: '2026-09-01', previous_advances: '[]' },
  }),
  margin_invoices: other('margin', { ...consumer, client_tax_code: null, sale_date: '2026-09-01' }),
};

/**
 * What KSeF says, through a topic and the connector of `deploy/connect`, beside documents that are in their tables; what the views say of them
 * was worked out by hand.
 */
export function testKsef(stackOf: () => Stack): void {
  describe('KSeF, through its topic and Kafka Connect', () => {
    let database: Database;
    let topic: string;
    const ask = (sql: string): Promise<readonly SqlRow[]> => database.select(sql);

    beforeAll(async () => {
      const { broker, postgres, connect } = stackOf();
      database = await postgres.createDatabase(PREFIX);
      await makeViews(database);
      await insert(database, 'invoices', invoices);
      await insert(database, 'corrective_invoices', corrections);
      for (const [table, row] of Object.entries(others)) await insert(database, table, [row]);
      await insert(database, 'ksef_duty', [{ entity: 'other', since: '2026-10-01' }]);
      await insert(database, 'ksef_failures', [
        { first_day: '2026-08-12', last_day: '2026-08-13' },
        { first_day: '2026-12-29', last_day: null },
      ]);
      await insert(database, 'jpk_filings', [{ entity: 'jpk', month: '2026-09-01', filed_at: '2026-10-20 12:00+02' }]);
      const client = kafkaClient({ brokers: [broker.bootstrap] });
      topic = await createTopic(PREFIX, { partitions: 3, client });
      await publish(stackOf(), topic, records);
      const own = { name: topic, topics: topic, 'connection.url': database.jdbcUrl, ...FEW_CONNECTIONS };
      await connect.put(topic, { ...(await connectorConfig('ksef')), ...own });
      await rowsAre(stackOf(), topic, database, records.length);
    });

    afterAll(async () => {
      await fetch(`${stackOf().connect.url}/connectors/${topic}`, { method: 'DELETE' });
    });

    test('a number is in its row byte for byte, whatever its length, and equal ids of companies and of kinds are rows of their own', async () => {
      expect(
        await ask(
          `select entity, stream, ksef_number as number, octet_length(ksef_number) as bytes from ksef where id = 1
           and entity in ('states', 'other') order by 1, 2`,
        ),
      ).toEqual([
        { entity: 'other', stream: 'invoices', number: NUMBERS.other, bytes: 37 },
        { entity: 'states', stream: 'advance-invoices', number: 'of the advance', bytes: 14 },
        { entity: 'states', stream: 'corrective-invoices', number: null, bytes: null },
        { entity: 'states', stream: 'final-invoices', number: null, bytes: null },
        { entity: 'states', stream: 'invoices', number: NUMBERS.short, bytes: 35 },
        { entity: 'states', stream: 'margin-invoices', number: null, bytes: null },
      ]);
      expect(
        await ask(
          `select entity, document, id, ksef_number as number, ksef_status as status from sales_documents
           where id in (1, 2, 11) and entity in ('states', 'other', 'silent') order by 1, 2, 3`,
        ),
      ).toEqual([
        { entity: 'other', document: 'invoice', id: 1, number: NUMBERS.other, status: 'success' },
        { entity: 'other', document: 'invoice', id: 2, number: null, status: null },
        { entity: 'silent', document: 'invoice', id: 1, number: null, status: null },
        { entity: 'states', document: 'advance', id: 1, number: 'of the advance', status: 'success' },
        { entity: 'states', document: 'correction', id: 1, number: null, status: 'rejected' },
        { entity: 'states', document: 'final', id: 1, number: null, status: 'error' },
        { entity: 'states', document: 'invoice', id: 1, number: NUMBERS.short, status: 'success' },
        { entity: 'states', document: 'invoice', id: 2, number: NUMBERS.long, status: 'success' },
        { entity: 'states', document: 'invoice', id: 11, number: 'of the list', status: null },
        { entity: 'states', document: 'margin', id: 1, number: null, status: null },
      ]);
    });

    test('views with a row for each document have its number and its status', async () => {
      const line = { tax_symbol: '23', quantity: '1', net_price: 10_000, tax_price: 2_300, gross_price: 12_300 };
      await insert(database, 'invoice_lines', [
        { entity: 'states', invoice_id: 1, line_no: 1, observed_at: '2026-09-02', ...line },
      ]);
      const views = ['receivables', 'sales_lines', 'sales_documents_pln', 'vat_pln'];
      for (const view of views) {
        const id = view === 'sales_lines' ? 'invoice_id' : 'id';
        const document = `entity = 'states' and document = 'invoice' and ${id} = 1`;
        expect({ view, rows: await ask(`select ksef_number, ksef_status from ${view} where ${document}`) }).toEqual({
          view,
          rows: [{ ksef_number: NUMBERS.short, ksef_status: 'success' }],
        });
      }
      expect(await ask(`select id, ksef_number, ksef_status from credits where entity = 'states'`)).toEqual([
        { id: 2, ksef_number: NUMBERS.long, ksef_status: 'success' },
      ]);
    });

    test('what the JPK is to say is proposed where that is known, and asked where it hangs on the mode', async () => {
      const proposed = await ask(
        `select entity || ' ' || document || ' ' || id as named, proposal, why from ksef_documents
         where entity in ('states', 'other', 'silent') order by entity, document, id`,
      );
      expect(proposed.map(({ named, proposal, why }) => [named, proposal, why])).toEqual([
        ['other invoice 1', 'number', null],
        ['other invoice 2', 'outside KSeF', 'KSeF is obligatory for this company since 2026-10-01'],
        ['other invoice 3', 'ask', 'inFakt sent nothing: it may still be sent, or was issued elsewhere'],
        ['silent invoice 1', 'ask', 'not read yet, or `ksef` is not published for this company'],
        ['states advance 1', 'number', null],
        ['states correction 1', 'ask', 'rejected'],
        ['states final 1', 'ask', `rejected: ${REJECTED}`],
        ['states invoice 1', 'number', null],
        ['states invoice 2', 'number', null],
        ['states invoice 3', 'ask', 'sent, but not answered yet'],
        ['states invoice 4', 'ask', `rejected: ${REJECTED}`],
        ['states invoice 5', 'ask', 'unknown status w_kolejce'],
        ['states invoice 6', 'outside KSeF', 'the buyer is a consumer'],
        ['states invoice 7', 'ask', 'inFakt sent nothing: it may still be sent, or was issued elsewhere'],
        ['states invoice 8', 'ask', 'not read yet, or `ksef` is not published for this company'],
        ['states invoice 9', 'ask', 'cleared, but inFakt shows no number'],
        // A sole trader who buys with a tax number is no consumer.
        ['states invoice 10', 'ask', 'inFakt sent nothing: it may still be sent, or was issued elsewhere'],
        ['states invoice 11', 'number', null],
        ['states invoice 13', 'ask', 'unknown status null'],
        ['states margin 1', 'outside KSeF', 'the buyer is a consumer'],
      ]);
    });

    test('what was rejected stands with its reason, a draft and one without a reason too', async () => {
      const rejected = await ask(
        `select document, id, number, status, ksef_status, why, gross from ksef_rejected order by document, id`,
      );
      expect(rejected.map(Object.values)).toEqual([
        ['correction', 1, '1', 'sent', 'rejected', null, -12.3],
        ['final', 1, '1', 'sent', 'error', REJECTED, 123],
        ['invoice', 4, '4', 'sent', 'error', REJECTED, 123],
        ['invoice', 12, '12', 'draft', 'rejected', null, 123],
      ]);
    });

    test('a document is past its deadline after the next working day, or the seventh after a failure of KSeF', async () => {
      const late = async (day: string): Promise<unknown[]> =>
        (
          await ask(
            `select id, due, days_late, after_failure from ksef_past_deadline_as_of('${day}')
             where entity = 'late' order by id`,
          )
        ).map(Object.values);
      expect(await late('2026-12-31')).toEqual([
        [1, '2026-04-03', 272, false],
        [2, '2026-04-07', 268, false],
        [3, '2026-05-04', 241, false],
        [4, '2026-06-05', 209, false],
        [5, '2026-11-12', 49, false],
        [6, '2026-12-28', 3, false],
        [7, '2026-08-11', 142, false],
        [8, '2026-08-24', 129, true],
        [9, '2026-08-24', 129, true],
        [10, '2026-08-24', 129, true],
        [11, '2026-08-17', 136, false],
      ]);
      expect(await late('2026-04-07')).toEqual([[1, '2026-04-03', 4, false]]);
      expect(await late('2026-04-08')).toContainEqual([2, '2026-04-07', 1, false]);
      // Nothing of a company that does not publish KSeF, of a consumer, or of a document that has its number.
      expect(
        await ask(
          `select entity, id, ksef_status, why from ksef_past_deadline_as_of('2026-09-03')
           where entity <> 'late' and document = 'invoice' order by 1, 2`,
        ),
      ).toEqual([
        { entity: 'states', id: 3, ksef_status: 'pending', why: 'sent, but not answered yet' },
        { entity: 'states', id: 4, ksef_status: 'error', why: `rejected: ${REJECTED}` },
        { entity: 'states', id: 5, ksef_status: 'w_kolejce', why: 'unknown status w_kolejce' },
        ...[7, 9, 10, 13].map((id): unknown => expect.objectContaining({ entity: 'states', id })),
      ]);
    });

    test('the JPK is due on the 25th, or on the working day after a weekend and holidays', async () => {
      const months = ['2026-02', '2026-03', '2026-04', '2026-09', '2026-11', '2026-12'];
      const values = months.map((month) => `(date '${month}-01')`).join(', ');
      const due = await ask(`select jpk_due(month) as due from (values ${values}) months (month)`);
      expect(due.map((row) => row['due'])).toEqual([
        '2026-03-25',
        '2026-04-27',
        '2026-05-25',
        '2026-10-26',
        '2026-12-28',
        '2027-01-25',
      ]);
    });

    test('a number that came after the JPK was filed is told, with the day on which it was due where nobody said when that was', async () => {
      const after = await ask(
        `select document, id, month, due, filed_at at time zone 'UTC' as filed_at, ksef_number
         from ksef_number_after_filing where entity = 'jpk' order by 1, 2`,
      );
      expect(after.map(Object.values)).toEqual([
        ['correction', 4, '2026-09-01', '2026-10-26', '2026-10-20T10:00:00', '2026-10-21T10:01:00Z'],
        ['invoice', 2, '2026-03-01', '2026-04-27', null, '2026-04-27T22:00:01Z'],
        ['invoice', 4, '2026-09-01', '2026-10-26', '2026-10-20T10:00:00', '2026-10-20T10:01:00Z'],
        ['invoice', 6, '2026-11-01', '2026-12-28', null, '2026-12-28T23:01:00Z'],
        ['invoice', 7, '2026-09-01', '2026-10-26', '2026-10-20T10:00:00', 'no time'],
      ]);
    });

    test('the example holds the table against the API: another character is not the same, and a document that is not there is missing', async () => {
      const { status, status_description: description } = CLEARED;
      const api = { entity: 'states', stream: 'invoices', id: 2, number: NUMBERS.long, status, description };
      const other = { ...api, number: `${NUMBERS.long.slice(0, -1)}C` };
      expect(await compareKsef(database, [api, other, { ...api, id: 99 }])).toEqual({ same: 1, missing: 1 });
    });

    test('a tombstone takes its row along, and neither the other kind nor the other company', async () => {
      await publish(stackOf(), topic, [], { entity: 'states', stream: 'invoices', id: 1 });
      await rowsAre(stackOf(), topic, database, records.length - 1);
      expect(
        await ask(`select entity, document, proposal from ksef_documents where id = 1 and entity in ('states', 'other')
          order by 1, 2`),
      ).toEqual([
        { entity: 'other', document: 'invoice', proposal: 'number' },
        { entity: 'states', document: 'advance', proposal: 'number' },
        { entity: 'states', document: 'correction', proposal: 'ask' },
        { entity: 'states', document: 'final', proposal: 'ask' },
        { entity: 'states', document: 'invoice', proposal: 'ask' },
        { entity: 'states', document: 'margin', proposal: 'outside KSeF' },
      ]);
    });
  });
}

async function insert(database: Database, table: string, rows: readonly Cells[]): Promise<void> {
  const statements = rows.map((row) => {
    const values = Object.values(row).map((value) => (value === null ? 'null' : `'${value}'`));
    return `insert into ${table} (${Object.keys(row).join(', ')}) values (${values.join(', ')})`;
  });
  await database.execute(statements.join(';\n'));
}

/** Sends records of KSeF, and a tombstone if a key is to go. */
async function publish(
  { broker, registry }: Stack,
  topic: string,
  rows: readonly KsefRecord[],
  gone?: Key,
): Promise<void> {
  const key = await registeredEncoder(registry.url, `${topic}-key`, loadSchema('ksef-key'));
  const value = await registeredEncoder(registry.url, `${topic}-value`, loadSchema('ksef'));
  const producer = kafkaClient({ brokers: [broker.bootstrap] }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const messages = rows.map((row) => ({
    key: key.encode({ entity: row.entity, stream: row.stream, id: row.id }),
    value: value.encode(row),
  }));
  const tombstones = gone === undefined ? [] : [{ key: key.encode(gone), value: null }];
  await producer.send({ topic, acks: -1, messages: [...messages, ...tombstones] });
  await producer.disconnect();
}

async function rowsAre({ connect }: Stack, topic: string, database: Database, rows: number): Promise<void> {
  const isFilled = async (): Promise<boolean> => {
    for (const { error } of await connect.states(topic)) if (error !== undefined) throw new Error(error);
    const [found] = await database.select('select count(*) as rows from ksef');
    return Number(found?.['rows']) === rows;
  };
  await until(isFilled, { what: 'the rows of KSeF', withinMs });
}
