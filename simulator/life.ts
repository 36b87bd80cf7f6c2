import type { Account, ChangeKind, Stream } from './account';
import { chance, integer, pick, type Random } from './random';
import { clientRow, dateOf, dayOf, isDate, isObject, type JsonObject } from './rows';
import type { Clock } from './traffic';

const lifeKinds = ['issue', 'pay', 'edit', 'remove'] as const;
type LifeKind = (typeof lifeKinds)[number];

/** How often something happens by itself: times a minute, all entities together, at random moments. */
export type LifeRates = Readonly<Partial<Record<LifeKind, number>>>;

/** Runs the work once after a while; the function it returns takes that back. */
export type Timer = (work: () => void, waitMs: number) => () => void;

/** Checks rates that came as JSON; a TypeError says what is wrong with them. */
export function decodeRates(json: unknown): LifeRates {
  if (!isObject(json)) throw new TypeError(`rates must be an object, got ${JSON.stringify(json)}`);
  const rates: Partial<Record<LifeKind, number>> = {};
  for (const [name, rate] of Object.entries(json)) {
    const kind = lifeKinds.find((known) => known === name);
    if (kind === undefined) throw new TypeError(`rates are ${lifeKinds.join(', ')}; got ${JSON.stringify(name)}`);
    if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0) {
      throw new TypeError(`${name} must be a number, 0 or more, got ${JSON.stringify(rate)}`);
    }
    rates[kind] = rate;
  }
  return rates;
}

/** One change of a row, whoever made it. */
export interface HistoryEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly kind: ChangeKind;
  /** API key of the entity. */
  readonly entity: string;
  readonly stream: Stream;
  readonly id: number;
}

const keptChanges = 100_000;

/** Keeps the latest 100 000 changes. */
export function createHistory(now: () => number) {
  let entries: HistoryEntry[] = [];
  return {
    record: (kind: ChangeKind, entity: string, stream: Stream, id: number): void => {
      entries.push({ time: now(), kind, entity, stream, id });
      if (entries.length >= keptChanges * 2) entries = entries.slice(-keptChanges);
    },
    /** Oldest first, from the given time on. */
    read: (since = 0): readonly HistoryEntry[] => entries.slice(-keptChanges).filter(({ time }) => time >= since),
  };
}

/** Makes things happen in the accounts by themselves. */
export interface Life {
  readonly rates: LifeRates;
  /** Takes the place of the rates so far; none, or only zeros, end it. */
  live(rates: LifeRates): void;
}

/** What life is made of. */
export interface LifeParts {
  readonly accounts: readonly Account[];
  readonly random: Random;
  readonly today: () => string;
  readonly clock: Clock;
  readonly timer: Timer;
}

const minuteMs = 60_000;
const tries = 50;

/** Stands still until it is given rates. */
export function createLife({ accounts, random, today, clock, timer }: LifeParts): Life {
  let rates: LifeRates = {};
  let cancel = () => {};
  let dueMs = 0;

  /** A row picked by chance that meets the condition; undefined if none is found soon. */
  function some(account: Account, stream: Stream, condition: (row: JsonObject) => boolean = () => true) {
    const table = account.tables[stream];
    for (let attempt = 0; attempt < tries; attempt++) {
      const id = table.idAt(integer(random, table.size));
      const row = id === undefined ? undefined : account.row(stream, id);
      if (id !== undefined && isObject(row) && row['id'] === id && condition(row)) return { id, row };
    }
    return undefined;
  }

  function editClient(account: Account): void {
    const client = some(account, 'clients');
    if (client === undefined) return;
    const { street, street_number, flat_number, city, postal_code } = clientRow(random, client.id, -1);
    account.edit('clients', client.id, { street, street_number, flat_number, city, postal_code });
  }

  function editInvoice(account: Account): void {
    const found = some(account, 'invoices', (row) => isDate(row['invoice_date']));
    if (found === undefined) return;
    const { id, row } = found;
    const edit = (patch: JsonObject) => account.edit('invoices', id, patch);
    const change = random();
    if (row['status'] === 'paid') {
      if (change < 0.2) edit({ status: 'sent', paid_date: null });
      else edit({ notes: `Rozliczono w przelewie ${1 + integer(random, 9999)}.` });
    } else if (change < 0.3) {
      account.rewrite(id);
    } else if (change < 0.5) {
      const moved = dateOf(dayOf(String(row['invoice_date'])) + pick(random, [-31, -7, -1, 1, 7]));
      edit({ invoice_date: moved, ...(row['sale_date'] === null ? {} : { sale_date: moved }) });
    } else if (change < 0.8 && row['status'] === 'draft') {
      edit({ status: 'sent' });
    } else {
      const term = isDate(row['payment_date']) ? row['payment_date'] : today();
      edit({ payment_date: dateOf(dayOf(term) + 1 + integer(random, 14)) });
    }
  }

  const happen: Readonly<Record<LifeKind, (account: Account) => void>> = {
    issue(account) {
      const share = random();
      if (share < 0.05) account.add('corrective_invoices');
      else if (share < 0.15) account.add('clients');
      else {
        const backDays = chance(random, 0.1) ? 1 + integer(random, 60) : 0;
        account.add('invoices', backDays === 0 ? {} : { invoice_date: dateOf(dayOf(today()) - backDays) });
      }
    },
    pay(account) {
      const unpaid = some(account, 'invoices', (row) => row['paid_date'] === null);
      if (unpaid !== undefined) account.pay(unpaid.id);
    },
    edit(account) {
      if (chance(random, 0.25)) editClient(account);
      else editInvoice(account);
    },
    remove(account) {
      const stream = chance(random, 0.2) ? 'clients' : 'invoices';
      const found = some(account, stream);
      if (found !== undefined) account.remove(stream, found.id);
    },
  };

  function next(): void {
    const total = lifeKinds.reduce((sum, kind) => sum + (rates[kind] ?? 0), 0);
    if (total === 0) return;
    dueMs += (-Math.log(1 - random()) * minuteMs) / total;
    const step = () => {
      let share = random() * total;
      const kind = lifeKinds.find((name) => (share -= rates[name] ?? 0) < 0) ?? 'issue';
      const account = accounts[integer(random, accounts.length)];
      if (account !== undefined) happen[kind](account);
      next();
    };
    cancel = timer(step, Math.max(0, dueMs - clock()));
  }

  return {
    get rates() {
      return rates;
    },
    live(wanted) {
      cancel();
      rates = wanted;
      dueMs = clock();
      next();
    },
  };
}
