import { lastValueFrom } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { createDecoder } from '../changes/decode';
import { uuidOf } from '../changes/kinds';
import { fingerprintHex, type Fingerprint } from '../changes/fingerprint';
import { FatalError, RecordError, TransientError } from '../errors';
import { isObject, textOrNull } from '../json';
import type { Query, Row, StreamDeclaration } from '../model';
import { askDetail } from '../reading/read-row';
import { judgeIdentity, type AccountIdentity } from '../rules/identity';
import { PAGE_ROWS } from '../rules/paging';
import { isWithin, listParams } from '../rules/scope';
import { createEncoder, createPlainReader, loadSchema } from '../sinks/avro';
import type { Rest } from '../sources/rest';

/** The API as one entity sees it, for questions about single rows. */
export interface RowApi {
  readonly entity: Pick<EntityConfig, 'id' | 'nip'>;
  readonly rest: Rest;
  readonly stream: StreamDeclaration;
}

/** What the API answered of a row. */
export type AskedRow =
  | { readonly kind: 'row'; readonly how: 'address' | 'list'; readonly row: Row }
  | { readonly kind: 'none'; readonly how: 'address' | 'list' }
  | { readonly kind: 'not-asked'; readonly reason: string };

/** Where a row is looked for. */
export interface RowPlace {
  readonly id: number;
  /** What addresses the row alone; null = the row is looked for in its list. */
  readonly address: string | null;
  /** About how many rows of the scope come before the row. */
  readonly rank: number;
  /** What a sweep asks for; the list is looked through within it first, then without bounds. */
  readonly scope: Query;
}

/** Requests that one look through a list may take: a list of 2^30 rows is halved so often. */
const MAX_STEPS = 30;

/**
 * Asks the API for one row: by its address, or in its list. At most one request for the address, else about as many as a list can be
 * halved. What the API does not answer is a reason, not an error: whoever asks tells the rest all the same.
 */
export async function askRow(api: RowApi, place: RowPlace): Promise<AskedRow> {
  return orReason(() => findRow(api, place));
}

/** Shows that the key belongs to the entity, as rows of another account would be told as missing (I7). Returns why it does not, or null. */
export async function reasonNotToAsk(api: RowApi, before: AccountIdentity | null): Promise<string | null> {
  const { entity, rest } = api;
  const answer = await orReason(async () => {
    judgeIdentity({ entity: entity.id, nip: entity.nip }, before, await lastValueFrom(rest.accountDetails()));
    return null;
  });
  return answer === null ? null : answer.reason;
}

/** The ids of the documents with a number, as the API shows them: a filter that has no effect shows too few, and none of another number. */
export async function idsOfNumber({ rest, stream }: RowApi, number: string): Promise<readonly number[]> {
  const params = { ...listParams(stream, EVERYTHING), 'q[number_eq]': number };
  const answer = await orReason(() => lastValueFrom(rest.list(stream.name, stream.path, params, 0, PAGE_ROWS)));
  if ('reason' in answer) return [];
  return answer.rows.flatMap((row) =>
    isObject(row) && row['number'] === number && typeof row['id'] === 'number' ? [row['id']] : [],
  );
}

const EVERYTHING: Query = { from: null, to: null, order: 'asc' };

async function findRow(api: RowApi, { id, address, rank, scope }: RowPlace): Promise<AskedRow> {
  const { rest, stream } = api;
  if (address !== null) {
    const detail = await lastValueFrom(askDetail(rest, stream, { id, address }));
    if (detail.status === 404) return { kind: 'none', how: 'address' };
    const listed = Object.entries(detail.row).filter(([name]) => !stream.detailOnlyFields.includes(name));
    return { kind: 'row', how: 'address', row: { ...Object.fromEntries(listed), id } };
  }
  const isBounded = scope.from !== null || scope.to !== null;
  const row = (await lookThrough(api, id, scope, rank)) ?? (isBounded ? await lookThrough(api, id, EVERYTHING) : null);
  return row === null ? { kind: 'none', how: 'list' } : { kind: 'row', how: 'list', row };
}

/** Halves a list by ids until an answer settles whether it shows the row. */
async function lookThrough({ rest, stream }: RowApi, id: number, query: Query, rank?: number): Promise<Row | null> {
  let [low, high] = [0, Infinity];
  let offset = Math.max(0, (rank ?? 0) - PAGE_ROWS / 2);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { rows, totalCount } = await lastValueFrom(
      rest.list(stream.name, stream.path, listParams(stream, query), offset, PAGE_ROWS),
    );
    high = Math.min(high, totalCount);
    const known = rows.filter(isRow);
    const [first, last] = [known[0], known.at(-1)];
    const found = known.find((row) => row.id === id);
    if (found !== undefined) return isWithin(stream, query, found) ? found : null;
    if (first === undefined || last === undefined || id < first.id) high = Math.min(high, offset);
    else if (id > last.id) low = offset + rows.length;
    else return null;
    if (low >= high) return null;
    offset = Math.max(low, Math.floor((low + high - PAGE_ROWS) / 2));
  }
  return null;
}

function isRow(row: unknown): row is Row {
  return isObject(row) && typeof row['id'] === 'number';
}

/** Why a question has no answer. */
interface NoAnswer {
  readonly kind: 'not-asked';
  readonly reason: string;
}

async function orReason<T>(ask: () => Promise<T>): Promise<T | NoAnswer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FatalError || error instanceof TransientError)
      return { kind: 'not-asked', reason: error.message };
    throw error;
  }
}

/** A row as a record would show it, or why it cannot become one. */
export type ReadRow =
  | {
      readonly kind: 'fits';
      /** As a reader of the topic decodes it. */
      readonly record: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'refused'; readonly error: string; readonly path: string };

/** Makes of a row what a reader of its topic would decode. */
export function readAsRecord(stream: Pick<StreamDeclaration, 'schema'>, entity: string, row: Row): ReadRow {
  const schemaText = loadSchema(stream.schema);
  try {
    const { record } = createDecoder(schemaText)(row, entity, 0);
    const bytes = createEncoder(schemaText, { prefix: Buffer.alloc(0) }).encode(record);
    const shown = createPlainReader(schemaText)(bytes, 0);
    return { kind: 'fits', record: isObject(shown) ? shown : {} };
  } catch (error) {
    if (error instanceof RecordError) return { kind: 'refused', error: error.message, path: error.path };
    throw error;
  }
}

/** The fingerprint of a row, as records and entries have it. */
export function fingerprintOf(row: Row, fingerprint: Fingerprint): string {
  const out = new Uint32Array(2);
  fingerprint(row, out);
  return fingerprintHex(out[0] ?? 0, out[1] ?? 0);
}

/** What addresses a row alone, by what the ledger and its newest record know of it; null = nothing. */
export function addressOfRow(
  { address }: Pick<StreamDeclaration, 'address'>,
  id: number,
  uuids: readonly unknown[],
): string | null {
  if (address === 'id') return String(id);
  return uuids.map((uuid) => uuidOf(textOrNull(uuid))).find((uuid) => uuid !== null) ?? null;
}
