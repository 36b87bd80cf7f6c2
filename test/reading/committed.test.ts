import { lastValueFrom, toArray, type Observable } from 'rxjs';

import { FatalError } from '../../src/errors';
import type { ChangedRow, Counts, Cursor } from '../../src/model';
import { reportPage, reportRest } from '../../src/reading/committed';
import type { FoundDrift } from '../../src/shard/drift-of-page';
import type { Progress } from '../../src/reading/progress';
import type { StreamReading } from '../../src/reading/stream-reading';
import { NO_COUNTS } from '../../src/rules/cursor';

const place = { entity: 'alfa', stream: 'invoices' } as const;
const cursor = { number: 3 } as unknown as Cursor;
const letter = { id: 7, path: 'currency', reason: 'expected text' };

/** A stream of which so much was committed that nobody has reported yet. */
function reading(
  counts: Counts,
  deadLettered: readonly (typeof letter)[] = [],
  sweep: Cursor | null = cursor,
  drift: readonly FoundDrift[] = [],
  changed: readonly ChangedRow[] = [],
) {
  return {
    place,
    handle: { cursor: () => sweep, takeCommitted: () => ({ counts, deadLettered, changed, misfits: {}, drift }) },
  } as unknown as StreamReading;
}

const told = (reported: Observable<Progress>): Promise<Progress[]> => lastValueFrom(reported.pipe(toArray()));

const published: Counts = { ...NO_COUNTS, rows: 2, created: 1, deadLetters: 1 };
const reported = [
  { kind: 'page', ...place, counts: published, cursor },
  { kind: 'dead-letter', ...place, ...letter },
];

const read = reported.map((each) => (each.kind === 'page' ? { ...each, scan: 'newest' } : each));

test('a page is reported with its scan and what was committed of its stream, then each dead letter, then what follows', async () => {
  const after = { kind: 'warning', ...place, message: 'a field is new' } as const;
  expect(await told(reportPage(reading(published, [letter]), { cursor, parks: null }, 'newest', [after]))).toEqual([
    ...read,
    after,
  ]);
});

test('how the API differs is reported once its page is committed, also after the scan has ended', async () => {
  const found = [{ what: 'field', name: 'colour', detail: 'string' }] as const;
  const drifted = reading(NO_COUNTS, [], cursor, [{ found, isNews: true }]);
  const drift = { kind: 'drift', ...place, found, isNews: true };
  expect((await told(reportPage(drifted, { cursor, parks: null }, 'sweep'))).slice(1)).toEqual([drift]);
  expect(await told(reportRest(drifted))).toEqual([drift]);
});

test('a page is reported with the rows that were named, whichever scan found them', async () => {
  const changed: readonly ChangedRow[] = [
    { id: 7, op: 'u', scan: 'open' },
    { id: 9, op: 'c', scan: 'newest' },
  ];
  const pages = await told(reportPage(reading(published, [], cursor, [], changed), { cursor, parks: null }, 'newest'));
  expect(pages).toEqual([{ kind: 'page', ...place, scan: 'newest', counts: published, cursor, changed }]);
});

test('a page that parks its stream is reported before the stream is parked (I10)', async () => {
  const parks = new FatalError('no row could be read', { reason: 'shape-changed', parks: 'stream' });
  const seen: Progress[] = [];
  const error = await new Promise<unknown>((resolve) => {
    reportPage(reading(published, [letter]), { cursor, parks }, 'newest').subscribe({
      next: (progress) => seen.push(progress),
      error: resolve,
    });
  });
  expect(seen).toEqual(read);
  expect(error).toBe(parks);
});

test('what was committed after its scan had ended is reported once it is anything', async () => {
  expect(await told(reportRest(reading(published, [letter])))).toEqual(reported);
  expect(await told(reportRest(reading(NO_COUNTS)))).toEqual([]);
  expect(await told(reportRest(reading(published, [letter], null)))).toEqual([]);
});
