import { isObject, textOrNull } from '../json';
import type { Row, StreamDeclaration } from '../model';
import { isInside, rowsOf, type KnownList, type ListSeen, type Span } from './known-list';
import { DAY_MS, daysBefore, isoDay, isWithin } from './scope';

/** What a candidate filters by: the day of the payment, the hidden time of the last change, that of the creation, the id, or which fields are shown. */
export type CandidateKind = 'paid' | 'changed' | 'created' | 'id' | 'fields';

/** A parameter of a list that may do something: nobody can tell from the documents, an account can. */
export interface Candidate {
  readonly kind: CandidateKind;
  /** As it stands in the address, such as `q[paid_date_gteq]`. */
  readonly parameter: string;
  /** The field whose value it compares; null = of `fields`, which compares none. */
  readonly field: string | null;
}

/** `works`: passed every question. `ignored`: gave what is given without it. `refused`: 4xx. `wrong`: gave something else. `unknown`: nothing shows which. */
export type FilterVerdict = 'works' | 'ignored' | 'refused' | 'wrong' | 'unknown';

/** What asking for a candidate came to. */
export interface FilterProof {
  readonly candidate: Candidate;
  readonly verdict: FilterVerdict;
  /** One sentence, without a value of any row but ids and days. */
  readonly why: string;
  /** False where the API gave no answer to go by. */
  readonly wasAnswered: boolean;
}

/** A list's answer to one question; `refused` = 4xx, `no-answer` = nothing that could be read. */
export type Asked = ListSeen | 'refused' | 'no-answer';

/** The answers to one value that must give everything, one that must give nothing, and one between; null = not asked. */
export interface Answers {
  readonly nothing: Asked | null;
  readonly everything: Asked | null;
  readonly between: { readonly value: string; readonly answer: Asked } | null;
}

/** The fields that the candidate `fields` names: three of every row, two that only the detail shows. */
export const NAMED_FIELDS = ['id', 'uuid', 'number', 'ksef_number', 'ksef_data'] as const;

/** The fields by which a stream has the candidate: those that only its details show. */
const HIDDEN_FIELDS: readonly string[] = ['ksef_number', 'ksef_data'];

const FIRST_DAY = '1900-01-01';
const LAST_DAY = '2999-01-01';
/** The highest id of a column of four bytes: a higher one may be refused for itself. */
const HIGH_ID = 2 ** 31 - 1;
/** A day of the API begins within so many milliseconds of that day in UTC, wherever it takes its time from. */
const ZONE_MS = 14 * 60 * 60 * 1000;

/** The candidates of a stream. */
export function candidatesOf({
  openField,
  detailOnlyFields,
}: Pick<StreamDeclaration, 'openField' | 'detailOnlyFields'>): readonly Candidate[] {
  const filter = (kind: CandidateKind, field: string, operator: string): Candidate => ({
    kind,
    parameter: `q[${field}_${operator}]`,
    field,
  });
  const hasHidden = HIDDEN_FIELDS.some((name) => detailOnlyFields.includes(name));
  return [
    ...(openField === null ? [] : [filter('paid', openField, 'gteq')]),
    filter('changed', 'updated_at', 'gteq'),
    filter('created', 'created_at', 'gteq'),
    filter('id', 'id', 'gt'),
    ...(hasHidden ? [{ kind: 'fields', parameter: 'fields', field: null } as const] : []),
  ];
}

/** The values of a filter that must give nothing, and everything; of `fields` there is one question alone. */
export function outermostValues({ kind }: Candidate, { rows }: Pick<KnownList, 'rows'>): Outermost {
  if (kind === 'fields') return { nothing: null, everything: NAMED_FIELDS.join(',') };
  if (kind !== 'id') return { nothing: LAST_DAY, everything: FIRST_DAY };
  const highest = Math.max(0, ...rows.map(({ id }) => id));
  return { nothing: String(highest < HIGH_ID ? HIGH_ID : Number.MAX_SAFE_INTEGER), everything: '0' };
}

interface Outermost {
  /** Null = there is no such question. */
  readonly nothing: string | null;
  readonly everything: string;
}

/** A value between, by which rows that are known tell a filter that works from one that does not; null = no row does. */
export function valueBetween(candidate: Candidate, known: KnownList, everything: ListSeen): string | null {
  const rows = knownRows(known, everything);
  switch (candidate.kind) {
    case 'fields':
      return null;
    case 'id': {
      const ids = rows.map(({ id }) => id).toSorted((one, other) => one - other);
      const middle = ids[Math.ceil((ids.length - 1) / 2)];
      // The row in the middle is the first to be shown.
      return middle === undefined || ids.length < 2 ? null : String(middle - 1);
    }
    case 'paid':
      return dayBetween(rows.map((row) => row[candidate.field ?? '']));
    case 'created':
    case 'changed': {
      const shown = momentBetween(rows.map((row) => momentOf(row[candidate.field ?? ''])));
      if (shown !== null) return shown;
      const seen = known.changes.filter(({ isNew }) => isNew === (candidate.kind === 'created'));
      return (
        latest(seen.map(({ since }) => since)) ?? (candidate.kind === 'changed' ? dayOfPayment(rows, known) : null)
      );
    }
  }
}

/** A question that is still to be asked. */
export interface FilterQuestion {
  readonly about: 'nothing' | 'everything' | 'between';
  readonly value: string;
}

/** What to ask next of a candidate: first what must give nothing, as most are ignored; null = the answers suffice, or there is nothing to ask by. */
export function nextQuestion(candidate: Candidate, known: KnownList, answers: Answers): FilterQuestion | null {
  const { nothing, everything, between } = answers;
  const { verdict, wasAnswered } = judgeFilter(candidate, known, answers);
  if (!wasAnswered || verdict !== 'unknown' || known.total.most === 0) return null;
  const { nothing: none, everything: all } = outermostValues(candidate, known);
  if (nothing === null && none !== null) return { about: 'nothing', value: none };
  if (everything === null) return { about: 'everything', value: all };
  const value = between === null && isAnswer(everything) ? valueBetween(candidate, known, everything) : null;
  return value === null ? null : { about: 'between', value };
}

/**
 * Whether a filter works, from the answers so far and what is known without it: it works only if it gave everything, nothing and what
 * lies between, if no row and no total contradicts, and if a row shows that it keeps some and leaves others out.
 */
export function judgeFilter(candidate: Candidate, known: KnownList, answers: Answers): FilterProof {
  const { nothing, everything, between } = answers;
  const wasAnswered = ![nothing, everything, between?.answer].includes('no-answer');
  return { candidate, ...judge(candidate, known, answers), wasAnswered };
}

type Judgement = Pick<FilterProof, 'verdict' | 'why'>;

function judge(candidate: Candidate, known: KnownList, answers: Answers): Judgement {
  const { nothing, everything, between } = answers;
  const { parameter } = candidate;
  const asked = [nothing, everything, between?.answer ?? null];
  if (asked.includes('refused')) return { verdict: 'refused', why: `the API refuses a list with ${parameter}` };
  if (asked.includes('no-answer')) return notKnown(`the API did not answer a list with ${parameter}`);
  if (known.total.most === 0) return notKnown('the list has no rows');
  if (candidate.kind === 'fields') return isAnswer(everything) ? judgeFields(known, everything) : notKnown(NOT_ASKED);
  if (!isAnswer(nothing)) return notKnown(NOT_ASKED);
  const { nothing: none, everything: all } = outermostValues(candidate, known);
  if (nothing.totalCount > 0 || nothing.rows.length > 0) {
    const gave = `${parameter}=${none ?? ''} gave ${nothing.totalCount} rows and was to give none`;
    const isWhole = nothing.rows.length === Math.min(nothing.totalCount, known.pageRows);
    return isWhole && isInside(nothing.totalCount, known.total) ? { verdict: 'ignored', why: gave } : wrong(gave);
  }
  if (!isAnswer(everything)) return notKnown(NOT_ASKED);
  const allowed = totalOfEverything(candidate, known);
  const reading = { candidate, known, rows: knownRows(known, everything) };
  const ofAll = contradiction(reading, all, everything, allowed);
  if (ofAll !== null) return wrong(ofAll);
  if (between === null || !isAnswer(between.answer))
    return notKnown(`no row that is known would show whether ${parameter} leaves out what it should`);
  const { value, answer } = between;
  // As many as came while it was asked may have come since everything was.
  const drift = known.total.most - known.total.least;
  const ofPart = contradiction(reading, value, answer, { least: 0, most: everything.totalCount + drift });
  if (ofPart !== null) return wrong(ofPart);
  return hasEvidence(reading, value, answer, everything)
    ? {
        verdict: 'works',
        why: `${parameter}=${value} gave ${answer.totalCount} of ${everything.totalCount} rows, as it should`,
      }
    : notKnown(
        `${parameter}=${value} gave ${answer.totalCount} of ${everything.totalCount} rows, and no row shows that these are the right ones`,
      );
}

const NOT_ASKED = 'the API was not asked';

function wrong(why: string): Judgement {
  return { verdict: 'wrong', why };
}

function notKnown(why: string): Judgement {
  return { verdict: 'unknown', why };
}

/** A candidate, and what its answers are held against. */
interface Reading {
  readonly candidate: Candidate;
  readonly known: KnownList;
  /** Rows that are known to be in the list. */
  readonly rows: readonly Row[];
}

/** What of an answer to `parameter=value` cannot be, in a sentence; null = nothing. */
function contradiction(
  { candidate, known, rows }: Reading,
  value: string,
  answer: ListSeen,
  allowed: Span,
): string | null {
  const { parameter } = candidate;
  const asked = `${parameter}=${value}`;
  const { totalCount } = answer;
  if (!isInside(totalCount, allowed)) return `${asked} gave ${totalCount} rows and was to give ${spanText(allowed)}`;
  const shown = rowsOf(answer.rows);
  const most = known.pageRows;
  if (answer.rows.length !== Math.min(totalCount, most))
    return `${asked} showed ${answer.rows.length} rows of a page, by its own total ${totalCount}`;
  if (shown.some(({ id }, index) => index > 0 && id >= (shown[index - 1]?.id ?? Infinity)))
    return `${asked} gave rows in another order than was asked for`;
  const sides = new Map<number, Side>();
  for (const row of [...rows, ...shown]) sides.set(row.id, sideOf(candidate, known, row, value));
  const beyond = shown.find(({ id }) => sides.get(id) === 'out');
  if (beyond !== undefined) return `${asked} showed row ${beyond.id}, which it was to leave out`;
  // Where the scope's own filter has no effect, the list has such rows anyway.
  const isStray = (row: Row): boolean => !isWithin(known.stream, known.query, row);
  const stray = known.rows.some(isStray) ? undefined : shown.find(isStray);
  if (stray !== undefined) return `${asked} showed row ${stray.id}, which another filter was to leave out`;
  const foreign = shown.find(({ id }) => !isListed(known, id));
  if (foreign !== undefined) return `${asked} showed row ${foreign.id}, which the list does not have without it`;
  const ids = new Set(shown.map(({ id }) => id));
  const lowest = totalCount > answer.rows.length ? Math.min(...ids) : 0;
  const lacking = [...sides].find(([id, side]) => side === 'in' && id >= lowest && !ids.has(id));
  if (lacking !== undefined) return `${asked} left out row ${lacking[0]}, which it was to show`;
  const count = (wanted: Side): number => [...sides.values()].filter((side) => side === wanted).length;
  const possible = { least: count('in'), most: known.total.most - count('out') };
  if (!isInside(totalCount, possible))
    return `${asked} gave ${totalCount} rows and was to give ${spanText(possible)}, by the rows that are known`;
  return null;
}

/** False of an id among those of the page that was read without the filter which is not on that page. */
function isListed(known: KnownList, id: number): boolean {
  const { rows } = known;
  return id < (rows.at(-1)?.id ?? 0) || id > (rows[0]?.id ?? 0) || rows.some((row) => row.id === id);
}

/** On which side of a value a row is; `either` = nobody can tell. */
type Side = 'in' | 'out' | 'either';

function sideOf({ kind, field }: Candidate, { changes, moved }: KnownList, row: Row, value: string): Side {
  if (kind === 'fields' || moved.has(row.id)) return 'either';
  if (kind === 'id') return row.id > Number(value) ? 'in' : 'out';
  const own = row[field ?? ''];
  if (kind === 'paid') {
    if (own === null || own === '') return 'out';
    return isDay(own) ? (own >= value ? 'in' : 'out') : 'either';
  }
  // Every row has both times, shown or not.
  if (value === FIRST_DAY) return 'in';
  const moment = momentOf(own);
  if (moment !== null) return sideOfMoment(moment, value);
  const isKnown = changes.some(
    ({ id, since, isNew }) => id === row.id && since >= value && (kind === 'changed' || isNew),
  );
  if (isKnown) return 'in';
  // What was created that day was not changed before.
  const created = kind === 'changed' ? momentOf(row['created_at']) : null;
  return created !== null && sideOfMoment(created, value) === 'in' ? 'in' : 'either';
}

function sideOfMoment(moment: number, day: string): Side {
  const begins = Date.parse(day);
  return moment >= begins + ZONE_MS ? 'in' : moment < begins - ZONE_MS ? 'out' : 'either';
}

/** Whether a row shows that the filter keeps what it should, and one that it leaves out what it should. */
function hasEvidence(
  { candidate, known, rows }: Reading,
  value: string,
  answer: ListSeen,
  everything: ListSeen,
): boolean {
  if (answer.totalCount >= everything.totalCount) return false;
  const shown = rowsOf(answer.rows);
  const isKept = (row: Row): boolean => sideOf(candidate, known, row, value) === 'in';
  const field = candidate.field ?? '';
  const isHidden = candidate.kind === 'changed' && ![...rows, ...shown].some((row) => momentOf(row[field]) !== null);
  // That new rows are shown proves nothing of edits, which are what it is for.
  return shown.some(isHidden ? (row) => showsEdit(known, row, value) : isKept);
}

/** Whether a row is known to have changed since a day after it had been created before. */
function showsEdit({ stream: { openField }, changes, today }: KnownList, row: Row, value: string): boolean {
  if (changes.some(({ id, since, isNew }) => id === row.id && !isNew && since >= value)) return true;
  const created = momentOf(row['created_at']);
  const paid = row[openField ?? ''];
  return created !== null && sideOfMoment(created, value) === 'out' && isDay(paid) && paid >= value && paid <= today;
}

/** The latest day of a payment that came after its document was created. */
function dayOfPayment(rows: readonly Row[], { stream: { openField }, today }: KnownList): string | null {
  const days = rows.flatMap((row) => {
    const created = momentOf(row['created_at']);
    const paid = row[openField ?? ''];
    return created !== null && isDay(paid) && paid <= today && sideOfMoment(created, paid) === 'out' ? [paid] : [];
  });
  return latest(days);
}

/** A day that some row has and before which others have theirs; if possible, one whose day before a row has too. */
function dayBetween(values: readonly unknown[]): string | null {
  const days = [...new Set(values.filter(isDay))].toSorted();
  const later = days.slice(1);
  return later.findLast((day) => days.includes(daysBefore(day, 1))) ?? later.at(-1) ?? null;
}

/** A day within which something happened, if possible, and before which something else did. */
function momentBetween(values: readonly (number | null)[]): string | null {
  const moments = values.filter((moment) => moment !== null);
  const first = Math.min(...moments);
  const days = moments.map((moment) => isoDay(moment - ZONE_MS)).filter((day) => sideOfMoment(first, day) === 'out');
  const within = days.filter((day) =>
    moments.some((moment) => moment - Date.parse(day) >= ZONE_MS && moment - Date.parse(day) < DAY_MS),
  );
  return latest(within) ?? latest(days);
}

/** Whether a list answers what only the detail of a row shows, where that is asked for by name. */
function judgeFields(known: KnownList, answer: ListSeen): Judgement {
  const asked = `fields=${NAMED_FIELDS.join(',')}`;
  const before = known.rows.filter(({ id }) => !known.moved.has(id));
  const shown = rowsOf(answer.rows).filter(({ id }) => !known.moved.has(id));
  const isSame = shown.length === before.length && shown.every((row, at) => isSameRow(row, before[at]));
  if (!isSame || !isInside(answer.totalCount, known.total))
    return wrong(`${asked} gave other rows than the list has without`);
  const named = shown.filter((row) => 'ksef_data' in row);
  if (named.length === 0) {
    const isWhole = shown.some((row) => Object.keys(row).some((name) => !isNamed(name)));
    const gave = isWhole ? 'whole rows, as without' : 'rows cut down to these fields, without ksef_data';
    return { verdict: 'ignored', why: `${asked} gave ${gave}` };
  }
  if (named.length < shown.length) return wrong(`${asked} gave ksef_data of some rows alone`);
  const odd = named.find(
    ({ ksef_number: number, ksef_data: data }) =>
      textOrNull(number) !== null && (isObject(data) ? (data['ksef_number'] ?? number) : null) !== number,
  );
  if (odd !== undefined) return wrong(`${asked} gave row ${odd.id} another ksef_data than its ksef_number`);
  const filled = named.filter(({ ksef_data: data }) => isObject(data)).length;
  return filled === 0
    ? notKnown(`${asked} gave ksef_data, and null in each of ${named.length} rows`)
    : { verdict: 'works', why: `${asked} gave ksef_data, of ${filled} of ${named.length} rows` };
}

function isNamed(name: string): boolean {
  return NAMED_FIELDS.some((known) => known === name);
}

function isSameRow({ id, uuid }: Row, before: Row | undefined): boolean {
  return id === before?.id && (uuid === undefined || uuid === before['uuid']);
}

/** How many rows a filter gives that leaves out only rows without a value. */
function totalOfEverything({ kind }: Candidate, { total, open }: KnownList): Span {
  if (kind !== 'paid') return total;
  if (open === null) return { least: 0, most: total.most };
  return { least: Math.max(0, total.least - open.most), most: Math.max(0, total.most - open.least) };
}

/** Rows that the list showed, as it did last; of those that were seen to change alone, their ids. */
function knownRows(known: KnownList, everything: ListSeen): readonly Row[] {
  const seen = known.changes.map(({ id }) => ({ id }));
  const rows = [...seen, ...known.rows, ...rowsOf(everything.rows)];
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

function isAnswer(asked: Asked | null): asked is ListSeen {
  return asked !== null && typeof asked === 'object';
}

function spanText({ least, most }: Span): string {
  return least >= most ? String(most) : `${least} to ${most}`;
}

function isDay(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);
}

/** The instant that a text with a time of day tells, in milliseconds since 1970; null = none. */
function momentOf(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}[T ]\d/.test(value)) return null;
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? null : moment;
}

function latest(days: readonly string[]): string | null {
  return days.toSorted().at(-1) ?? null;
}
