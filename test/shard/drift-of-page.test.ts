import { createAccount, type Stream } from '../../simulator/account';
import { createLife } from '../../simulator/life';
import { createRandom } from '../../simulator/random';
import { driftText } from '../../src/changes/drift';
import type { Cursor, Page, Row, StreamDeclaration } from '../../src/model';
import { walkOf } from '../../src/rules/cursor';
import { clients } from '../../src/sources/streams/clients';
import { correctiveInvoices } from '../../src/sources/streams/corrective-invoices';
import { invoices } from '../../src/sources/streams/invoices';
import { createVendorStream } from '../support/vendor-rows';
import { cursorAtStart, wholePage } from '../support/pages';

type VendorStream = ReturnType<typeof createVendorStream>;

const row = (changes: Readonly<Record<string, unknown>> = {}) => ({
  id: 7,
  status: 'sent',
  kind: 'vat',
  services: [{ id: 1, tax_symbol: '23' }],
  ...changes,
});

function sweepIs(stream: VendorStream, cursor: Partial<Cursor>): void {
  stream.state.walks.set('sweep', walkOf(cursorAtStart(cursor)));
}

/** The stream once its first sweep has finished. */
function settle(stream: VendorStream): void {
  sweepIs(stream, { number: 2 });
}

/** A stream of invoices whose first sweep has shown nothing that is not documented. */
function settledStream(): VendorStream {
  const stream = createVendorStream(invoices);
  stream.shows([]);
  settle(stream);
  return stream;
}

/** What a page with these rows tells of the API. */
function told(stream: VendorStream, ...rows: readonly unknown[]): readonly string[] {
  return newsOf(stream.shows(rows));
}

function newsOf({ result: { drift } }: ReturnType<VendorStream['shows']>): readonly string[] {
  return drift === null ? [] : drift.found.map((each) => `${drift.isNews ? 'news' : 'known'}: ${driftText(each)}`);
}

test('a field and a value that come after the first sweep are told once, by name and type', () => {
  const stream = createVendorStream(invoices, { projected: true });
  expect(told(stream, row({ colour: 'red' }))).toEqual(['known: field colour (string)']);
  settle(stream);
  expect(told(stream, row({ colour: 'blue' }))).toEqual([]);
  const changed = row({ colour: 1, status: 'archived', services: [{ id: 1, tax_symbol: '0 WDT', size: 3 }] });
  expect(told(stream, changed)).toEqual([
    'news: value archived of status',
    'news: another value of services.tax_symbol',
    'news: field services.size (number)',
    'news: field colour (number)',
  ]);
  expect(told(stream, row({ colour: 2, status: 'archived' }))).toEqual([]);
});

test('documented values and fields, and such without a value, are no difference', () => {
  const stream = settledStream();
  const rows = ['draft', 'sent', 'printed', 'paid'].map((status, index) =>
    row({ id: index + 1, status, colour: index % 2 === 0 ? null : '', kind: index === 0 ? 'proforma' : 'vat' }),
  );
  expect(told(stream, ...rows)).toEqual([]);
});

test('a difference is told of a row that cannot be published, too', () => {
  const stream = settledStream();
  expect(told(stream, row({ colour: 'red', gross_price: 'much' }))).toEqual(['news: field colour (string)']);
});

test('where an older program left no list, a whole sweep is looked at, rows that did not change included', () => {
  const stream = createVendorStream(invoices);
  const known = row({ colour: 'red' });
  stream.shows([known]);
  stream.state.drift.restore(undefined);
  sweepIs(stream, { number: 5 });
  expect(told(stream, known)).toEqual(['known: field colour (string)']);
  sweepIs(stream, { number: 6 });
  expect(told(stream, row({ colour: 'blue' }))).toEqual([]);
  expect(told(stream, row({ size: 1 }))).toEqual(['news: field size (number)']);
});

test('pages of fewer rows than asked for and a filter without effect are told once', () => {
  const stream = settledStream();
  const shown = (page: Partial<Page>): readonly string[] =>
    newsOf(stream.shows([], { scan: 'sweep', page: wholePage([], page) }));
  expect([{ cappedAt: 50 }, { cappedAt: 20 }, { outsideQuery: 3 }, { outsideQuery: 1 }].map(shown)).toEqual([
    ['news: pages of 50 rows, fewer than asked for'],
    [],
    ['news: the filter by invoice_date has no effect'],
    [],
  ]);
});

const DAY_MS = 24 * 60 * 60_000;

test('a calm week tells of nothing, whoever takes over in its middle', () => {
  const streams: readonly (readonly [Stream, StreamDeclaration])[] = [
    ['clients', clients],
    ['invoices', invoices],
    ['corrective_invoices', correctiveInvoices],
  ];
  let nowMs = Date.UTC(2026, 2, 2, 6);
  const timers = new Map<number, { readonly atMs: number; readonly work: () => void }>();
  let number = 0;
  const today = (): string => new Date(nowMs).toISOString().slice(0, 10);
  const setting = { key: 'a', name: 'alfa', nip: '5260250274', clients: 20, invoices: 120 };
  const account = createAccount(setting, 0, { today, now: () => nowMs, changed: () => undefined });
  const life = createLife({
    accounts: [account],
    random: createRandom(5),
    today,
    clock: () => nowMs,
    timer(work, waitMs) {
      const own = (number += 1);
      timers.set(own, { atMs: nowMs + waitMs, work });
      return () => void timers.delete(own);
    },
  });
  const rowsOf = (stream: Stream): readonly unknown[] =>
    [...account.tables[stream].ids([])].sort((one, other) => one - other).map((id) => account.row(stream, id) as Row);
  const driftFinders = new Map<string, string>();
  const readers = streams.map(([list, declaration]) => ({
    list,
    stream: createVendorStream(declaration, { driftFinders }),
  }));
  const sweep = (): readonly string[] => readers.flatMap(({ list, stream }) => told(stream, ...rowsOf(list)));

  sweep();
  for (const { stream } of readers) settle(stream);
  life.live({ issue: 0.05, pay: 0.05, edit: 0.05, remove: 0.005 });
  const end = nowMs + 7 * DAY_MS;
  const news: string[] = [];
  let changes = 0;
  for (let nextSweepMs = nowMs; nowMs < end; nowMs = nextSweepMs) {
    nextSweepMs += 6 * 60 * 60_000;
    for (;;) {
      const due = [...timers]
        .filter(([, { atMs }]) => atMs <= nextSweepMs)
        .sort(([, one], [, other]) => one.atMs - other.atMs)[0];
      if (due === undefined) break;
      timers.delete(due[0]);
      nowMs = due[1].atMs;
      due[1].work();
      changes += 1;
    }
    news.push(...sweep());
    for (const { stream } of readers) stream.state.drift.restore(stream.state.drift.stored());
  }
  expect({ news, isLively: changes > 500 }).toEqual({ news: [], isLively: true });
}, 60_000);
