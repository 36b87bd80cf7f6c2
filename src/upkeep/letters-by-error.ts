import { ConfigError, TransientError } from '../errors';
import type { EntityId, StreamName } from '../model';
import { readDeadLetters, type ReadTopics } from './find-records';

/** Dead letters that stand for one and the same reason. */
export interface LettersOfError {
  /** Where in the row, without the numbers of lines; empty = the row as a whole. */
  readonly path: string;
  /** What was expected there, in the words of the error; never a value. */
  readonly expected: string;
  readonly rows: number;
}

/** A stream with the ids of the rows that stand as dead letters. */
export interface StandingLetters {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly ids: readonly number[];
}

/** What is said of rows whose dead letter is no longer on its topic. */
export const LETTER_GONE = 'its dead letter is no longer on the topic';

/**
 * Counts the standing dead letters of each stream by their errors, the most frequent first. The topic is read only where some stand; null =
 * it cannot be read, which is no reason to tell nothing else.
 */
export async function lettersByError(
  topics: ReadTopics,
  standing: readonly StandingLetters[],
): Promise<((stream: Pick<StandingLetters, 'entity' | 'stream'>) => readonly LettersOfError[]) | null> {
  const newest = new Map<string, { readonly error: string; readonly errorPath: string }>();
  const wanted = new Set(standing.flatMap((stream) => stream.ids.map((id) => nameOf(stream, id))));
  try {
    if (wanted.size > 0)
      await readDeadLetters(topics, ({ entity, stream, id, ...letter }) => {
        const name = nameOf({ entity, stream }, id);
        if (wanted.has(name)) newest.set(name, letter);
      });
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) return null;
    throw error;
  }
  return (of) => {
    const ids = standing.find(({ entity, stream }) => entity === of.entity && stream === of.stream)?.ids ?? [];
    return countedByError(ids.map((id) => newest.get(nameOf(of, id)) ?? null));
  };
}

/** Counts errors of rows; null = the error of that row is not known. */
export function countedByError(
  letters: readonly ({ readonly error: string; readonly errorPath: string } | null)[],
): readonly LettersOfError[] {
  const counts = new Map<string, LettersOfError>();
  for (const letter of letters) {
    const path = (letter?.errorPath ?? '').replace(/\[\d+\]/g, '');
    const expected = letter === null ? LETTER_GONE : expectedIn(letter.error);
    const key = `${path}\n${expected}`;
    counts.set(key, { path, expected, rows: (counts.get(key)?.rows ?? 0) + 1 });
  }
  return [...counts.values()].sort((one, other) => other.rows - one.rows || (one.path < other.path ? -1 : 1));
}

/** The part of an error that is the same for all rows: what was got differs from row to row. */
function expectedIn(error: string): string {
  return /expected .*?(?=, got |$)/s.exec(error)?.[0] ?? error;
}

function nameOf({ entity, stream }: Pick<StandingLetters, 'entity' | 'stream'>, id: number): string {
  return `${entity} ${stream} ${id}`;
}
