import { concat, EMPTY, from, throwError, type Observable } from 'rxjs';

import type { Cursor, ScanName } from '../model';
import { hasPublished } from '../rules/cursor';
import type { PageResult } from '../shard/page-changes';
import type { Progress } from './progress';
import type { StreamReading } from './stream-reading';

/** What a committed page is reported as, and with it whatever of the stream was committed without being reported; then the stream is parked where it must be. */
export function reportPage(
  reading: StreamReading,
  { cursor, parks }: Pick<PageResult, 'cursor' | 'parks'>,
  scan: ScanName,
  then: readonly Progress[] = [],
): Observable<Progress> {
  const reported = from([...takeCommitted(reading, cursor, scan), ...then]);
  return parks === null
    ? reported
    : concat(
        reported,
        throwError(() => parks),
      );
}

/** Reports what was committed after its scan had ended; nothing where there is none. */
export function reportRest(reading: StreamReading): Observable<Progress> {
  const cursor = reading.handle.cursor('sweep');
  if (cursor === null) return EMPTY;
  const [page, ...others] = takeCommitted(reading, cursor);
  const isNew = hasPublished(page.counts) || page.counts.rows > 0;
  return from(isNew ? [page, ...others] : others);
}

function takeCommitted({ handle, place }: StreamReading, cursor: Cursor, scan?: ScanName) {
  const { counts, deadLettered, changed, misfits, drift } = handle.takeCommitted();
  const told = Object.keys(misfits).length === 0 ? {} : { misfits };
  const rows = changed.length === 0 ? {} : { changed };
  const read = scan === undefined ? {} : { scan };
  const page = { kind: 'page', ...place, counts, cursor, ...read, ...rows, ...told } as const;
  const letters = deadLettered.map((row) => ({ kind: 'dead-letter', ...place, ...row }) as const);
  const drifts = drift.map((found) => ({ kind: 'drift', ...place, ...found }) as const);
  return [page, ...letters, ...drifts] as const;
}
