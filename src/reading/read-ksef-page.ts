import { catchError, defer, EMPTY, from, merge, mergeMap, throwError, type Observable } from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { Answer, Row, Turn } from '../model';
import type { FilterWatch } from '../rules/filter-watch';
import { NAMED_FIELDS } from '../rules/filter-proof';
import { ksefRowOf, shownOfKsef } from '../rules/ksef';
import { surpriseOfPage } from '../rules/ksef-page';
import type { NextRead } from '../rules/ksef-schedule';
import { rowsOf } from '../rules/known-list';
import { addState } from './add-ksef';
import type { Progress } from './progress';
import { isFilterRefused } from './read-pages';
import { FEW_TRIES } from './scan-by-filter';
import { asking, liveOf, scopeOf, type KsefReading, type StreamReading } from './stream-reading';

/** No page is asked for so long after one was not answered. */
const REST_MS = 60_000;

/** A page of named fields that is worth asking for. */
export interface PageWanted {
  readonly offset: number;
  /** Documents that it is to show. */
  readonly wanted: readonly number[];
  readonly filters: FilterWatch;
}

/**
 * The page of the list that shows the next document and another one that is to be read now, where the account has shown that lists tell what KSeF
 * says of documents if it is asked for by name; null = the document is to be asked for by itself.
 */
export function pageWanted(reading: StreamReading, ksef: KsefReading, next: NextRead): PageWanted | null {
  const { shard, handle } = reading;
  const { limit } = shard;
  const { watch } = ksef;
  const filters = liveOf(reading)?.filters ?? null;
  const nowMs = shard.now();
  if (filters?.mayScan('fields') !== true || nowMs < watch.noPageBeforeMs) return null;
  if (next.isAnswered || watch.alone.has(next.id) || handle.following(next.id) === 'final') return null;
  if ((handle.entry(next.id)?.missing ?? 0) > 0) return null;
  // Rows in front of it may have been deleted that are not known to be.
  const margin = Math.floor(limit / 20);
  const offset = Math.max(0, Math.min(handle.rank(next.id) - margin, handle.live() - limit));
  const [first, last] = [handle.atRank(offset), handle.atRank(offset + limit - 1)];
  const wanted = watch.schedule
    .wantedWithin(first?.id ?? 0, last?.id ?? Infinity, nowMs)
    .filter((id) => !watch.alone.has(id));
  return wanted.length > 1 && wanted.includes(next.id) ? { offset, wanted, filters } : null;
}

/**
 * Asks for one page of named fields, and adds what its rows show of documents that are to be read. A document that it does not tell of is left
 * to be asked for by itself; what cannot be believed is not used, and ends the asking for pages with a notice.
 */
export function readKsefPage(
  reading: StreamReading,
  ksef: KsefReading,
  page: PageWanted,
  turn: () => Turn,
): Observable<Progress> {
  const { shard } = reading;
  const { offset, wanted, filters } = page;
  const ask = asking(reading, scopeOf(reading), turn, undefined, { fields: NAMED_FIELDS.join(',') });
  return defer(() => ask(offset, shard.limit, FEW_TRIES)).pipe(
    mergeMap((answer) => {
      filters.answered();
      return addPage(reading, ksef, page, answer);
    }),
    catchError((error: unknown) => {
      const isOfTheList = error instanceof TransientError || (error instanceof FatalError && error.parks === 'stream');
      if (!isOfTheList) return throwError(() => error);
      const nowMs = shard.now();
      ksef.watch.noPageBeforeMs = nowMs + REST_MS;
      if (isFilterRefused(error)) return retireFields(reading, filters, 'the API refuses such a list');
      if (error instanceof FatalError && !(error.cause instanceof TransientError))
        return retireFields(reading, filters, `such a list cannot be read (${error.reason})`);
      filters.unanswered('fields', nowMs);
      for (const id of wanted) ksef.watch.alone.add(id);
      return EMPTY;
    }),
  );
}

function addPage(
  reading: StreamReading,
  ksef: KsefReading,
  { wanted, filters }: PageWanted,
  answer: Answer,
): Observable<Progress> {
  const { shard, handle } = reading;
  const { watch } = ksef;
  const { schedule, alone } = watch;
  const nowMs = shard.now();
  const rows = rowsOf(answer.rows);
  const why = surpriseOfPage({
    rows,
    wanted,
    uuidOf: (id) => handle.entry(id)?.address ?? null,
    nothingShown: (id) => (schedule.isWaiting(id) ? schedule.nothingShown(id, nowMs) : 'ask'),
  });
  if (why !== null) return retireFields(reading, filters, why);
  const told = new Map<number, Row>();
  const settled = new Set<number>();
  for (const row of rows) {
    if (!schedule.isWaiting(row.id)) continue;
    const shown = shownOfKsef(row);
    if (shown === 'whole' && 'number' in row && 'uuid' in row) told.set(row.id, row);
    else if (shown === 'nothing' && schedule.nothingShown(row.id, nowMs) === 'so') settled.add(row.id);
  }
  for (const id of wanted) if (!told.has(id) && !settled.has(id)) alone.add(id);
  for (const id of settled) schedule.read(id, { open: true, isNews: false }, nowMs);
  const { began, ended } = answer;
  return merge(
    ...[...told.values()].map((row) =>
      addState(reading, ksef, { row: ksefRowOf(reading.stream.name, row, 'list'), began, ended, keepsFinal: true }),
    ),
  );
}

/** No page of named fields is asked for any more, until another proof. */
function retireFields(reading: StreamReading, filters: FilterWatch, why: string): Observable<Progress> {
  const { place, shard } = reading;
  const notice = filters.retire('fields', why, shard.now());
  if (notice === null) return EMPTY;
  const message = `what KSeF says is read from each document by itself, as lists with fields= are not to be relied on: ${notice}`;
  return from<readonly Progress[]>([
    { kind: 'warning', ...place, message },
    { kind: 'filters', ...place, standings: filters.standings },
  ]);
}
