import fc from 'fast-check';

import { CoverageWatch, type SweepEvidence } from '../../src/rules/coverage';
import type { OutgoingRecord } from '../../src/sinks/transaction';
import { DEAD_LETTERS, idOf, rowOf, SWEEPS } from '../support/memory';
import { hasty, lists, live, publishedOf, stories, type Story } from '../support/world';

/** Raise it to search longer: `PIPELINE_RUNS=20000`. */
const runs = Number(process.env['PIPELINE_RUNS'] ?? 20);

type Place = (typeof lists)[number];

/** Plays a story, and waits for each instant that a sweep covers; returns what came to a topic after the wait for an instant before which it was visible. */
async function cameTooLate(story: Story, isHasty: boolean): Promise<{ late: string[]; waits: number }> {
  const late: string[] = [];
  /** The latest instant that a wait returned for, by list. */
  const returned = new Map<Place, number>();
  let waits = 0;
  await live(story, isHasty ? hasty : null, {
    onCommitted: ({ records }, world) => {
      for (const place of lists) {
        const instant = returned.get(place) ?? -Infinity;
        for (const record of publishedOf(records, place)) {
          if (record.value === null || record.topic === DEAD_LETTERS) continue;
          const id = idOf(record);
          const item = world.itemsOf(place).find((each) => each.id === id);
          const at = item?.history.findLastIndex(({ content }) => content === rowOf(record)['content']) ?? -1;
          const from = item?.history[at]?.at ?? Infinity;
          // A row outside the scope is no row of the list that a sweep reads.
          const wasShown = item?.shown.some((span) => span.from <= instant && (span.to ?? Infinity) > from) === true;
          if (from <= instant && wasShown)
            late.push(
              `${place.entity} ${place.stream} ${id}, visible from ${from}, came after the wait for ${instant}`,
            );
        }
        for (const sweep of records.filter((record) => isSweepOf(record, place))) {
          const { started_at: startedAtMs, finished_at: finishedAtMs, complete, number } = sweepIn(sweep);
          const evidence = { ...place, number, startedAtMs, finishedAtMs, complete, lacks: '' };
          const instantMs = latestCovered(evidence);
          if (instantMs === null) continue;
          returned.set(place, Math.max(instantMs, instant));
          waits += 1;
        }
      }
    },
  });
  return { late, waits };
}

/** The latest instant for which a wait returns once this sweep is committed; null = there is none. */
function latestCovered(sweep: SweepEvidence): number | null {
  const { entity, stream, startedAtMs, finishedAtMs } = sweep;
  for (let instantMs = finishedAtMs + 1; instantMs >= startedAtMs - 1; instantMs -= 1) {
    const watch = new CoverageWatch({ entity, streams: [stream], instantMs });
    watch.add(sweep);
    if (watch.coverage().kind === 'covered') return instantMs;
  }
  return null;
}

function isSweepOf({ topic, headers }: OutgoingRecord, { entity, stream }: Place): boolean {
  return topic === SWEEPS && headers['entity'] === entity && headers['stream'] === stream;
}

interface SweepRecord {
  readonly started_at: number;
  readonly finished_at: number;
  readonly complete: boolean;
  readonly number: number;
}

function sweepIn({ value }: OutgoingRecord): SweepRecord {
  return JSON.parse(value?.toString() ?? 'null') as SweepRecord;
}

test.each([false, true])(
  'no row that was visible before an instant comes after the wait for that instant returned (all scans side by side: %s)',
  async (isHasty) => {
    let waits = 0;
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        const outcome = await cameTooLate(story, isHasty);
        expect(outcome.late).toEqual([]);
        waits += outcome.waits;
      }),
      { numRuns: isHasty ? Math.ceil(runs / 3) : runs, plugins: [fc.timeout(100_000)] },
    );
    expect(waits).toBeGreaterThan(10);
  },
  600_000,
);
