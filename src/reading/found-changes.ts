import { daysOf } from '../changes/kinds';
import { NO_DATE } from '../changes/block';
import type { CountedList, ScanName } from '../model';
import { isComplete } from '../rules/cursor';
import { daysBefore, isoDay } from '../rules/scope';
import type { PageResult } from '../shard/page-changes';
import { liveOf, scopeOf, type LiveStream, type StreamReading } from './stream-reading';

/** Lets the schedule learn from a committed page what changed, and starts a search where the page's place in its list says that more did. */
export function learnFrom(reading: StreamReading, scan: ScanName, done: PageResult): void {
  const live = liveOf(reading);
  if (live === null) return;
  const { schedule } = live;
  holdAgainstFilters(reading, live, scan, done);
  const { created, firstRead } = done.counts;
  // What a first sweep finds did not happen just now.
  if (created > firstRead) schedule.found('new', created - firstRead);
  for (const { date, wasOpen, isOpen } of done.edited) {
    const kind = schedule.kindOf({ wasOpen, isOpen, isRecent: isRecent(reading, date) });
    schedule.found(kind);
    // What a list no longer shows as open is counted there, and what a webhook brought up is read by itself too.
    if (kind === 'paid' && scan !== 'spot') reading.shard.hints?.foundUnhinted(reading.place.entity, 1);
  }
  if (done.absent > 0) live.absences.next();
  if (scan !== 'search' && scan !== 'spot') watchCount(reading, live, scan, done);
}

/** Lets proofs and the scans by filters be held against what was found. */
function holdAgainstFilters(
  reading: StreamReading,
  { filters }: LiveStream,
  scan: ScanName,
  { edited, changed, cursor }: PageResult,
): void {
  if (filters === null) return;
  const { shard } = reading;
  if (edited.length + changed.length > 0) {
    filters.found({
      scan,
      edited: edited.map(({ row }) => row),
      created: changed.flatMap(({ id, op }) => (op === 'c' ? [id] : [])),
      ended: shard.requestOrder.next(),
      query: scopeOf(reading),
      nowMs: shard.now(),
    });
  }
  if (scan === 'sweep' && isComplete(cursor)) filters.swept(cursor);
}

function watchCount(
  reading: StreamReading,
  live: LiveStream,
  scan: ScanName,
  { count, cursor, noLongerOpen }: PageResult,
): void {
  if (count === null || live.spotReads > 0 || noLongerOpen.length > 0) return;
  // Until a walk of `newest` has come down to its mark, what is new below its page is no surprise.
  if (scan === 'newest' && cursor.finishedAt === null) return;
  const { list } = count;
  if (!live.schedule.isTrusted(list)) return;
  if (list === 'all' && scan !== 'newest' && count.above > 0) {
    // What is new is at the end, where `newest` looks; what that does not show is searched for.
    live.schedule.hurry('newest');
    return;
  }
  if (live.finders[list].note(count, reading.shard.now())) live.searches.next(list);
}

/** Lets a list's total be compared with the ledger, or no longer, once a walk over all of the list has counted it. */
export function judgeTotal(live: LiveStream, list: CountedList, isRight: boolean): void {
  live.schedule.trust(list, isRight);
  live.finders[list].walked(isRight);
}

function isRecent({ shard }: StreamReading, date: number): boolean {
  const { rhythm, now } = shard;
  if (date === NO_DATE || rhythm === null) return false;
  const since = daysOf(daysBefore(isoDay(now()), rhythm.recentDays)) ?? 0;
  return date >= since;
}
