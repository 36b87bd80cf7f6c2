import { isDate, isObject, type JsonObject } from '../../simulator/rows';
import { TransientError } from '../../src/errors';
import { companiesWithBooks } from '../demo/companies';
import { clip, countText, verdictOf, WIDTH, type Screen } from '../demo/screen';
import type { Database, SqlRow } from '../postgres';
import { FILLED_WITHIN_MS, until, type Running } from './made-up';
import type { ApiRows } from './reports';

/** What KSeF says of one document. */
interface KsefState {
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
  readonly number: string | null;
  readonly status: string | null;
  readonly description: string | null;
}

/** What the views have of KSeF. */
interface KsefBooks {
  /** How many documents have each proposal for the JPK. */
  readonly proposals: Readonly<Record<string, number>>;
  /** What was rejected and why, the latest first. */
  readonly rejected: readonly { readonly document: string; readonly why: string }[];
  /** Why a person has to decide, and of how many documents. */
  readonly reasons: readonly { readonly why: string; readonly documents: number }[];
}

/** Since when KSeF is obligatory. */
const FROM = '2026-02-01';
/** Documents that are asked for at the same time. */
const AT_ONCE = 8;
const SHOWN_REJECTED = 3;

/**
 * Prints what KSeF has of the documents that were there from the beginning, as soon as all of them were read; true if that is what their
 * details in the API say.
 */
export async function showKsef(
  scene: Running & { readonly screen: Screen },
  rows: readonly ApiRows[],
): Promise<boolean> {
  const { screen, stack } = scene;
  const keys = new Map(companiesWithBooks.map(({ id, key }) => [id, key]));
  const reading = rows.map((of) => readKsef(stack.api.url, keys.get(of.entity) ?? '', of));
  const states = (await Promise.all(reading)).flat();
  const { same } = await until(scene, 'what KSeF says of every document', FILLED_WITHIN_MS, async () => {
    const found = await compareKsef(stack.postgres, states);
    screen.show(`  KSeF: ${countText(states.length - found.missing)} of ${countText(states.length)} documents ...`);
    return found.missing === 0 ? found : undefined;
  });
  const agrees = states.length > 0 && same === states.length;
  screen.print(
    '',
    screen.style('bold', 'KSeF, by the same views: documents since 1 February 2026'),
    '',
    ...ksefLines(await askKsef(stack.postgres)),
    `  ${countText(states.length)} numbers and states, of the table and of the API: ${verdictOf(screen, agrees)}`,
  );
  return agrees;
}

/** Asks the API for each document of an entity that may be in KSeF, with nothing of the service. */
async function readKsef(url: string, key: string, rows: ApiRows): Promise<KsefState[]> {
  const wanted = [
    ...documentsOf('invoices', rows.invoices),
    ...documentsOf('corrective-invoices', rows.corrections),
    ...documentsOf('advance-invoices', rows.advances),
    ...documentsOf('final-invoices', rows.finals),
    ...documentsOf('margin-invoices', rows.margins),
  ];
  const states: KsefState[] = [];
  const read = async (): Promise<void> => {
    for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
      const { row, list, stream } = next;
      const address = `${url}/api/v3/${list}/${String(row['uuid'])}.json`;
      const response = await fetch(address, { headers: { 'X-inFakt-ApiKey': key } });
      const detail: unknown = await response.json();
      if (response.status !== 200 || !isObject(detail)) {
        throw new TransientError(`Reading ${address}: expected a document, got status ${response.status}`);
      }
      const said = isObject(detail['ksef_data']) ? detail['ksef_data'] : {};
      states.push({
        ...{ entity: rows.entity, stream, id: Number(row['id']) },
        number: textOf(said['ksef_number']),
        status: textOf(said['status']),
        description: textOf(said['status_description']),
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return states;
}

/** The documents of a stream that may be in KSeF, with their list in the API. */
function documentsOf(stream: string, rows: readonly JsonObject[]) {
  return rows.filter(mayBeSent).map((row) => ({ row, list: stream.replace('-', '_'), stream }));
}

function mayBeSent({ invoice_date: date, kind, uuid }: JsonObject): boolean {
  return isDate(date) && date >= FROM && kind !== 'proforma' && typeof uuid === 'string';
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Of how many documents the table says what the API says, byte for byte, and of how many nothing yet. */
export async function compareKsef(
  database: Database,
  states: readonly KsefState[],
): Promise<{ readonly same: number; readonly missing: number }> {
  const rows = await database.select(
    'select entity, stream, id, ksef_number as number, status, status_description as description from ksef',
  );
  const held = new Map(rows.map((row) => [placeOf(row), row]));
  return {
    missing: states.filter((state) => !held.has(placeOf(state))).length,
    same: states.filter((state) => isSame(held.get(placeOf(state)), state)).length,
  };
}

function placeOf({ entity, stream, id }: SqlRow | KsefState): string {
  return `${String(entity)} ${String(stream)} ${String(id)}`;
}

function isSame(row: SqlRow | undefined, state: KsefState): boolean {
  return (['number', 'status', 'description'] as const).every((name) => row?.[name] === state[name]);
}

/** What the views say of KSeF. */
async function askKsef(database: Database): Promise<KsefBooks> {
  const proposals = await database.select('select proposal, count(*) as documents from ksef_documents group by 1');
  const reasons = await database.select(
    `select why, count(*) as documents from ksef_documents where proposal = 'ask' group by 1 order by 2 desc, 1`,
  );
  const rejected = await database.select(
    'select entity, number, why from ksef_rejected order by invoice_date desc, entity, id desc',
  );
  return {
    proposals: Object.fromEntries(proposals.map((row) => [String(row['proposal']), Number(row['documents'])])),
    reasons: reasons.map((row) => ({ why: String(row['why']), documents: Number(row['documents']) })),
    rejected: rejected.map((row) => ({
      document: `${String(row['entity'])} ${String(row['number'])}`,
      why: String(row['why']),
    })),
  };
}

/** The same as lines to print. */
function ksefLines({ proposals, rejected, reasons }: KsefBooks): string[] {
  const line = (says: string, documents: number): string =>
    clip(`  ${says}`, WIDTH - 9).padEnd(WIDTH - 9) + countText(documents).padStart(9);
  const more = rejected.length - SHOWN_REJECTED;
  return [
    line('with a number', proposals['number'] ?? 0),
    line('outside KSeF', proposals['outside KSeF'] ?? 0),
    line('to ask', proposals['ask'] ?? 0),
    ...reasons.map(({ why, documents }) => line(`  ${why}`, documents)),
    line('rejected', rejected.length),
    ...rejected.slice(0, SHOWN_REJECTED).map(({ document, why }) => clip(`    ${document.padEnd(20)} ${why}`, WIDTH)),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}
