import fc from 'fast-check';

import { EntryFlag } from '../../src/changes/block';
import type { Rhythm } from '../../src/reading/stream-reading';
import { DEAD_LETTERS, idOf, ledgerIn, rowOf } from '../support/memory';
import {
  hasty,
  hintedStories,
  latest,
  lists,
  live,
  lyingStories,
  publishedOf,
  stories,
  type Story,
  type World,
} from '../support/world';

/** Raise it to search longer: `PIPELINE_RUNS=20000`. */
const runs = Number(process.env['PIPELINE_RUNS'] ?? 20);
/** A story that fails is told by its seed and path: to shrink it takes minutes, for which a longer search has the time. */
const asked = { plugins: [fc.timeout(100_000)], endOnFailure: process.env['PIPELINE_RUNS'] === undefined };

function expectEveryRowWithItsLatestContent(world: World): void {
  for (const place of lists) {
    const published = latest(world.kafka.records, place);
    for (const { id, content } of world.rows(place))
      expect({ id, content: published.get(id) }).toEqual({ id, content });
  }
}

function expectEachChangeOnce(world: World): void {
  for (const place of lists) {
    const items = new Map(world.itemsOf(place).map((item) => [item.id, item]));
    const seen = new Map<number, { at: number; fingerprint: unknown; isThere: boolean }>();
    for (const record of publishedOf(world.kafka.records, place)) {
      const id = idOf(record);
      const { at, fingerprint, isThere } = seen.get(id) ?? { at: -1, fingerprint: null, isThere: false };
      const { op } = record.headers;
      if (record.value === null) {
        expect({ id, op, isThere }).toEqual({ id, op: 'd', isThere: true });
        seen.set(id, { at, fingerprint: null, isThere: false });
        continue;
      }
      expect(record.headers['fingerprint']).not.toBe(fingerprint);
      const { content } = rowOf(record);
      const now = items.get(id)?.history.findIndex((version, index) => index > at && version.content === content);
      // Never a content that is older than the one before it.
      expect(now).toBeGreaterThan(at);
      const isRecord = record.topic !== DEAD_LETTERS;
      if (isRecord) expect({ id, isUpdate: op === 'u' }).toEqual({ id, isUpdate: isThere });
      if (isRecord && at >= 0 && fingerprint === null) expect(op).toBe('c');
      seen.set(id, { at: now ?? at, fingerprint: record.headers['fingerprint'], isThere: isThere || isRecord });
    }
  }
}

/** And the topic: what was deleted is nowhere, unless no row was left to compare it with. */
function expectTheLedgerToHoldWhatIsThere(world: World): void {
  for (const place of lists) {
    const ledger = ledgerIn(world.kafka, place.entity, place.stream);
    const missing = new Set(ledger.missingSince(Number.MAX_SAFE_INTEGER));
    const there = world.rows(place).map(({ id }) => id);
    expect(there.filter((id) => missing.has(id) || !ledger.has(id))).toEqual([]);
    expect(ledger.size - missing.size).toBe(there.length);
    if (there.length > 0) expect([...missing]).toEqual([]);
    const has = (id: number, flag: number): boolean => ((ledger.entry(id)?.flags ?? 0) & flag) !== 0;
    const records = world.kafka.records.filter(({ topic }) => topic !== DEAD_LETTERS);
    const held = [...latest(records, place).keys()].filter((id) => !has(id, EntryFlag.LEFT) && !missing.has(id));
    const published = there.filter((id) => has(id, EntryFlag.PUBLISHED));
    expect(held.toSorted((a, b) => a - b)).toEqual(published.toSorted((a, b) => a - b));
  }
}

/** The world at the end of a story, in which the invariants hold. */
async function endOf(story: Story, rhythm: Rhythm | null): Promise<World> {
  const world = await live(story, rhythm);
  expect(world.faults).toEqual([]);
  expectEveryRowWithItsLatestContent(world);
  expectEachChangeOnce(world);
  expectTheLedgerToHoldWhatIsThere(world);
  return world;
}

async function expectInvariants(story: Story, rhythm: Rhythm | null): Promise<void> {
  await endOf(story, rhythm);
}

test('whatever happens to the lists, to commits and to processes: every change is published once, in order, none is lost, and nothing is declared dead that lives (I1, I2, I3, I5)', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      await expectInvariants(story, null);
    }),
    { numRuns: runs, ...asked },
  );
}, 600_000);

test('the same holds where all scans run side by side', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      await expectInvariants(story, hasty);
    }),
    { numRuns: Math.ceil(runs / 3), ...asked },
  );
}, 600_000);

test('the same holds where hints come too: lost, doubled, untrue, late, early and in bursts, they change nothing but delay', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(hintedStories, async (story) => {
      const world = await endOf(story, hasty);
      for (const outcome of world.hintOutcomes) outcomes.add(outcome);
    }),
    { numRuns: Math.ceil(runs / 3), ...asked },
  );
  for (const outcome of ['read', 'known', 'parked', 'not-followed', 'unknown-event'])
    expect([outcome, outcomes.has(outcome)]).toEqual([outcome, true]);
});

test('the same holds where scans by filters run beside them that work, are ignored, refused, or lie: nothing is lost, doubled or declared dead by what they show', async () => {
  let pages = 0;
  await fc.assert(
    fc.asyncProperty(lyingStories, fc.boolean(), async (story, sideBySide) => {
      const world = await endOf(story, sideBySide ? hasty : null);
      pages += world.filteredPages;
    }),
    { numRuns: Math.ceil(runs / 2), ...asked },
  );
  expect(pages).toBeGreaterThan(100);
}, 600_000);
