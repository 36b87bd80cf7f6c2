import { createHash } from 'node:crypto';

import { deadLetterOf, unreadableLetterOf, type Origin } from '../changes/records';
import { RecordError } from '../errors';
import { jsonText } from '../json';
import type { Cursor, Op, UnreadableRows } from '../model';
import type { OutgoingRecord } from '../sinks/transaction';
import type { StreamState } from './memory';
import type { ShardOptions } from './shard-options';

const MAX_STRAYS = 100;

/** A row without an id is created, or read for the first time before the first finished sweep. */
function strayOp({ walks }: StreamState): Op {
  return isBeforeFirstFinishedSweep(walks.get('sweep')?.cursor) ? 'r' : 'c';
}

/** Whether rows are still read for the first time. */
export function isBeforeFirstFinishedSweep(sweep: Cursor | undefined): boolean {
  return sweep === undefined || (sweep.number === 1 && sweep.finishedAt === null);
}

/** A dead letter that is sent for the first time, and why. */
interface NewLetter {
  readonly letter: OutgoingRecord;
  readonly reason: string;
}

/** Dead letters of rows without an id, each kind of row once. */
export function lettersOfStrays(
  { deadLetters }: Pick<ShardOptions, 'deadLetters'>,
  state: StreamState,
  origin: Origin,
  rows: readonly unknown[],
): readonly NewLetter[] {
  const letters: NewLetter[] = [];
  for (const row of rows) {
    const fingerprint = newStray(state, jsonText(row));
    if (fingerprint === null) continue;
    const message = `reading a row of ${state.name} of ${state.entity}: expected an object with a positive integer id, got ${kindOf(row)}`;
    const error = new RecordError(message, { path: 'id', entity: state.entity, stream: state.name });
    const letter = deadLetterOf(origin, row, { id: null, error, fingerprint, op: strayOp(state) }, deadLetters);
    letters.push({ letter, reason: message });
  }
  return letters;
}

/** Dead letters of rows that could not be read, each once: known again by the ids around them. */
export function lettersOfUnreadable(
  { deadLetters }: Pick<ShardOptions, 'deadLetters'>,
  state: StreamState,
  origin: Origin,
  rows: UnreadableRows | undefined,
): readonly NewLetter[] {
  if (rows === undefined) return [];
  const { bodies, gap } = rows;
  const letters: NewLetter[] = [];
  for (const [index, body] of bodies.entries()) {
    const fingerprint = newStray(state, `unreadable ${gap.after ?? ''} ${gap.upTo ?? ''} ${index}`);
    if (fingerprint === null) continue;
    const message = `reading ${state.name} of ${state.entity}: expected a row between id ${gap.after ?? 0} and ${gap.upTo === null ? 'the end' : `id ${gap.upTo + 1}`}, got an answer that cannot be read although it was asked for alone`;
    const letter = unreadableLetterOf(origin, { body, gap, fingerprint, message }, deadLetters);
    letters.push({ letter, reason: message });
  }
  return letters;
}

/** Remembers a row without an id by what it is told apart by; returns its fingerprint, or null where the row was known. */
function newStray(state: StreamState, text: string): string | null {
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
  if (state.strays.includes(fingerprint)) return null;
  state.strays = [...state.strays, fingerprint].slice(-MAX_STRAYS);
  return fingerprint;
}

function kindOf(row: unknown): string {
  if (row === null) return 'null';
  if (Array.isArray(row)) return 'an array';
  return typeof row === 'object' ? 'an object without one' : `a ${typeof row}`;
}
