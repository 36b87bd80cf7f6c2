import type { CountedList, EntityId, StreamDeclaration, StreamName } from '../model';
import { ABSENT_FOR_MS } from './deletions';
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
  type Stakes,
} from './stream-schedule';
import { andThen, eitherOf, meanOf, oneOf, quantileOf, waitFor, type Wait } from './waits';

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

/** What decides how often a page is read: what is found by it, its guarantee, or that there are requests to spare for a look at what is new. */
export type Pacing = 'changes' | 'guarantee' | 'look';

/** A scan as it is foreseen. */
export interface ExpectedScan {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly pages: number;
  /** From one reading of a page to the next. */
  readonly everyMs: number;
  readonly pacing: Pacing;
  readonly requestsPerMinute: number;
  /** Changes a minute that its pages are read for: those that they show, and those that their total tells of. */
  readonly changesPerMinute: number;
}

/** How long changes of a kind take from the API to the topic. */
export interface ExpectedDelay {
  readonly change: FoundChange;
  /** Null = of all streams that have documents. */
  readonly stream: StreamName | null;
  readonly perMinute: number;
  readonly meanMs: number;
  readonly p95Ms: number;
}

/** What is to be expected of a schedule. */
export interface Outlook {
  readonly scans: readonly ExpectedScan[];
  readonly delays: readonly ExpectedDelay[];
  readonly usedPerMinute: number;
  /** Requests a minute of it that find, by searches and single reads, what totals told of. */
  readonly findingPerMinute: number;
  /** Requests a minute that keep every guarantee. */
  readonly guaranteedPerMinute: number;
  /** How many times as long as configured the guarantees are; 1 = they are kept. */
  readonly slowdown: number;
  /** Until every list was read once; 0 = there is no limit, so that inFakt's own speed decides. */
  readonly firstSyncMs: number;
}

const MINUTE = 60_000;
/** From a request to its answer. */
const ANSWER_MS = 150;
/** From an answer to its record on the topic. */
const COMMIT_MS = 20;
/** Requests of a deletion beside its search: the second look, the account, the row and a known row before and after. */
const DELETION_REQUESTS = 5;
/** A schedule that runs has looked for so long in the mean, as it forgets by halves each hour. */
const LEARNED_MINUTES = [90];
/** What finding known changes leaves for looking at the least, where so much changes that it would leave nothing. */
const LEAST_LOOKING_PART = 0.1;
const BISECTIONS = 60;
/** Nothing is worth so much that only what is late is read. */
const HIGHEST_INDEX = 1e18;
/** What rounding makes of a part that suffices. */
const SUFFICES = 1.001;
const NOTHING: ChangeRates = { new: 0, paid: 0, deleted: 0, 'edited-open': 0, 'edited-recent': 0, 'edited-old': 0 };

/** A list of a stream: how many pages, and what a reading of one is worth. */
interface Lane {
  readonly stream: ExpectedStream;
  readonly scan: TimedScan;
  readonly pages: number;
  readonly stakes: Stakes;
  readonly guaranteeMs: number;
  readonly changesPerMinute: number;
}

/** A lane, and how often its pages are read. */
interface ReadLane {
  readonly lane: Lane;
  readonly everyMs: number;
  readonly pacing: Pacing;
  readonly perMinute: number;
}

/** How the lanes are read at one moment. */
interface Reading {
  readonly slowdown: number;
  readonly scans: readonly ReadLane[];
  readonly perMinute: number;
}

interface Weighted {
  readonly wait: Wait;
  readonly weight: number;
}

/** Foresees how often each list is read, and how long each kind of change takes, by the schedule's own rule. */
export function outlookOf(streams: readonly ExpectedStream[], setting: OutlookSetting): Outlook {
  const { requestsPerMinute, settings, learnedMinutes = LEARNED_MINUTES } = setting;
  const allowed = requestsPerMinute === 0 ? Infinity : requestsPerMinute * settings.allowance;
  const finding = streams.reduce((sum, stream) => sum + findingOf(stream), 0);
  const looking = Math.max(LEAST_LOOKING_PART * allowed, allowed - finding);
  const moments = learnedMinutes.map((minutes) =>
    readingOf(
      streams.flatMap((stream) => lanesOf(stream, setting, minutes)),
      looking,
      allowed,
    ),
  );
  const scans = scansIn(moments);
  const lanes = moments[0]?.scans.map(({ lane }) => lane) ?? [];
  const guaranteed = lanes.reduce((sum, { pages, guaranteeMs }) => sum + (pages * MINUTE) / guaranteeMs, 0);
  return {
    scans,
    delays: delaysOf(streams, moments, allowed),
    usedPerMinute: Math.min(allowed, finding + scans.reduce((sum, scan) => sum + scan.requestsPerMinute, 0)),
    findingPerMinute: finding,
    guaranteedPerMinute: guaranteed,
    slowdown: Math.max(1, ...moments.map(({ slowdown }) => slowdown)),
    firstSyncMs: firstSyncMs(streams, setting),
  };
}

/** How many IP addresses it takes until what is foreseen is good enough; null = more than `most` do not suffice. */
export function addressesFor(
  streams: readonly ExpectedStream[],
  setting: OutlookSetting,
  isGoodEnough: (outlook: Outlook) => boolean,
  most = 64,
): number | null {
  const suffices = (count: number): boolean =>
    isGoodEnough(outlookOf(streams, { ...setting, requestsPerMinute: setting.requestsPerMinute * count }));
  if (setting.requestsPerMinute === 0) return suffices(1) ? 1 : null;
  if (!suffices(most)) return null;
  let [short, enough] = [0, most];
  while (enough - short > 1) {
    const middle = Math.floor((short + enough) / 2);
    if (suffices(middle)) enough = middle;
    else short = middle;
  }
  return enough;
}

function pagesIn({ rows, declaration }: ExpectedStream, scan: TimedScan): number {
  if (scan === 'newest') return 1;
  if (scan === 'open' && declaration.openField === null) return Infinity;
  return pagesOf(rows[scan], PAGE_ROWS);
}

/** The list by whose pages each kind of change is found that no total tells of. */
function listFor(stream: ExpectedStream, change: FoundChange): TimedScan {
  const scan = change === 'edited-open' ? 'open' : change === 'edited-recent' ? 'recent' : 'sweep';
  if (scan === 'sweep' || !scansOf(stream.declaration).includes(scan)) return 'sweep';
  return isCheaper(pagesIn(stream, scan), pagesIn(stream, 'sweep')) ? scan : 'sweep';
}

/** How many requests a search in so many pages takes. */
function searchRequests(pages: number): number {
  return Math.min(pages, 1 + Math.log2(pages));
}

/** Requests a minute that find what totals tell of: the newest page, searches, single rows. */
function findingOf(stream: ExpectedStream): number {
  const { perMinute } = stream;
  const deleted = perMinute.deleted * (searchRequests(pagesIn(stream, 'sweep')) + DELETION_REQUESTS);
  if (stream.declaration.openField === null) return perMinute.new + deleted;
  return perMinute.new + deleted + perMinute.paid * (searchRequests(pagesIn(stream, 'open')) + 1);
}

const EDITS = ['edited-open', 'edited-recent', 'edited-old'] as const;

function lanesOf(stream: ExpectedStream, { settings }: OutlookSetting, minutes: number): readonly Lane[] {
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
function readingAt(lanes: readonly Lane[], index: number, allowed: number): Reading {
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

/** No page is read again at once, and no scan has two requests on their way. */
function spaced({ pages }: Lane, everyMs: number): { readonly everyMs: number; readonly perMinute: number } {
  const least = Math.max(LEAST_AGE_MS, pages * ANSWER_MS, everyMs);
  return { everyMs: least, perMinute: (pages * MINUTE) / least };
}

function byStream({ scans }: Reading): ReadonlyMap<ExpectedStream, readonly ReadLane[]> {
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
function pollMs(scans: readonly ReadLane[], list: CountedList): number {
  const looks = scans.filter(({ lane }) => listOfScan(lane.scan) === list);
  return MINUTE / looks.reduce((sum, { perMinute }) => sum + perMinute, 0);
}

function scansIn(moments: readonly Reading[]): readonly ExpectedScan[] {
  const [first] = moments;
  if (first === undefined) return [];
  return first.scans.map((read, at): ExpectedScan => {
    const { lane, pacing } = read;
    const perMinute = moments.reduce((sum, { scans }) => sum + (scans[at]?.perMinute ?? 0), 0) / moments.length;
    return {
      entity: lane.stream.entity,
      stream: lane.stream.declaration.name,
      scan: lane.scan,
      pages: lane.pages,
      everyMs: (lane.pages * MINUTE) / perMinute,
      pacing,
      requestsPerMinute: perMinute,
      changesPerMinute: lane.changesPerMinute,
    };
  });
}

const CHANGES = ['new', 'paid', 'edited-open', 'edited-recent', 'edited-old', 'deleted'] as const;

function delaysOf(
  streams: readonly ExpectedStream[],
  moments: readonly Reading[],
  allowed: number,
): readonly ExpectedDelay[] {
  const kinds = new Map<string, { change: FoundChange; stream: StreamName | null; waits: Weighted[] }>();
  for (const moment of moments) {
    const read = byStream(moment);
    for (const stream of streams) {
      const { declaration, perMinute } = stream;
      const scans = read.get(stream) ?? [];
      for (const change of CHANGES.filter((each) => perMinute[each] > 0)) {
        const isOwn = change === 'new' || (declaration.scopeField === null && change !== 'deleted');
        const name = isOwn ? declaration.name : null;
        const key = `${change} ${name ?? ''}`;
        const kind = kinds.get(key) ?? { change, stream: name, waits: [] };
        kinds.set(key, kind);
        kind.waits.push({ wait: delayOf(change, stream, scans, allowed), weight: perMinute[change] });
      }
    }
  }
  return [...kinds.values()].map(({ change, stream, waits }): ExpectedDelay => {
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
  const told = (list: CountedList): Wait => waitFor(pollMs(scans, list));
  const sweep = walk('sweep');
  switch (change) {
    case 'new':
      return andThen(told('all'), seenMs + stepMs + ANSWER_MS);
    case 'paid': {
      if (stream.declaration.openField === null) return andThen(sweep, seenMs);
      const searched = andThen(told('open'), searchRequests(pagesIn(stream, 'open')) * stepMs);
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

/** First sweeps have what reading for freshness leaves, and every second request at the least. */
function firstSyncMs(streams: readonly ExpectedStream[], setting: OutlookSetting): number {
  const { requestsPerMinute } = setting;
  if (requestsPerMinute === 0) return 0;
  const lists = streams.flatMap((stream) => lanesOf({ ...stream, perMinute: NOTHING }, setting, 0));
  const pages = lists.reduce((sum, lane) => sum + lane.pages, 0);
  const others = lists.filter(({ scan }) => scan !== 'sweep');
  const beside = readingAt(others, WORTH_A_REQUEST, requestsPerMinute).perMinute;
  return (pages * MINUTE) / (requestsPerMinute - Math.min(requestsPerMinute / 2, beside));
}
