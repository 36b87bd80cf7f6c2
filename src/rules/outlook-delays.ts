import type { CountedList, StreamName } from '../model';
import { ABSENT_FOR_MS } from './deletions';
import {
  ANSWER_MS,
  byStream,
  DELETION_REQUESTS,
  EDITS,
  listFor,
  pagesIn,
  pollMs,
  searchRequests,
  type ExpectedStream,
  type ReadLane,
  type Reading,
} from './foreseen-reading';
import type { TimedScan } from './rhythm';
import { FIRST_REST_MS } from './search';
import type { FoundChange } from './stream-schedule';
import { andPerhaps, andThen, eitherOf, meanOf, oneOf, quantileOf, waitFor, type Wait } from './waits';

/** How long changes of a kind take from the API to the topic. */
export interface ExpectedDelay {
  readonly change: FoundChange;
  /** Null = of all streams that have documents. */
  readonly stream: StreamName | null;
  readonly perMinute: number;
  readonly meanMs: number;
  readonly p95Ms: number;
}

interface Weighted {
  readonly wait: Wait;
  readonly weight: number;
}

interface Kind {
  readonly change: FoundChange;
  readonly stream: StreamName | null;
  /** By what they follow from. */
  readonly waits: Map<string, Weighted>;
}

const MINUTE = 60_000;

/** From an answer to its record on the topic. */
const COMMIT_MS = 20;

/** Looks at a total are not evenly spaced, as what is found speeds a list up: such a part of them, and so many times as far apart, by the bench. */
const LATE_LOOKS = { part: 0.12, times: 2 };

/** Such a part of all searches find nothing, by the bench, as what they look for is found by a walk meanwhile. */
const SEARCHES_IN_VAIN = 0.1;

const CHANGES = ['new', 'paid', 'edited-open', 'edited-recent', 'edited-old', 'deleted'] as const;

/** How long each kind of change takes, from how each list is read; of several readings, what is foreseen is their mean. */
export function delaysOf(
  streams: readonly ExpectedStream[],
  moments: readonly Reading[],
  allowed: number,
): readonly ExpectedDelay[] {
  const kinds = new Map<string, Kind>();
  for (const moment of moments) {
    const read = byStream(moment);
    for (const stream of streams) {
      const { declaration, perMinute } = stream;
      const scans = read.get(stream) ?? [];
      for (const change of CHANGES.filter((each) => perMinute[each] > 0)) {
        const isOwn = change === 'new' || (declaration.scopeField === null && change !== 'deleted');
        const name = isOwn ? declaration.name : null;
        const key = `${change} ${name ?? ''}`;
        const kind = kinds.get(key) ?? { change, stream: name, waits: new Map<string, Weighted>() };
        kinds.set(key, kind);
        // Companies alike are many, and what is foreseen of one holds for all.
        const alike = [
          declaration.name,
          ...scans.map(({ lane: { pages }, everyMs }) => `${pages} ${Math.round(everyMs)}`),
        ].join();
        const { wait, weight } = kind.waits.get(alike) ?? { wait: delayOf(change, stream, scans, allowed), weight: 0 };
        kind.waits.set(alike, { wait, weight: weight + perMinute[change] });
      }
    }
  }
  return [...kinds.values()].map(({ change, stream, waits: byName }): ExpectedDelay => {
    const waits = [...byName.values()];
    const wait = oneOf(waits);
    const perMinute = waits.reduce((sum, { weight }) => sum + weight, 0) / moments.length;
    return { change, stream, perMinute, meanMs: meanOf(wait), p95Ms: quantileOf(wait, 0.95) };
  });
}

/** From a change to its record on the topic. */
function delayOf(change: FoundChange, stream: ExpectedStream, scans: readonly ReadLane[], allowed: number): Wait {
  /** From leave for one request to leave for the next that follows from its answer. */
  const stepMs = Math.max(ANSWER_MS, MINUTE / allowed);
  const seenMs = ANSWER_MS / 2 + COMMIT_MS;
  const walk = (scan: TimedScan): Wait => waitFor(scans.find(({ lane }) => lane.scan === scan)?.everyMs ?? Infinity);
  const told = (list: CountedList): Wait => lookAt(list, scans, stream);
  const sweep = walk('sweep');
  switch (change) {
    case 'new':
      return andThen(told('all'), seenMs + stepMs + ANSWER_MS);
    case 'paid': {
      if (stream.declaration.openField === null) return andThen(sweep, seenMs);
      const found = andThen(told('open'), searchRequests(pagesIn(stream, 'open')) * stepMs);
      const searched = andPerhaps(found, SEARCHES_IN_VAIN, FIRST_REST_MS);
      return andThen(eitherOf(searched, eitherOf(walk('open'), sweep)), seenMs + stepMs + ANSWER_MS);
    }
    case 'deleted': {
      const searched = andThen(told('all'), searchRequests(pagesIn(stream, 'sweep')) * stepMs);
      return andThen(eitherOf(searched, sweep), seenMs + ABSENT_FOR_MS + DELETION_REQUESTS * stepMs);
    }
    case 'edited-open':
      return andThen(eitherOf(walk('open'), sweep), seenMs);
    case 'edited-recent':
      return andThen(eitherOf(walk('recent'), sweep), seenMs);
    case 'edited-old':
      return andThen(sweep, seenMs);
  }
}

/** The wait for the next sight of a list's total; looks are as even as the list is still. */
function lookAt(list: CountedList, scans: readonly ReadLane[], stream: ExpectedStream): Wait {
  const everyMs = pollMs(scans, list);
  const scan = list === 'open' ? 'open' : 'sweep';
  const isStill = EDITS.every((change) => listFor(stream, change) !== scan || stream.perMinute[change] === 0);
  if (isStill) return waitFor(everyMs);
  const { part, times } = LATE_LOOKS;
  return oneOf([
    { wait: waitFor(everyMs), weight: 1 - part },
    { wait: waitFor(times * everyMs), weight: part },
  ]);
}
