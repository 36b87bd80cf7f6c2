import type { EntityConfig } from '../../config/config';
import type { EntityId, StreamName } from '../model';
import { shortcomingsText, type Completeness } from '../rules/completeness';
import { NO_COUNTS } from '../rules/cursor';
import type { Plan } from '../rules/forecast';
import type { ExpectedScan } from '../rules/outlook';
import { scanText, spanText } from '../status/scan-text';
import { reasonsOf } from '../status/stream-status';
import type { lettersByError } from '../upkeep/letters-by-error';
import type { StatusOf } from '../upkeep/read-statuses';
import { lastSweep, type StreamView } from '../upkeep/remembered';
import { misfitsText } from './misfits-text';
import { painted, type Page } from './page';
import { forecastText } from './plan-text';

/** A stream that is remembered, and whether its last finished sweep is complete. */
export interface JudgedView {
  readonly view: StreamView;
  readonly completeness: Completeness;
}

/** What is shown, and how. */
export interface StateTextOptions {
  /** The entities that are configured, those that are not enabled among them. */
  readonly entities: readonly Pick<EntityConfig, 'id' | 'enabled' | 'streams'>[];
  readonly plan: Plan;
  /** How often each list is thought to be read. */
  readonly foreseen: readonly ExpectedScan[];
  readonly nowMs: number;
  readonly page: Page;
  /** Whether every stream is told in full, and not only those with something wrong. */
  readonly inFull: boolean;
  /** The standing dead letters of a stream by error; null = their topic cannot be read. */
  readonly errorsOf?: Awaited<ReturnType<typeof lettersByError>>;
  /** How each stream stands as its replica has told last; null = the status topic cannot be read. */
  readonly statusOf?: StatusOf | null;
}

/** How bad things are, the worst first. */
const STANDINGS = ['held', 'never swept', 'not complete', 'complete'] as const;

interface StreamState {
  readonly stream: StreamName;
  readonly standing: (typeof STANDINGS)[number];
  /** Null = nothing of the stream is remembered. */
  readonly judged: JudgedView | null;
}

interface EntityState {
  readonly entity: EntityId;
  readonly isRead: boolean;
  readonly streams: readonly StreamState[];
  /** Index in `STANDINGS` of the worst stream. */
  readonly worst: number;
}

/** What is remembered, for a person: a summary, then entity by entity, the worst first, in one line where all is well. */
export function stateText(judged: readonly JudgedView[], options: StateTextOptions): readonly string[] {
  const states = entityStates(judged, options).toSorted((one, other) => one.worst - other.worst);
  return [summaryText(states, options), ...states.flatMap((state) => entityText(state, options))];
}

function entityStates(
  judged: readonly JudgedView[],
  { entities }: Pick<StateTextOptions, 'entities'>,
): readonly EntityState[] {
  const enabled = entities.filter((entity) => entity.enabled);
  const names = [...new Set([...enabled.map(({ id }) => id), ...judged.map(({ view }) => view.entity)])].toSorted();
  return names.map((entity) => {
    const of = judged.filter(({ view }) => view.entity === entity);
    const configured = enabled.find(({ id }) => id === entity);
    const isRead = configured !== undefined;
    const unseen = (configured?.streams ?? []).filter((name) => !of.some(({ view }) => view.stream === name));
    const streams: StreamState[] = [
      ...of.map((each) => ({ stream: each.view.stream, standing: standingOf(each), judged: each })),
      ...unseen.map((stream) => ({ stream, standing: 'never swept' as const, judged: null })),
    ];
    const worst = Math.min(...streams.map(({ standing }) => STANDINGS.indexOf(standing)), STANDINGS.length - 1);
    return { entity, isRead, streams, worst };
  });
}

function standingOf({ view, completeness }: JudgedView): StreamState['standing'] {
  if (view.hold !== null) return 'held';
  if (lastSweep(view.cursors) === null) return 'never swept';
  return completeness.complete ? 'complete' : 'not complete';
}

function summaryText(states: readonly EntityState[], { nowMs, page }: StateTextOptions): string {
  const streams = states.flatMap((state) => state.streams);
  const counted = STANDINGS.flatMap((standing) => {
    const count = streams.filter((stream) => stream.standing === standing).length;
    if (count === 0) return [];
    return [painted(standing === 'complete' ? 'green' : 'red', `${count} ${standing}`, page)];
  });
  const rows = streams.reduce((sum, { judged }) => sum + (judged?.view.ledger.size ?? 0), 0);
  const oldest = oldestText(streams, nowMs);
  return `${plural(states.length, 'entity', 'entities')}, ${plural(streams.length, 'stream', 'streams')}: ${counted.join(', ')}; ${rows} rows in the ledger${oldest}`;
}

function entityText(state: EntityState, options: StateTextOptions): readonly string[] {
  const { entity, isRead, streams } = state;
  const { inFull, nowMs, page } = options;
  const told = streams.filter(({ standing }) => inFull || standing !== 'complete');
  const well = streams.filter((stream) => !told.includes(stream));
  const lines: string[] = [];
  for (const { stream, judged } of told) {
    if (judged === null) lines.push(`${entity} ${stream}: ${painted('red', 'nothing remembered yet', page)}`);
    else lines.push(...streamText(judged, options));
  }
  if (well.length > 0) {
    const rows = well.reduce((sum, { judged }) => sum + (judged?.view.ledger.size ?? 0), 0);
    const names = told.length > 0 ? ` (${well.map(({ stream }) => stream).join(', ')})` : '';
    const notes = well.flatMap(({ stream, judged }) => noteText(stream, judged));
    lines.push(
      `${entity}: ${plural(well.length, 'stream', 'streams')}${names} ${painted('green', 'complete', page)}, ${rows} rows${oldestText(well, nowMs)}${ownersText(entity, well, options)}${notes.join('')}`,
    );
  }
  if (!isRead) lines.push(`  ${entity} is not read: no enabled entity has that name`);
  return lines;
}

/** What is to be told of a stream although it is complete. */
function noteText(stream: StreamName, judged: JudgedView | null): readonly string[] {
  if (judged === null) return [];
  const lacks = shortcomingsText(judged.completeness);
  const { misfits } = judged.view.cursors['sweep'] ?? {};
  return [
    ...(lacks === '' ? [] : [`; ${stream}: ${lacks}`]),
    ...(misfits === undefined ? [] : [`; ${stream}: misfits in ${misfitsText(misfits)}`]),
  ];
}

/** The age of the last finished sweep that is the longest ago. */
function oldestText(streams: readonly StreamState[], nowMs: number): string {
  const ends = streams.flatMap(({ judged }) => {
    const finished = judged === null ? null : (lastSweep(judged.view.cursors)?.finished_at ?? null);
    // Of the sweep before the one under way only that it ended before that began is remembered.
    const { startedAt, number = 0 } = judged?.view.cursors['sweep'] ?? {};
    if (finished !== null) return [Date.parse(finished)];
    return startedAt !== undefined && number > 1 ? [Date.parse(startedAt)] : [];
  });
  return ends.length === 0 ? '' : `, oldest sweep ${spanText(Math.max(0, nowMs - Math.min(...ends)))} ago`;
}

/** All that is remembered of one stream. */
function streamText(
  { view, completeness }: JudgedView,
  { plan: { forecasts }, foreseen, nowMs, page, errorsOf, statusOf }: StateTextOptions,
): readonly string[] {
  const { entity, stream, ledger, cursors, hold } = view;
  const last = lastSweep(cursors);
  const lastText =
    last === null
      ? 'no finished sweep yet'
      : `last finished sweep: ${last.number}${last.finished_at === null ? '' : `, finished ${last.finished_at}`}`;
  const scans = Object.entries(cursors).map(([scan, cursor]) => {
    const { from, to } = cursor.query;
    const scope =
      from === null && to === null ? 'everything' : `${from ?? 'the beginning'} to ${to ?? 'now and beyond'}`;
    const where =
      cursor.finishedAt === null
        ? `under way at offset ${cursor.position.offset} of ${cursor.totalCount ?? '?'}`
        : 'complete';
    const { rows, created, firstRead, updated, republished, unchanged, deadLetters } = {
      ...NO_COUNTS,
      ...cursor.counts,
    };
    return `  ${scan} ${cursor.number}: ${where}, ${scope}, started ${cursor.startedAt}; ${rows} rows, ${created} created (${firstRead} first read), ${updated} updated, ${republished} republished, ${unchanged} unchanged, ${deadLetters} dead-lettered`;
  });
  const next = forecasts
    .filter(({ scan }) => scan.entity === entity && scan.stream === stream)
    .map((each) => `  next ${each.scan.scan}: ${forecastText(each, nowMs)}`);
  const often = foreseen
    .filter((scan) => scan.entity === entity && scan.stream === stream)
    .map((scan) => `  foreseen ${scanText(scan)}`);
  const missing = ledger.missingSince(Number.MAX_SAFE_INTEGER).length;
  const lacks = shortcomingsText(completeness);
  const { misfits } = cursors['sweep'] ?? {};
  const verdict = completeness.complete ? 'complete' : painted('red', 'NOT complete', page);
  return [
    `${entity} ${stream}: ${ledger.size} rows in the ledger, ${missing} missing, ${lastText}`,
    ...(hold === null
      ? []
      : [`  ${painted('red', 'HELD', page)} since ${hold.since}: ${hold.reason} (hold ${hold.id})`]),
    ...ownerText(view, statusOf),
    ...(lacks === '' ? [] : [`  ${verdict}: ${lacks}`]),
    ...deadLettersText(view, errorsOf),
    ...(misfits === undefined ? [] : [`  misfits published so far: ${misfitsText(misfits)}`]),
    ...scans,
    ...next,
    ...often,
    '  filters: each run proves them for itself and stores nothing of it; check says what a list does with them',
  ];
}

/** The replicas that read these streams, as they have told. */
function ownersText(
  entity: EntityId,
  streams: readonly StreamState[],
  { statusOf }: Pick<StateTextOptions, 'statusOf'>,
): string {
  const owners = new Set(streams.flatMap(({ stream }) => statusOf?.(entity, stream)?.owner ?? []));
  return owners.size === 0 ? '' : `, owner ${[...owners].sort().join(', ')}`;
}

/** Which replica reads the stream, and how it stands there. */
function ownerText({ entity, stream }: StreamView, statusOf: StateTextOptions['statusOf']): readonly string[] {
  const status = statusOf?.(entity, stream) ?? null;
  if (status === null) return statusOf === null ? ['  owner: not known, as the status topic cannot be read'] : [];
  const { owner, state, toldMs } = status;
  const standing = [state, ...reasonsOf(status)].join(', ');
  return [`  owner ${owner}: ${standing}, told ${new Date(toldMs).toISOString()}`];
}

function deadLettersText(view: StreamView, errorsOf: StateTextOptions['errorsOf']): readonly string[] {
  if (errorsOf === undefined || view.ledger.deadLettered().length === 0) return [];
  if (errorsOf === null) return ['  dead letters by error: not known, as their topic cannot be read'];
  return [
    '  dead letters by error (peek dead-letters --last 5 shows the newest):',
    ...errorsOf(view).map(({ path, expected, rows }) => `    ${rows} ${path === '' ? '' : `${path}: `}${expected}`),
  ];
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
