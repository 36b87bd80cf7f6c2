import type { Health, Problem, StreamHealth } from './health';
import { statusReasons } from './reasons';
import { totalOf, type ChangeCounts } from './recent-changes';
import { streamName } from './targets';

/** How an entity is, at one glance: `wrong` makes `/health` answer 503, `unsettled` is on its way, `noted` is well but for something to know. */
export type Verdict = 'wrong' | 'unsettled' | 'noted' | 'well';

/** All that is shown of one stream. */
export interface StreamView extends StreamHealth {
  readonly problems: readonly Problem[];
  /** Null = another replica reads the stream. */
  readonly today: ChangeCounts | null;
  /** Milliseconds until the first sweep ends, to the minute; null = not to be said. */
  readonly leftMs: number | null;
}

/** All that is shown of one entity. */
export interface EntityView {
  readonly entity: string;
  readonly verdict: Verdict;
  /** The lower, the worse. */
  readonly rank: number;
  readonly streams: readonly StreamView[];
}

/** Where everything stands, the worst entity first. */
export interface Overview {
  readonly healthy: boolean;
  readonly entities: readonly EntityView[];
  /** Entities of each verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly streams: number;
  /** Rows of all streams, as their last sweeps have counted them. */
  readonly rows: number;
  /** Records that this replica has published since midnight. */
  readonly today: number;
}

/** What is known beside the answer of `/health`. */
export interface Beside {
  readonly todayOf: (entity: string, stream: string, owner: string) => ChangeCounts | null;
  readonly leftMs: (entity: string, stream: string) => number | null;
}

const MINUTE_MS = 60_000;
const RANKS: Readonly<Record<Exclude<Verdict, 'wrong'>, number>> = { unsettled: 1_000, noted: 2_000, well: 3_000 };

/** Sorts the answer of `/health` by entity, and adds what was counted beside it. */
export function overviewOf(health: Health, beside: Beside): Overview {
  const byEntity = new Map<string, StreamView[]>();
  const problems = problemsByStream(health.problems);
  for (const stream of health.streams) {
    const view = viewOf(stream, problems.get(streamName(stream.entity, stream.stream)) ?? [], beside);
    const views = byEntity.get(stream.entity);
    if (views === undefined) byEntity.set(stream.entity, [view]);
    else views.push(view);
  }
  const entities = [...byEntity].map(([entity, streams]): EntityView => {
    const verdict = verdictOf(streams);
    return { entity, verdict, rank: rankOf(verdict, streams), streams };
  });
  const verdicts = { wrong: 0, unsettled: 0, noted: 0, well: 0 };
  for (const { verdict } of entities) verdicts[verdict]++;
  const streams = entities.flatMap((entity) => entity.streams);
  return {
    healthy: health.healthy,
    entities: entities.toSorted((one, other) => one.rank - other.rank || (one.entity < other.entity ? -1 : 1)),
    verdicts,
    streams: streams.length,
    rows: streams.reduce((sum, stream) => sum + (rowsOf(stream) ?? 0), 0),
    today: streams.reduce((sum, { today }) => sum + (today === null ? 0 : totalOf(today)), 0),
  };
}

/** Rows that a stream has, as far as they are known; null = nobody has counted them. */
export function rowsOf({ sweep, first_sweep: first }: StreamHealth): number | null {
  return first?.rows ?? sweep?.rows ?? null;
}

function viewOf(stream: StreamHealth, problems: readonly Problem[], { todayOf, leftMs }: Beside): StreamView {
  const left = stream.first_sweep === null ? null : leftMs(stream.entity, stream.stream);
  return {
    ...stream,
    problems,
    today: todayOf(stream.entity, stream.stream, stream.owner),
    leftMs: left === null ? null : Math.ceil(left / MINUTE_MS) * MINUTE_MS,
  };
}

function verdictOf(streams: readonly StreamView[]): Verdict {
  if (streams.some(({ problems }) => problems.some(({ unhealthy }) => unhealthy))) return 'wrong';
  if (streams.some(({ state }) => state !== 'reading' && state !== 'not-read')) return 'unsettled';
  return streams.some(({ problems }) => problems.length > 0) ? 'noted' : 'well';
}

function rankOf(verdict: Verdict, streams: readonly StreamView[]): number {
  if (verdict !== 'wrong') return RANKS[verdict];
  const found = streams.flatMap(({ problems }) => problems.filter(({ unhealthy }) => unhealthy));
  return Math.min(...found.map(({ reason }) => statusReasons.indexOf(reason)));
}

function problemsByStream(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  const found = new Map<string, Problem[]>();
  for (const problem of problems) {
    const name = streamName(problem.entity, problem.stream);
    const known = found.get(name);
    if (known === undefined) found.set(name, [problem]);
    else known.push(problem);
  }
  return found;
}
