import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import pg from 'pg';

/** Amounts and large numbers are text, as PostgreSQL writes them: no figure goes through a floating point number. */
type Text = string;

interface Titled {
  readonly entity: string | null;
  /** The company's name, where the table `entities` has one. */
  readonly name: string | null;
}

interface OfDocument extends Titled {
  readonly document: string | null;
  readonly id: Text | null;
  readonly number: string | null;
}

/** The answers of `sql`, each by its file's name. */
export interface Books {
  readonly ageing: readonly (Titled & {
    readonly currency: string;
    readonly documents: Text;
    readonly not_due: Text;
    readonly days_1_30: Text;
    readonly days_31_60: Text;
    readonly days_61_90: Text;
    readonly over_90: Text;
    readonly no_due_date: Text;
    readonly overdue: Text;
    readonly longest: number;
    readonly owed: Text;
  })[];
  readonly debtors: readonly {
    readonly client: string;
    readonly currency: string;
    readonly documents: Text;
    readonly overdue: Text;
    readonly owed: Text;
    readonly longest: number;
    readonly intercompany: boolean;
  }[];
  readonly paid: readonly (OfDocument & {
    readonly client: string;
    readonly currency: string;
    readonly paid_date: string;
    readonly amount: Text;
    readonly total: Text;
    readonly documents: Text;
  })[];
  readonly credits: readonly (OfDocument & {
    readonly client: string;
    readonly currency: string;
    readonly amount: Text;
    readonly why: string;
    readonly total: Text;
    readonly documents: Text;
  })[];
  readonly revenue_months: readonly {
    readonly currency: string;
    readonly month: number;
    readonly this_year: Text | null;
    readonly last_year: Text;
  }[];
  readonly revenue_companies: readonly (Titled & {
    readonly currency: string;
    readonly this_month: Text;
    readonly this_year: Text;
    readonly last_year: Text;
  })[];
  readonly revenue_clients: readonly {
    readonly client: string;
    readonly currency: string;
    readonly intercompany: boolean;
    readonly companies: Text;
    readonly this_year: Text;
    readonly last_year: Text;
  }[];
  readonly group_months: readonly {
    readonly month: string;
    readonly currency: string;
    readonly before: Text;
    readonly intercompany: Text;
    readonly after: Text;
  }[];
  readonly group_balances: readonly {
    readonly currency: string;
    readonly receivables_before: Text;
    readonly receivables_after: Text;
    readonly debts_before: Text;
    readonly debts_after: Text;
  }[];
  readonly intercompany_debts: readonly {
    readonly debtor: string | null;
    readonly debtor_name: string | null;
    readonly creditor: string;
    readonly creditor_name: string | null;
    readonly currency: string;
    readonly owed: Text;
  }[];
  readonly to_check: readonly (OfDocument & {
    readonly what: string;
    readonly what_to_do: string;
    readonly findings: Text;
  })[];
  readonly freshness: readonly {
    readonly read_at: string;
    readonly day: string;
    readonly newest: string | null;
    readonly documents: Text;
    readonly companies: Text;
  }[];
}

const SQL = join(import.meta.dirname, 'sql');

/** Reads all answers of `sql` as they are at one moment, for a day (default: today in Warsaw); writes nothing. */
export async function readBooks(database: string, day: string | undefined): Promise<Books> {
  const client = new pg.Client({ connectionString: database });
  // Days and times stay as they are written: a Date would move them into the machine's own time zone.
  client.setTypeParser(pg.types.builtins.DATE, (text) => text);
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    const today = await client.query(`select (now() at time zone 'Europe/Warsaw')::date as day`);
    const answers: Record<string, unknown> = {};
    for (const file of (await readdir(SQL)).filter((name) => name.endsWith('.sql'))) {
      const sql = await readFile(join(SQL, file), 'utf8');
      const values = sql.includes('$1') ? [day ?? today.rows[0].day] : [];
      answers[file.replace('.sql', '')] = (await client.query(sql, values)).rows;
    }
    return answers as unknown as Books;
  } finally {
    await client.end();
  }
}
