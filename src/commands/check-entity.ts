import { lastValueFrom, toArray } from 'rxjs';

import type { Config, EntityConfig } from '../../config/config';
import { ConfigError, FatalError } from '../errors';
import { shapeOf, shapeText } from '../changes/shape';
import { isObject } from '../json';
import type { Answer, Query, Row, StreamDeclaration } from '../model';
import { proveFilters, requestsToProve } from '../reading/prove-filters';
import { isFilterRefused } from '../reading/read-pages';
import { asNotAvailable } from '../reading/stream-trouble';
import type { FilterProof } from '../rules/filter-proof';
import { finalTotalsOf, type FinalTotalsSeen } from '../rules/final-totals';
import type { StreamToday } from '../rules/forecast';
import { PAGE_ROWS } from '../rules/paging';
import { judgeIdentity } from '../rules/identity';
import { DEFAULT_DAYS, isoDay, isWithin, listParams, queryOf, sweepQuery } from '../rules/scope';
import type { Secrets } from '../secrets';
import { allStreams } from '../sources/streams/all-streams';
import { finalInvoices } from '../sources/streams/final-invoices';
import { KSEF } from '../sources/streams/ksef';
import { createRequestOrder, openApi } from '../service/api';
import { type Patience } from '../service/patience';
import { loadSchema } from '../sinks/avro';
import type { Rest } from '../sources/rest';
import type { Account } from '../state/state-topic';
import type { Attempt, StreamFilters } from './check-findings';
import { checkKsef, requestsToCount, type KsefToCheck } from './check-ksef';
import type { Io } from './io';

const UNPROVEN = '; without nip in its file nothing shows that this is the right company';
/** A business date that no document has. */
const FAR_FUTURE = '2999-01-01';
const DATE_FILTER_WORKS = 'the date filter works';

/** Checks key, filters and order of each entity, all entities side by side; returns the streams that can be read. */
export async function checkApi(
  config: Config,
  secrets: Secrets,
  io: Io,
  patience: Patience,
  accounts: ReadonlyMap<string, Account>,
  attempt: Attempt,
): Promise<readonly StreamToday[]> {
  const api = openApi(config, { version: io.version, patience, secrets, requestOrder: createRequestOrder() });
  try {
    const entities = config.entities.filter(({ enabled }) => enabled);
    const { recentDays } = config.service.schedule;
    const ksef = ksefToCheck(config);
    const streams = await Promise.all(
      entities.map((entity) =>
        checkEntity(entity, api.of(entity), { before: accounts.get(entity.id) ?? null, recentDays, ksef }, attempt),
      ),
    );
    return streams.flat();
  } finally {
    api.close();
  }
}

/** What is known of an entity before it is checked. */
export interface EntityBefore {
  /** The account that the state topic remembers; null = none. */
  readonly before: Account | null;
  /** How many days back a document counts as recent. */
  readonly recentDays: number;
  /** Null = it is not to be read what KSeF says of its documents. */
  readonly ksef: KsefToCheck | null;
}

/** What is to be known of KSeF, each enabled entity having its share of the requests; null = that is not read. */
export function ksefToCheck({ service, entities }: Config): KsefToCheck | null {
  if (!service.projections.includes(KSEF)) return null;
  const { infakt, schedule, ksef } = service;
  const count = Math.max(1, entities.filter(({ enabled }) => enabled).length);
  return { from: ksef.from, requestsPerMinute: (infakt.requestsPerMinute * schedule.allowance) / count };
}

/** Checks whose key an entity has, then each of its streams; returns the streams that can be read. */
export async function checkEntity(
  entity: EntityConfig,
  rest: Pick<Rest, 'accountDetails' | 'list'>,
  { before, recentDays, ksef }: EntityBefore,
  attempt: Attempt,
): Promise<readonly StreamToday[]> {
  const known = await attempt('key', entity.id, async () => {
    const seen = await lastValueFrom(rest.accountDetails());
    const { identity, warning } = judgeIdentity({ entity: entity.id, nip: entity.nip }, before, seen);
    const whose = identity.taxId === null ? 'an account without a tax_id' : `NIP ${identity.taxId}`;
    return {
      value: identity,
      text:
        warning ??
        `belongs to ${whose}${entity.nip !== null ? ', as configured' : before === null ? `, which will be remembered${UNPROVEN}` : `, as remembered${UNPROVEN}`}`,
    };
  });
  if (known === null) return [];
  const today: StreamToday[] = [];
  for (const stream of allStreams.filter(({ name }) => entity.streams.includes(name))) {
    const seen = await attempt<SeenStream | 'not available'>(`stream ${stream.name}`, entity.id, () =>
      orNotAvailable(checkStream(entity, stream, rest, { before, recentDays }), entity, stream),
    );
    if (seen === null || seen === 'not available') continue;
    today.push(seen.today);
    await attempt(`fields of ${stream.name}`, entity.id, () => {
      const shape = shapeOf(loadSchema(stream.schema), seen.newest.filter(isRow), stream.detailOnlyFields);
      return Promise.resolve({ value: shape, text: shapeText(shape), fields: { stream: stream.name, shape } });
    });
    if (stream.name === finalInvoices.name)
      await attempt('totals of final-invoices', entity.id, () => {
        const totals = finalTotalsOf(seen.newest);
        return Promise.resolve({ value: totals, text: totalsText(totals) });
      });
  }
  const [shown] = streamsToTryFilters(today.map(({ declaration }) => declaration));
  const isTried = today.some(({ declaration, rows }) => declaration === shown && rows.sweep !== 0);
  const proofs =
    shown === undefined || !isTried
      ? null
      : await attempt(`filters of ${shown.name}`, entity.id, () => tryFilters(entity, shown, rest, before));
  if (ksef !== null) {
    const firstRun = before?.firstRun ?? isoDay(Date.now());
    await attempt('ksef', entity.id, () => checkKsef(entity, rest, ksef, { firstRun, proofs }));
  }
  return today;
}

/** What a final invoice's total contains, which inFakt's documents do not say, as the newest ones of this account show. */
function totalsText({ totals, telling }: FinalTotalsSeen): string {
  if (totals === null) return 'no final invoice shows whether its totals contain the advances';
  const documents = `by ${telling} of the newest documents`;
  if (totals === 'mixed')
    return `some totals contain the advances and some do not, ${documents}: no sum of them is revenue`;
  return totals === 'whole'
    ? `the totals contain the advances, ${documents}: revenue is these totals less previous_advances`
    : `the totals do not contain the advances, ${documents}`;
}

/** What a check of a stream found, or that the account does not have it, which is no fault of an optional stream. */
async function orNotAvailable<T>(
  check: Promise<T>,
  { id: entity }: Pick<EntityConfig, 'id'>,
  stream: StreamDeclaration,
): Promise<T | { readonly value: 'not available'; readonly text: string }> {
  try {
    return await check;
  } catch (error) {
    const found = asNotAvailable(error, stream, { entity, wasEverRead: false });
    if (!(found instanceof FatalError) || found.reason !== 'not-available') throw error;
    const text = `not available: ${found.message}; the stream is left alone unless it was read before, and asked for once a day`;
    return { value: 'not available', text };
  }
}

/** One stream stands for all of an entity, so that a check stays cheap: the first whose rows are paid, or else the first. */
function streamsToTryFilters(streams: readonly StreamDeclaration[]): readonly StreamDeclaration[] {
  return [...streams.filter(({ openField }) => openField !== null), ...streams].slice(0, 1);
}

/** What a list does with filters that may or may not work; a run proves them for itself, and none is a fault. */
async function tryFilters(
  entity: EntityConfig,
  stream: StreamDeclaration,
  rest: Pick<Rest, 'list'>,
  before: Account | null,
): Promise<{ readonly value: readonly FilterProof[]; readonly text: string; readonly filters: StreamFilters }> {
  const today = isoDay(Date.now());
  const query = sweepQuery(stream, entity, before?.firstRun ?? today);
  const asking = { rest, stream, query, changes: [], today };
  const proofs = await lastValueFrom(proveFilters(asking).pipe(toArray()));
  return { value: proofs, text: filtersText(proofs), filters: { stream: stream.name, proofs } };
}

/** Each filter with its verdict, and why where that says more. */
function filtersText(proofs: readonly FilterProof[]): string {
  return proofs
    .map(({ candidate: { parameter }, verdict, why }) => {
      const isPlain = verdict === 'works' || verdict === 'ignored' || verdict === 'refused';
      return `${parameter} ${verdict}${isPlain ? '' : ` (${why})`}`;
    })
    .join(', ');
}

/** Whether a list is ordered by id both ways, and its filters do what they say; a filter without effect is no fault. */
async function checkStream(
  entity: EntityConfig,
  stream: StreamDeclaration,
  rest: Pick<Rest, 'list'>,
  { before, recentDays }: Omit<EntityBefore, 'ksef'>,
): Promise<{ readonly value: SeenStream; readonly text: string }> {
  const query = sweepQuery(stream, entity, before?.firstRun ?? isoDay(Date.now()));
  const ask: Ask = (asked, limit) =>
    lastValueFrom(rest.list(stream.name, stream.path, listParams(stream, asked), 0, limit));
  const first = await ask(query, PAGE_ROWS);
  if (!inOrder(first.rows, 1))
    throw new ConfigError(
      `expected rows by ascending id with order=id asc, got another order; the stream cannot be read`,
    );
  const { totalCount } = first;
  // One row shows no order.
  const isOrdered = totalCount > 1 || first.rows.length > 1;
  const newest = isOrdered ? await ask({ ...query, order: 'desc' }, PAGE_ROWS) : first;
  if (!inOrder(newest.rows, -1))
    throw new ConfigError(`expected rows by descending id with order=id desc, got another order`);
  const dates = await lookAtDates(stream, entity, query, totalCount, { ask, recentDays });
  const texts = [
    `${dates.rowsText}${isOrdered ? ', order by id is kept' : ''}`,
    ...(dates.filterText === null ? [] : [dates.filterText]),
  ];
  const rows = { sweep: totalCount, open: 0, recent: dates.recent };
  if (stream.openField !== null && totalCount > 0) {
    const open: Query = { ...query, open: true };
    const answer = await orRefused(ask(open, PAGE_ROWS));
    if (answer !== 'refused') rows.open = answer.totalCount;
    texts.push(openFilterText(stream, open, answer));
  }
  const today = { entity: entity.id, declaration: stream, rows, cursors: {} };
  return { value: { today, newest: newest.rows }, text: texts.join(', ') };
}

/** Asks for the first rows of a query. */
type Ask = (query: Query, limit: number) => Promise<Answer>;

/** How many rows a stream has in its scope and lately, and whether its date filter does anything. */
async function lookAtDates(
  stream: StreamDeclaration,
  { startDate }: EntityConfig,
  query: Query,
  totalCount: number,
  { ask, recentDays }: { readonly ask: Ask; readonly recentDays: number },
): Promise<{ readonly rowsText: string; readonly filterText: string | null; readonly recent: number }> {
  if (stream.scopeField === null) return { rowsText: `${totalCount} rows`, filterText: null, recent: 0 };
  const everything = startDate === null ? await ask({ from: null, to: null, order: 'asc' }, 1) : null;
  const rowsText =
    everything === null
      ? `${totalCount} rows${scopeText(query)}`
      : `${totalCount} of ${everything.totalCount} ${stream.name}: start_date not set, ${DEFAULT_DAYS} days, from ${query.from ?? ''}`;
  const leavesOut = everything !== null && everything.totalCount > totalCount;
  if (totalCount === 0) return { rowsText, filterText: leavesOut ? DATE_FILTER_WORKS : null, recent: 0 };
  const recentQuery = queryOf('recent', query, isoDay(Date.now()), recentDays);
  const isScope = recentQuery !== null && recentQuery.from === query.from;
  const recent = recentQuery === null || isScope ? null : await orRefused(ask(recentQuery, 1));
  if (recent === 'refused') return { rowsText, filterText: refusedText('recent'), recent: 0 };
  const recentRows = recent?.totalCount ?? (isScope ? totalCount : 0);
  // Fewer rows within narrower dates show that the filter works; otherwise no document is that far in the future.
  if (leavesOut || (recent !== null && recentRows < totalCount))
    return { rowsText, filterText: DATE_FILTER_WORKS, recent: recentRows };
  const beyond = await orRefused(ask({ ...query, from: FAR_FUTURE, to: null }, 1));
  return { rowsText, filterText: dateFilterText(beyond), recent: beyond === 'refused' ? 0 : recentRows };
}

/** How many requests the check of an entity takes at the most. */
export function requestsFor(
  { streams, startDate }: Pick<EntityConfig, 'streams' | 'startDate'>,
  ksef: KsefToCheck | null,
): number {
  const requests = ({ scopeField, openField }: StreamDeclaration): number =>
    2 + (scopeField === null ? 0 : startDate === null ? 3 : 2) + (openField === null ? 0 : 1);
  const read = allStreams.filter(({ name }) => streams.includes(name));
  const filters = streamsToTryFilters(read).reduce((sum, stream) => sum + requestsToProve(stream), 0);
  const counted = ksef === null ? 0 : requestsToCount(streams);
  return read.reduce((sum, stream) => sum + requests(stream), 1) + filters + counted;
}

/** An answer, or that the API refuses the filter: a run rests a scan whose filter is refused, and goes on without. */
async function orRefused(answer: Promise<Answer>): Promise<Answer | 'refused'> {
  try {
    return await answer;
  } catch (error) {
    if (isFilterRefused(error)) return 'refused';
    throw error;
  }
}

function refusedText(documents: 'recent' | 'open'): string {
  return `the filter of ${documents} documents is refused: the sweep finds what they come to`;
}

function dateFilterText(beyond: Answer | 'refused'): string {
  if (beyond === 'refused') return refusedText('recent');
  return beyond.totalCount === 0
    ? DATE_FILTER_WORKS
    : 'the date filter has NO effect: all rows are read and those outside the scope left out';
}

function openFilterText(stream: StreamDeclaration, open: Query, answer: Answer | 'refused'): string {
  if (answer === 'refused') return refusedText('open');
  const obeys = answer.rows.every((row) => !isRow(row) || isWithin({ ...stream, scopeField: null }, open, row));
  return obeys
    ? `the filter of open documents works (${answer.totalCount})`
    : 'the filter of open documents has NO effect: the sweep finds what they come to';
}

interface SeenStream {
  readonly today: StreamToday;
  /** The page with the highest ids. */
  readonly newest: readonly unknown[];
}

function scopeText({ from, to }: Query): string {
  return from === null && to === null ? '' : ` from ${from ?? 'the beginning'} to ${to ?? 'now and beyond'}`;
}

function isRow(row: unknown): row is Row {
  return isObject(row) && typeof row['id'] === 'number';
}

/** Ids in the order of the rows; a row without an id is dead-lettered and says nothing about the order. */
function idsOf(rows: readonly unknown[]): readonly number[] {
  return rows.filter(isRow).map(({ id }) => id);
}

function inOrder(rows: readonly unknown[], direction: 1 | -1): boolean {
  const ids = idsOf(rows);
  return ids.every((id, index) => index === 0 || (id - (ids[index - 1] ?? NaN)) * direction > 0);
}
