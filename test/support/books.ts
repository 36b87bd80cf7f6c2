import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeViews } from '../../tools/example/reports';
import { projectRoot } from '../../tools/java';
import type { LocalPostgres } from '../../tools/postgres';

/** A table of the page: the names of its columns, and cells as they stand there, an empty one null. */
interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

interface Section {
  readonly title: string;
  readonly sql?: string;
  readonly table: Table;
}

const PREFIX = 'Table ';

/** The page itself holds documents and answers, so that no figure of it can be other than the views'. */
function readPage(): readonly Section[] {
  const page = readFileSync(join(projectRoot(), 'docs', 'books-example.md'), 'utf8');
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n');
      const sql = /```sql\n([^]*?)\n```/.exec(section)?.[1];
      const [head, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
      const table = { columns: cellsOf(head ?? '').map(String), rows: rows.map(cellsOf) };
      return { title, table, ...(sql === undefined ? {} : { sql }) };
    });
}

function cellsOf(line: string): (string | null)[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim() || null);
}

/** The statement that puts a table of the page into the database. */
function insertOf({ title, table: { columns, rows } }: Section): string {
  const name = title.slice(PREFIX.length).trim();
  const inserts = rows.map((row) => {
    const written = new Map<string, string>();
    for (const [index, column] of columns.entries()) {
      const cell = row[index];
      if (typeof cell !== 'string') continue;
      if (column !== 'more') written.set(column, cell);
      else for (const [, more = '', value = ''] of cell.matchAll(/(\w+)=([^;]*)/g)) written.set(more, value.trim());
    }
    for (const [column, value] of defaultsOf(name, written)) if (!written.has(column)) written.set(column, value);
    const values = [...written].map(([column, value]) => literal(column, value));
    return `insert into ${name} (${[...written.keys()].join(', ')}) values (${values.join(', ')})`;
  });
  return inserts.join(';\n');
}

function defaultsOf(name: string, row: ReadonlyMap<string, string>): [string, string][] {
  const read: [string, string] = ['observed_at', '2025-11-21 08:00'];
  if (name === 'clients' || name.endsWith('_lines')) return [read];
  if (!name.endsWith('invoices')) return [];
  const kind = name === 'invoices' ? 'vat' : 'correction';
  return [read, ['currency', 'PLN'], ['kind', kind], ['uuid', `${String(row.get('entity'))}-${String(row.get('id'))}`]];
}

/** Amounts are stored in hundredths. */
function literal(column: string, value: string): string {
  if (column.endsWith('_price') || column === 'left_to_pay') return value.replace(/^(-?)0*(\d*)\.(\d\d)$/, '$1$2$3');
  return `'${value.replaceAll("'", "''")}'`;
}

/** The sections of docs/books-example.md, in their order. */
export const sections = readPage();

/** Makes the views and puts the documents of docs/books-example.md into the tables. */
export async function fillBooks(postgres: LocalPostgres): Promise<void> {
  await makeViews(postgres);
  for (const section of sections.filter(({ title }) => title.startsWith(PREFIX))) {
    await postgres.execute(insertOf(section));
  }
}
