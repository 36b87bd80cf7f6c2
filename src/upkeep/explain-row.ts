import { EntryFlag } from '../changes/block';
import type { Entry } from '../changes/entries';
import type { Cursor, Query, StreamDeclaration } from '../model';
import type { Forecast } from '../rules/forecast';
import type { TimedScan } from '../rules/rhythm';
import { DAY_MS, isoDay, scansOf } from '../rules/scope';
import type { DifferingFields } from './differing-fields';

/** How what is published of a row stands to what the API says now. */
export type RowVerdict = 'same' | 'newer-in-api' | 'missing' | 'out-of-scope' | 'dead-letter' | 'unknown';

/** A record of a topic, without its content. */
export interface FoundRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the broker has the record from. */
  readonly timestamp: string;
  /** When the row was read that the record shows; null = the record does not say. */
  readonly observedAt: string | null;
  readonly op: string | null;
  /** Which scan read the row. */
  readonly scan: string | null;
  readonly fingerprint: string | null;
}

/** A dead letter of the row. */
export interface FoundLetter extends FoundRecord {
  /** Says the type and the length of the value, never the value. */
  readonly error: string;
  readonly errorPath: string;
}

/** What the API says of the row now. */
export type ApiAnswer =
  | {
      readonly kind: 'row';
      /** `address`: the row's own address answered; `list`: the row was looked for in its list. */
      readonly how: 'address' | 'list';
      readonly inScope: boolean;
      /** Whether the row has no value in the field by which `open` filters; null = the stream has none. */
      readonly open: boolean | null;
      /** The row's date by which the stream is scoped, `YYYY-MM-DD`; null = none. */
      readonly date: string | null;
      readonly reading:
        | {
            readonly kind: 'fits';
            /** Under the current definition. */
            readonly fingerprint: string;
            /** Whether the row says what is published of it; of a row without a record false. */
            readonly isPublished: boolean;
            /** Whether the row is the one that the entry names: of a dead letter, the row that could not be published. */
            readonly isRemembered: boolean;
            /** Null = there is no record to compare with. */
            readonly differing: DifferingFields | null;
          }
        | { readonly kind: 'refused'; readonly error: string; readonly path: string };
    }
  | { readonly kind: 'none'; readonly how: 'address' | 'list' }
  | { readonly kind: 'not-asked'; readonly reason: string };

/** Whether the configuration has the row's stream read. */
export type Reading = 'read' | 'stream-not-read' | 'disabled' | 'not-configured';

/** All that is known of one row. */
export interface RowFacts {
  readonly id: number;
  readonly declaration: Pick<StreamDeclaration, 'scopeField' | 'openField'>;
  readonly reading: Reading;
  /** Null = the ledger has none. */
  readonly entry: Entry | null;
  /** The newest record; null = there is none. */
  readonly record: FoundRecord | null;
  readonly letter: FoundLetter | null;
  readonly api: ApiAnswer;
  /** What a sweep asks for. */
  readonly scope: Query;
  readonly cursors: Readonly<Record<string, Cursor>>;
  readonly hold: { readonly id: string; readonly since: string } | null;
  /** Whether the row stays missing although it was asked for by itself. */
  readonly isPending: boolean;
  readonly forecasts: readonly Forecast[];
}

/** What a scan has to do with the row, as far as the state tells. */
export interface ScanOfRow {
  readonly scan: TimedScan;
  /** `saw`: in that span; `missed`: the row was not there; `passes-by`: the row is none that the scan asks for; `unknown`: the state does not tell. */
  readonly last: 'saw' | 'missed' | 'passes-by' | 'unknown';
  /** Of `saw` and `missed`: the walk, whose pages have no times of their own; `to` null = the walk is under way. */
  readonly within: { readonly from: string; readonly to: string | null } | null;
  /** Why, in one sentence. */
  readonly because: string;
  /** When the next walk begins at the earliest, or `under way`; null = nothing is planned, or the state does not tell. */
  readonly next: string | null;
  readonly everySeconds: number | null;
  /** Whether a next walk would show the row as the API has it; null = not known. */
  readonly wouldShow: boolean | null;
}

/** A row that sweeps no longer showed. */
export interface Absence {
  /** Number of the sweep that first missed the row. */
  readonly since: number;
  readonly state: 'one-sweep' | 'held' | 'pending';
  readonly hold: string | null;
}

/** What is to be told of one row. */
export interface Explanation {
  readonly verdict: RowVerdict;
  /** What the verdict says in one sentence, and why no newer record was published. */
  readonly because: string;
  readonly scans: readonly ScanOfRow[];
  readonly absence: Absence | null;
}

/** Explains one row: how its record stands to the API, why nothing newer was published, and which scan comes to it when. */
export function explainRow(facts: RowFacts): Explanation {
  const scans = scansOf(facts.declaration).map((scan) => scanOf(facts, scan));
  return { ...judge(facts, scans), scans, absence: absenceOf(facts) };
}

function has({ entry }: RowFacts, flag: number): boolean {
  return entry !== null && (entry.flags & flag) !== 0;
}

function isTombstone({ record }: RowFacts): boolean {
  return record?.op === 'd';
}

/** Whether the last reading of the row went to the dead-letter topic; a record that was read later is newer than the ledger that was looked at. */
function isDead(facts: RowFacts): boolean {
  const { entry, record, letter } = facts;
  const isLaterRecord = (record?.observedAt ?? '') > (letter?.observedAt ?? '');
  if (letter !== null && isLaterRecord) return false;
  return entry === null ? letter !== null : has(facts, EntryFlag.DEAD_LETTERED);
}

function judge(facts: RowFacts, scans: readonly ScanOfRow[]): Pick<Explanation, 'verdict' | 'because'> {
  const { api, entry, record, letter } = facts;
  if (api.kind === 'not-asked') {
    const tail = `What the API says now is not known: ${api.reason}.`;
    if (isDead(facts)) return { verdict: 'dead-letter', because: `${deadLetterText(letter)} ${tail}` };
    if (has(facts, EntryFlag.LEFT))
      return { verdict: 'out-of-scope', because: `The row left the scope and is not followed. ${tail}` };
    return { verdict: 'unknown', because: tail };
  }
  if (api.kind === 'none') {
    const says =
      api.how === 'address' ? 'The API answers that there is no such row' : 'The list of the API does not show the row';
    if (isTombstone(facts)) return { verdict: 'same', because: `${says}, and its tombstone is published.` };
    if (entry === null && record === null)
      return { verdict: 'unknown', because: `${says}, and nothing was ever published or remembered of it.` };
    return { verdict: 'missing', because: `${says}. ${whyNoTombstone(facts)}` };
  }
  if (!api.inScope) return { verdict: 'out-of-scope', because: outOfScopeText(facts) };
  if (facts.reading !== 'read' && (record === null || isTombstone(facts)))
    return { verdict: 'out-of-scope', because: `${notReadText(facts.reading)}, so nothing of the row is published.` };
  if (api.reading.kind === 'refused') {
    const { error } = api.reading;
    const next = isDead(facts) ? '' : ` ${nextReadText(facts, scans)}`;
    return {
      verdict: 'dead-letter',
      because: `The row as the API has it cannot become a record (${error}); an earlier record stands as it is.${next}`,
    };
  }
  if (isDead(facts) && api.reading.isRemembered)
    return { verdict: 'dead-letter', because: `${deadLetterText(letter)} The API still shows that same row.` };
  if (api.reading.isPublished && !isTombstone(facts)) {
    const again = has(facts, EntryFlag.REPUBLISH)
      ? ' The row is marked to be published again by the next scan that shows it.'
      : '';
    return { verdict: 'same', because: `The newest record says what the API says.${again}` };
  }
  return { verdict: 'newer-in-api', because: newerText(facts, scans) };
}

function deadLetterText(letter: FoundLetter | null): string {
  return letter === null
    ? 'The last reading of the row went to the dead-letter topic, which no longer holds that dead letter.'
    : `The last reading of the row could not become a record (${letter.error}).`;
}

function newerText(facts: RowFacts, scans: readonly ScanOfRow[]): string {
  const { record, entry } = facts;
  const what =
    record === null
      ? entry === null
        ? 'The row was never read.'
        : 'The row has no record on the topic, although it was read.'
      : isTombstone(facts)
        ? 'The row is back in the API after its tombstone.'
        : isDead(facts)
          ? 'The row changed since its last reading went to the dead-letter topic.'
          : 'The row changed since its newest record was read.';
  return `${what} ${nextReadText(facts, scans)}`;
}

/** Which scan reads the row next, or why none does. */
function nextReadText({ reading }: RowFacts, scans: readonly ScanOfRow[]): string {
  if (reading !== 'read') return `${notReadText(reading)}, so no scan reads it.`;
  const [first] = scans
    .filter(({ wouldShow, next }) => wouldShow === true && next !== null)
    .toSorted((one, other) => (timeOf(one) < timeOf(other) ? -1 : 1));
  const parked = 'whether the stream is parked is not stored: the log of the running service tells';
  if (first === undefined) return `No scan has read it since, and none is known to come to it; ${parked}.`;
  const when = first.next === UNDER_WAY ? 'is under way and has yet to come to it' : `is due at ${first.next ?? ''}`;
  return `No scan has read it since; ${first.scan} ${when}; ${parked}.`;
}

const UNDER_WAY = 'under way';

function timeOf({ next }: ScanOfRow): string {
  return next === null || next === UNDER_WAY ? '' : next;
}

function notReadText(reading: Reading): string {
  switch (reading) {
    case 'not-configured':
      return 'No file names the entity';
    case 'disabled':
      return 'The entity is disabled in its file';
    case 'stream-not-read':
      return "The entity's file leaves the stream out";
    case 'read':
      return 'The stream is read';
  }
}

function outOfScopeText(facts: RowFacts): string {
  const { scope, api, record } = facts;
  const from = scope.from === null ? 'the beginning' : scope.from;
  const to = scope.to === null ? 'now and beyond' : scope.to;
  const dated = api.kind === 'row' && api.date !== null ? `is dated ${api.date}` : 'has no date';
  const outside = `The row ${dated}, outside the scope from ${from} to ${to} (start_date and end_date in the entity's file)`;
  if (record === null || isTombstone(facts)) return `${outside}, so it is not published.`;
  const left = has(facts, EntryFlag.LEFT)
    ? 'its record stands as it was published and is not followed any more'
    : 'two reads that miss it publish it once more as it is then, and it is not followed after that';
  return `${outside}: ${left}.`;
}

function whyNoTombstone(facts: RowFacts): string {
  const absence = absenceOf(facts);
  if (facts.reading !== 'read') return `${notReadText(facts.reading)}, so no tombstone is published.`;
  if (absence === null) {
    if (has(facts, EntryFlag.LEFT)) return 'The row had left the scope, where deletions are not noticed.';
    return 'No sweep has missed it yet: a tombstone needs two reads that miss it, a minute apart, and its own address to answer 404.';
  }
  switch (absence.state) {
    case 'one-sweep':
      return `Sweep ${absence.since} missed it first: a tombstone needs one more sweep that misses it.`;
    case 'held':
      return `Sweep ${absence.since} missed it first, and the deletions of the stream wait for a person (hold ${absence.hold ?? ''}).`;
    case 'pending':
      return `Sweep ${absence.since} missed it first, and it stays pending: its own address answered neither with it nor with 404 when it was asked for, or nothing could be shown by the rows known to be there. The next sweep asks again.`;
  }
}

function absenceOf({ entry, hold, isPending }: RowFacts): Absence | null {
  if (entry === null || entry.missing === 0) return null;
  const state = hold !== null ? 'held' : isPending ? 'pending' : 'one-sweep';
  return { since: entry.missing, state, hold: hold?.id ?? null };
}

/** What one scan has to do with the row. */
function scanOf(facts: RowFacts, scan: TimedScan): ScanOfRow {
  const cursor = facts.cursors[scan];
  const forecast = facts.forecasts.find((each) => each.scan.scan === scan);
  const last = lastOf(facts, scan, cursor);
  const isUnderWay = cursor !== undefined && cursor.finishedAt === null;
  // A `newest` that found nothing is not written down, so when it comes next is not known.
  const isPlanned = forecast !== undefined && scan !== 'newest';
  const next = !isPlanned ? null : forecast.underWay ? UNDER_WAY : new Date(forecast.dueAtMs).toISOString();
  const hasPassed = scan === 'sweep' && isUnderWay && (cursor.position.anchor ?? 0) >= facts.id;
  return {
    scan,
    ...last,
    next: hasPassed ? null : next,
    everySeconds: forecast === undefined || !Number.isFinite(forecast.everyMs) ? null : forecast.everyMs / 1_000,
    wouldShow: wouldShow(facts, scan, cursor),
  };
}

type LastLook = Pick<ScanOfRow, 'last' | 'within' | 'because'>;

function lastOf(facts: RowFacts, scan: TimedScan, cursor: Cursor | undefined): LastLook {
  const { entry } = facts;
  const unknown = (because: string): LastLook => ({ last: 'unknown', within: null, because });
  const passesBy = (because: string): LastLook => ({ last: 'passes-by', within: null, because });
  if (cursor === undefined) return unknown('no walk of this scan is remembered');
  const walk = { from: cursor.startedAt, to: cursor.finishedAt };
  if (scan === 'newest') return newestOf(facts, cursor);
  if (entry === null) return unknown('the ledger has no entry of the row, so no scan is known to have read it');
  if (has(facts, EntryFlag.LEFT)) return passesBy('the row left the scope');
  if (scan === 'sweep') return sweepOf(facts, cursor);
  if (scan === 'open') {
    if (!has(facts, EntryFlag.OPEN)) return passesBy('the row was not open when it was last read');
    return { last: 'saw', within: walk, because: 'the last walk, or one before it, showed the row as open' };
  }
  const { from, to } = cursor.query;
  const date = entry.date === null ? null : isoDay(entry.date * DAY_MS);
  const isAsked = date !== null && (from === null || date >= from) && (to === null || date <= to);
  if (!isAsked) return passesBy('the date in the ledger is outside the days that the scan asks for');
  if (cursor.finishedAt === null)
    return unknown('the walk is under way, and how far it came is known only to the running service');
  return { last: 'saw', within: walk, because: 'the date in the ledger is among the days of the last walk' };
}

function sweepOf({ id, entry, record }: RowFacts, cursor: Cursor): LastLook {
  const { number, startedAt, finishedAt, position } = cursor;
  const isNew = record?.op === 'c' || record?.op === 'r';
  const hasPassed = finishedAt !== null || (position.anchor ?? 0) >= id;
  if (!hasPassed)
    return {
      last: 'unknown',
      within: null,
      because: `sweep ${number} is under way and has not come to the row; when the sweep before read it is not stored, before ${startedAt}`,
    };
  const within = { from: startedAt, to: finishedAt };
  if (entry !== null && entry.missing > 0)
    return {
      last: 'missed',
      within,
      because: `sweep ${number} did not show it, sweep ${entry.missing} missed it first`,
    };
  if (isNew && record.scan !== 'sweep' && (record.observedAt ?? '') > startedAt)
    return { last: 'unknown', within: null, because: `another scan found the row after sweep ${number} had begun` };
  return { last: 'saw', within, because: `sweep ${number} showed it; at which moment is not stored` };
}

function newestOf({ id, record }: RowFacts, { mark }: Cursor): LastLook {
  if (record?.scan === 'newest' && record.observedAt !== null)
    return {
      last: 'saw',
      within: { from: record.observedAt, to: record.observedAt },
      because: 'the newest record was read by it; what it saw unchanged later is not stored',
    };
  const below = mark !== undefined && id <= mark;
  return {
    last: 'unknown',
    within: null,
    because: below
      ? 'the scan has come down past this id once, and later shows it only while it is among the newest hundred'
      : 'the id is above all that the scan has come down from',
  };
}

function wouldShow({ id, api, scope }: RowFacts, scan: TimedScan, cursor: Cursor | undefined): boolean | null {
  if (api.kind !== 'row') return null;
  if (!api.inScope) return false;
  switch (scan) {
    case 'sweep':
      return true;
    case 'open':
      return api.open;
    case 'recent': {
      const from = cursor?.query.from ?? scope.from;
      return cursor === undefined ? null : api.date !== null && (from === null || api.date >= from);
    }
    case 'newest':
      return cursor?.mark === undefined ? null : id > cursor.mark ? true : null;
  }
}
