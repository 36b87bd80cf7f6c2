import type { CountedList, EntityId, StreamDeclaration } from '../model';
import { GUARANTEES_PART, type Allowance } from './forecast';
import { PAGE_ROWS } from './paging';
import { weightPerMinute } from './rate';
import { guaranteesOf, pagesOf, type TimedScan } from './rhythm';
import { scansOf } from './scope';
import {
  IDLE_POLL_MS,
  intervalAt,
  isCheaper,
  LEAST_AGE_MS,
  listOfScan,
  WEIGHTS,
  WORTH_A_REQUEST,
  type FoundChange,
  type Pacing,
  type Stakes,
} from './stream-schedule';

/** How often changes of each kind happen in a stream, a minute. */
export type ChangeRates = Readonly<Record<FoundChange, number>>;

/** A stream as it is thought to be. */
export interface ExpectedStream {
  readonly entity: EntityId;
  readonly declaration: Pick<StreamDeclaration, 'name' | 'scopeField' | 'openField'>;
  /** Rows that each of its scans reads. */
  readonly rows: { readonly sweep: number; readonly open: number; readonly recent: number };
  readonly perMinute: ChangeRates;
}

/** What the outlook follows from. */
export interface OutlookSetting extends Pick<Allowance, 'settings' | 'requestsPerMinute'> {
  /** For how long the schedule has looked for changes; of several times, what is foreseen is their mean. */
  readonly learnedMinutes?: readonly number[];
}

/** A list of a stream: how many pages, and what a reading of one is worth. */
export interface Lane {
  readonly stream: ExpectedStream;
  readonly scan: TimedScan;
  readonly pages: number;
  readonly stakes: Stakes;
  readonly guaranteeMs: number;
  readonly changesPerMinute: number;
}

/** A lane, and how often its pages are read. */
export interface ReadLane {
  readonly lane: Lane;
  readonly everyMs: number;
  readonly pacing: Pacing;
  readonly perMinute: number;
}

/** How the lanes are read at one moment. */
export interface Reading {
  readonly slowdown: number;
  readonly scans: readonly ReadLane[];
  readonly perMinute: number;
}

const MINUTE = 60_000;

/** From a request to its answer. */
export const ANSWER_MS = 150;

/** Requests of a deletion beside its search: the second look, the account, the row and a known row before and after. */
export const DELETION_REQUESTS = 5;

/** A schedule that runs has looked for so long in the mean, as it forgets by halves each hour. */
const LEARNED_MINUTES = [90];

/** What finding known changes leaves for looking at the least, where so much changes that it would leave nothing. */
const LEAST_LOOKING_PART = 0.1;

const BISECTIONS = 60;

/** Nothing is worth so much that only what is late is read. */
const HIGHEST_INDEX = 1e18;

/** What rounding makes of a part that suffices. */
const SUFFICES = 1.001;

/** Requests a minute that reading for freshness may use. */
export function allowedPerMinute({ requestsPerMinute, settings }: OutlookSetting): number {
  return requestsPerMinute === 0 ? Infinity : requestsPerMinute * settings.allowance;
}

/** How each list is read, at each of the moments that the setting names, by the schedule's own rule. */
export function foreseeReading(streams: readonly ExpectedStream[], setting: OutlookSetting): readonly Reading[] {
  const { learnedMinutes = LEARNED_MINUTES } = setting;
  const allowed = allowedPerMinute(setting);
  const finding = streams.reduce((sum, stream) => sum + findingOf(stream), 0);
  const looking = Math.max(LEAST_LOOKING_PART * allowed, allowed - finding);
  return learnedMinutes.map((minutes) =>
    readingOf(
      streams.flatMap((stream) => lanesOf(stream, setting, minutes)),
      looking,
      allowed,
    ),
  );
}

/** How many requests a walk of a scan takes; infinite where the stream has no such list. */
export function pagesIn({ rows, declaration }: ExpectedStream, scan: TimedScan): number {
  if (scan === 'newest') return 1;
  if (scan === 'open' && declaration.openField === null) return Infinity;
  return pagesOf(rows[scan], PAGE_ROWS);
}

/** The list by whose pages each kind of change is found that no total tells of. */
export function listFor(stream: ExpectedStream, change: FoundChange): TimedScan {
  const scan = change === 'edited-open' ? 'open' : change === 'edited-recent' ? 'recent' : 'sweep';
  if (scan === 'sweep' || !scansOf(stream.declaration).includes(scan)) return 'sweep';
  return isCheaper(pagesIn(stream, scan), pagesIn(stream, 'sweep')) ? scan : 'sweep';
}

/** How many requests a search in so many pages takes. */
export function searchRequests(pages: number): number {
  return Math.min(pages, 1 + Math.log2(pages));
}

/** Requests a minute that find what totals tell of: the newest page, searches, single rows. */
export function findingOf(stream: ExpectedStream): number {
  const { perMinute } = stream;
  const deleted = perMinute.deleted * (searchRequests(pagesIn(stream, 'sweep')) + DELETION_REQUESTS);
  if (stream.declaration.openField === null) return perMinute.new + deleted;
  return perMinute.new + deleted + perMinute.paid * (searchRequests(pagesIn(stream, 'open')) + 1);
}

/** The changes that no total tells of. */
export const EDITS = ['edited-open', 'edited-recent', 'edited-old'] as const;

/** The lists of a stream, with what a reading of their pages is worth after so many minutes of looking. */
export function lanesOf(stream: ExpectedStream, { settings }: OutlookSetting, minutes: number): readonly Lane[] {
  const { declaration, rows, perMinute } = stream;
  const guarantees = guaranteesOf(settings, declaration.name);
  const rate = (weight: number, found: number, of: number): number =>
    weightPerMinute({ weight, found: found * minutes, rows: of, minutes }) / 60;
  const all = rate(WEIGHTS.new, WEIGHTS.new * perMinute.new + WEIGHTS.deleted * perMinute.deleted, rows.sweep);
  const open = rate(WEIGHTS.paid, WEIGHTS.paid * perMinute.paid, rows.open);
  return scansOf(declaration).map((scan): Lane => {
    const pages = pagesIn(stream, scan);
    const edits = EDITS.filter((change) => listFor(stream, change) === scan);
    const found = edits.reduce((sum, change) => sum + WEIGHTS[change] * perMinute[change], 0);
    const list = listOfScan(scan);
    const told = list === null ? 0 : list === 'all' ? perMinute.new + perMinute.deleted : perMinute.paid;
    const walk = scan === 'newest' ? 0 : rate(WEIGHTS['edited-old'], found, rows[scan]) / pages;
    return {
      stream,
      scan,
      pages,
      stakes: { walk, look: list === null ? 0 : list === 'all' ? all : open },
      guaranteeMs: guarantees[scan],
      changesPerMinute: told + edits.reduce((sum, change) => sum + perMinute[change], 0),
    };
  });
}

/** Raises what a reading must be worth until the requests suffice. */
function readingOf(lanes: readonly Lane[], looking: number, allowed: number): Reading {
  const easy = readingAt(lanes, WORTH_A_REQUEST, allowed);
  if (easy.perMinute <= looking) return withPolls(easy, looking);
  let [least, most] = [WORTH_A_REQUEST, 4 * WORTH_A_REQUEST];
  let reading = readingAt(lanes, most, allowed);
  while (reading.perMinute > looking && most < HIGHEST_INDEX) {
    [least, most] = [most, 4 * most];
    reading = readingAt(lanes, most, allowed);
  }
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = Math.sqrt(least * most);
    const between = readingAt(lanes, middle, allowed);
    if (between.perMinute > looking) least = middle;
    else [most, reading] = [middle, between];
  }
  return reading;
}

/** How the lanes are read where each page is read once it has come to an index, or once its guarantee is over. */
export function readingAt(lanes: readonly Lane[], index: number, allowed: number): Reading {
  const wanted = lanes.map((lane) => ({ lane, everyMs: byWorth(lane, index) }));
  const late = (slowdown: number): number =>
    wanted.reduce((sum, { lane: { pages, guaranteeMs }, everyMs }) => {
      return everyMs > guaranteeMs * slowdown ? sum + (pages * MINUTE) / (guaranteeMs * slowdown) : sum;
    }, 0);
  const most = GUARANTEES_PART * allowed;
  let slowdown = 1;
  // The fewer are late the less they want, so that this ends.
  for (let now = late(1); now > most * SUFFICES; now = late(slowdown)) slowdown *= now / most;
  const scans = wanted.map(({ lane, everyMs }): ReadLane => {
    const latestMs = lane.guaranteeMs * slowdown;
    return { lane, ...spaced(lane, Math.min(everyMs, latestMs)), pacing: everyMs > latestMs ? 'guarantee' : 'changes' };
  });
  return { slowdown, scans, perMinute: scans.reduce((sum, { perMinute }) => sum + perMinute, 0) };
}

/** From one reading of a page to the next by what it is worth: a sweep's page shows the total that the newest shows, and is worth more. */
function byWorth({ scan, pages, stakes }: Lane, index: number): number {
  return scan === 'newest' ? Infinity : intervalAt(index, stakes, pages);
}

/** No page is read again at once, no scan has two requests on their way, and a sweep ends with a second look at its last page. */
function spaced({ scan, pages }: Lane, wantedMs: number): { readonly everyMs: number; readonly perMinute: number } {
  const leastMs = Math.max(LEAST_AGE_MS, pages * ANSWER_MS, wantedMs);
  const lastLookMs = scan === 'sweep' && pages > 1 ? Math.max(0, LEAST_AGE_MS - leastMs / pages) : 0;
  const everyMs = leastMs + lastLookMs;
  return { everyMs, perMinute: (pages * MINUTE) / everyMs };
}

/** The lists of each stream. */
export function byStream({ scans }: Reading): ReadonlyMap<ExpectedStream, readonly ReadLane[]> {
  const all = new Map<ExpectedStream, ReadLane[]>();
  for (const scan of scans) {
    const known = all.get(scan.lane.stream);
    if (known === undefined) all.set(scan.lane.stream, [scan]);
    else known.push(scan);
  }
  return all;
}

/** Requests to spare go to looks for what is new. */
function withPolls(reading: Reading, looking: number): Reading {
  const read = byStream(reading);
  const polled = reading.scans.map((scan): ReadLane => {
    const { lane } = scan;
    if (lane.scan !== 'newest' && lane.scan !== 'open') return scan;
    const list = listOfScan(lane.scan);
    const idleMs = IDLE_POLL_MS * lane.pages;
    const isSeen = list !== null && pollMs(read.get(lane.stream) ?? [], list) <= IDLE_POLL_MS;
    return isSeen || scan.everyMs <= idleMs ? scan : { ...scan, ...spaced(lane, idleMs), pacing: 'look' };
  });
  const more = polled.reduce((sum, scan, at) => sum + scan.perMinute - (reading.scans[at]?.perMinute ?? 0), 0);
  const part = Math.min(1, (looking - reading.perMinute) / more);
  if (!(part > 0)) return reading;
  const scans = polled.map((scan, at): ReadLane => {
    const before = reading.scans[at];
    if (before === undefined || scan.perMinute <= before.perMinute) return scan;
    const perMinute = before.perMinute + part * (scan.perMinute - before.perMinute);
    return { ...scan, perMinute, everyMs: (scan.lane.pages * MINUTE) / perMinute };
  });
  return { ...reading, scans, perMinute: scans.reduce((sum, { perMinute }) => sum + perMinute, 0) };
}

/** From one sight of a list's total to the next. */
export function pollMs(scans: readonly ReadLane[], list: CountedList): number {
  const looks = scans.filter(({ lane }) => listOfScan(lane.scan) === list);
  return MINUTE / looks.reduce((sum, { perMinute }) => sum + perMinute, 0);
}
