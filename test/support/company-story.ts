import { type Account, createAccount, type Stream } from '../../simulator/account';
import { chance, createRandom, integer, pick, type Random } from '../../simulator/random';

// Companies to which things happen while nothing reads them, and the trouble that there is while something does.

/** How a transaction ends where not all is well. */
export type Ending = 'committed' | 'lost' | 'lost-though-committed' | 'lost-and-committed-late' | 'fenced';

/** The trouble of the processes that read the companies between two times that something happens to them. */
export interface Trouble {
  /** Whether all scans run side by side; if not, one sweep of each list. */
  readonly sideBySide: boolean;
  /** How the nth transaction ends; those after them are committed. */
  readonly transactions: readonly Ending[];
  /** Whether the nth request fails. */
  readonly requests: readonly boolean[];
  /** How each process ends, if it is not done before so many steps over the network. */
  readonly processes: readonly { readonly after: number; readonly how: 'killed' | 'paused' | 'stopped' }[];
}

/** What the program is told, and what happens to it. */
export interface CompanyStory {
  readonly limit: number;
  readonly maxShare: number;
  readonly troubles: readonly Trouble[];
}

/** How long things take: what is published in the end must not depend on it. */
export interface Delays {
  /** Milliseconds that the nth step over the network takes, over and over. */
  readonly stepsMs: readonly number[];
  readonly credits: number;
  readonly idleCommitMs: number;
}

/** The companies and their rows, as lists of JSON objects. */
export interface Companies {
  readonly names: readonly string[];
  /** The lists of a company, as the API names them, ids ascending. */
  rows(name: string, list: string): readonly Record<string, unknown>[];
  /** The row as it is when asked for alone. */
  detail(name: string, list: string, id: number): Record<string, unknown> | null;
  /** Some rows come, change or go. */
  happen(): void;
}

/** The rows of some companies, by list. */
export type CompanyRows = Readonly<Record<string, Readonly<Record<string, readonly Record<string, unknown>[]>>>>;

/** The day of the story. */
export const TODAY = '2026-03-02';
/** What the broker refuses, wherever it stands in a record. */
export const REFUSED = 'refuse this';

const LISTS = ['clients', 'invoices', 'corrective_invoices'] as const satisfies readonly Stream[];

/** What is decided before the story of this number begins. */
export function companyStory(seed: number): CompanyStory {
  const random = createRandom(seed);
  const many = <T>(most: number, make: () => T): T[] => Array.from({ length: integer(random, most + 1) }, make);
  const trouble = (): Trouble => ({
    sideBySide: chance(random, 0.5),
    transactions: many(12, () =>
      chance(random, 0.6)
        ? 'committed'
        : pick(random, ['lost', 'lost-though-committed', 'lost-and-committed-late', 'fenced']),
    ),
    requests: many(40, () => chance(random, 0.1)),
    processes: many(3, () => ({
      after: 1 + integer(random, 60),
      how: pick(random, ['killed', 'killed', 'paused', 'stopped']),
    })),
  });
  return {
    limit: 3 + integer(random, 8),
    maxShare: pick(random, [0, 0.3, 1]),
    troubles: [trouble(), trouble(), trouble()],
  };
}

/** Fast and slow steps, few and many pages on their way. */
export function delaysOf(seed: number): Delays {
  const random = createRandom(seed);
  return {
    stepsMs: Array.from({ length: 1 + integer(random, 12) }, () => integer(random, 4)),
    credits: 1 + integer(random, 4),
    idleCommitMs: integer(random, 4),
  };
}

/** Two companies as they are before anything happens. */
export function createCompanies(seed: number): Companies {
  const random = createRandom(seed);
  const accounts = new Map(
    ['alfa', 'beta'].map((name, position) => {
      const size = { clients: 5 + integer(random, 15), invoices: 10 + integer(random, 30), corrections: 4 };
      const entity = { key: name, name, nip: '1111111111', ...size, seed: seed * 2 + position };
      const outside = { today: () => TODAY, now: () => Date.parse(TODAY), changed: () => undefined };
      return [name, createAccount(entity, position, outside)] as const;
    }),
  );
  const withoutId: Record<string, unknown>[] = [];
  let happened = 0;
  const accountOf = (name: string): Account => {
    const account = accounts.get(name);
    if (account === undefined) throw new Error(`expected a company, got ${name}`);
    return account;
  };
  return {
    names: [...accounts.keys()],
    rows(name, list) {
      const { tables } = accountOf(name);
      const known = LISTS.find((each) => each === list);
      if (known === undefined) throw new Error(`expected a list, got ${list}`);
      const rows = tables[known].ids([]).map((id) => parsed(tables[known].bytes(id)));
      return name === 'alfa' && list === 'clients' ? [...withoutId, ...rows] : rows;
    },
    detail(name, list, id) {
      const known = LISTS.find((each) => each === list);
      const bytes = known === undefined ? undefined : accountOf(name).detail(known, id);
      return bytes === undefined ? null : parsed(bytes);
    },
    happen() {
      const times = 2 + integer(random, 14);
      for (let n = 0; n < times; n++) change(accountOf(pick(random, ['alfa', 'beta'])), random, (happened += 1));
      if (chance(random, 0.3)) withoutId.push({ id: 0, company_name: `without an id ${happened}` });
      if (chance(random, 0.2)) {
        const beta = accountOf('beta');
        for (const id of beta.tables.clients.ids([]).slice(0, 4)) beta.remove('clients', id);
      }
    },
  };
}

/** Companies with these rows, to which nothing happens. */
export function companiesOf(rows: CompanyRows): Companies {
  return {
    names: Object.keys(rows),
    rows: (name, list) => rows[name]?.[list] ?? [],
    detail: (name, list, id) => rows[name]?.[list]?.find((row) => row['id'] === id) ?? null,
    happen: () => undefined,
  };
}

function change(account: Account, random: Random, number: number): void {
  const list = pick<Stream>(random, ['clients', 'invoices', 'invoices', 'corrective_invoices']);
  const { tables } = account;
  const id = tables[list].idAt(integer(random, tables[list].size));
  if (id === undefined || chance(random, 0.2)) {
    account.add(list);
    return;
  }
  const text = list === 'clients' ? 'company_name' : 'notes';
  switch (pick(random, ['edit', 'edit', 'volatile', 'lines', 'pay', 'remove', 'leave', 'return', 'refuse', 'misfit'])) {
    case 'edit':
      account.edit(list, id, { [text]: `edit ${number}` });
      break;
    case 'volatile':
      account.edit(list, id, { is_vindicable: true, vat_exchange_date_kind: 'vat', extensions: { number } });
      break;
    case 'lines':
      if (list === 'invoices') account.rewrite(id);
      break;
    case 'pay':
      if (list === 'invoices') account.pay(id);
      break;
    case 'remove':
      account.remove(list, id);
      break;
    case 'leave':
      if (list !== 'clients') account.edit(list, id, { invoice_date: '2020-01-01' });
      break;
    case 'return':
      if (list !== 'clients') account.edit(list, id, { invoice_date: TODAY });
      break;
    case 'refuse':
      if (chance(random, 0.3)) account.edit(list, id, { [text]: `${REFUSED} ${number}` });
      break;
    case 'misfit':
      if (chance(random, 0.3)) account.edit(list, id, { [text]: { number } });
      break;
  }
}

function parsed(bytes: Buffer | undefined): Record<string, unknown> {
  return JSON.parse(bytes?.toString() ?? 'null') as Record<string, unknown>;
}
