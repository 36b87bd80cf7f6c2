import { instantOf } from '../changes/kinds';
import type { Config } from '../../config/config';
import { ConfigError, TransientError } from '../errors';
import type { Cursor, StreamName } from '../model';
import { CoverageWatch, type Coverage, type StreamCoverage } from '../rules/coverage';
import { userAgentOf } from '../service/api';
import { kafkaSettings } from '../service/cluster';
import { createKafka } from '../sinks/client';
import { openRecordReader } from '../sinks/record-reader';
import { allStreams } from '../sources/streams/all-streams';
import { awaitCoverage, sweepsIn } from '../upkeep/await-coverage';
import { readStatuses } from '../upkeep/read-statuses';
import type { ReadTopics } from '../upkeep/find-records';
import { command } from './command';
import { configHelp, configOptions, printLines, setUp, usageError } from './io';

const help = `Usage: infakt-kafka wait --entity ID --covers INSTANT [options]

Waits until everything that inFakt showed before an instant is on the topics:
until a sweep of each stream that began later is committed and complete. So a
month-end job starts on evidence. Changes nothing, asks inFakt nothing and
does not disturb a running service. The instant is compared with the clock of
the machine that runs the service. Rows deleted before the instant may get
their tombstones later: a deletion needs two reads.

Options
  --entity ID        the entity
  --stream NAME      only this stream (all that the entity's file has read)
  --covers INSTANT   date, time and zone, such as 2026-12-01T00:00:00+01:00;
                     of a machine's clock: $(date -Is)
  --timeout SPAN     how long to wait: 90s, 30m, 2h (2h)
${configHelp}

Exit code: 0 covered; 3 such a sweep is finished but not complete, or none
came in time: the output says what was seen, and what is lacking;
2 configuration or usage.
`;

const DEADLINE_MS = 10 * 60_000;
const LOOK_DEADLINE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Timers of Node.js take no more than 24 days. */
const LONGEST_MS = 20 * 86_400_000;

/** `infakt-kafka wait`: waits until what was visible before an instant is on the topics. */
export const waitCommand = command({
  help,
  options: {
    ...configOptions,
    entity: { type: 'string' },
    stream: { type: 'string' },
    covers: { type: 'string' },
    timeout: { type: 'string', default: '2h' },
  },
  async run(values, io) {
    const { entity } = values;
    const timeoutMs = spanOf(values.timeout);
    const instantMs = values.covers === undefined ? undefined : instantOf(values.covers);
    if (entity === undefined) throw usageError('expected --entity, got none');
    if (instantMs === undefined)
      throw usageError(
        `--covers expects a date and time with its zone, such as 2026-12-01T00:00:00+01:00, got ${values.covers === undefined ? 'none' : `"${values.covers}"`}`,
      );
    const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
    const streams = streamsOf(config, entity, values.stream);
    const reader = openRecordReader(config.service.registry, userAgentOf(io.version));
    const timeout = AbortSignal.timeout(timeoutMs);
    const topics: ReadTopics = {
      kafka: createKafka(kafkaSettings(config, secrets), kafkaLog),
      serviceId: config.service.service.id,
      prefix: config.service.topics.prefix,
      stop: AbortSignal.any([io.stop, timeout]),
      deadlineMs: DEADLINE_MS,
      decode: reader.decode,
    };
    try {
      const statusOf = await readStatuses({ ...topics, deadlineMs: LOOK_DEADLINE_MS });
      const isAvailable = (stream: StreamName): boolean => statusOf?.(entity, stream)?.reason !== 'not-available';
      const watch = new CoverageWatch({ entity, streams: streams.filter(isAvailable), instantMs });
      const coverage = await awaitCoverage(topics, watch, (message) => io.stderr(`waiting on: ${message}\n`));
      const underWay = coverage.kind === 'waiting' ? await underWayOf(topics, entity) : new Map<string, Cursor>();
      const instant = new Date(instantMs).toISOString();
      for (const each of coverage.streams)
        printLines(io, `${entity} ${each.stream}: ${textOf(each, instant, underWay.get(each.stream))}`);
      for (const stream of streams.filter((each) => !isAvailable(each)))
        printLines(io, `${entity} ${stream}: not available, so nothing of it is waited for`);
      printLines(io, sentenceOf(coverage, instant, timeout.aborted ? `within ${values.timeout}` : 'before the stop'));
      return coverage.kind === 'covered' ? 0 : 3;
    } finally {
      reader.close();
    }
  },
});

function spanOf(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const spanMs = Number(digits) * (UNITS[unit] ?? NaN);
  if (!(spanMs <= LONGEST_MS))
    throw usageError(`--timeout expects a span up to 20d, such as 90s, 30m or 2h, got "${text}"`);
  return spanMs;
}

/** The streams of the entity that are read, or the one that is named. */
function streamsOf({ entities }: Config, entity: string, only: string | undefined): readonly StreamName[] {
  const setting = entities.find(({ id }) => id === entity);
  if (setting?.enabled !== true) {
    const names = entities.flatMap(({ id, enabled }) => (enabled ? [id] : []));
    throw usageError(`expected --entity to be one that is read (${names.join(', ')}), got "${entity}"`);
  }
  const read = allStreams.map(({ name }) => name).filter((name) => setting.streams.includes(name));
  if (only === undefined) return read;
  if (!read.includes(only))
    throw usageError(`expected --stream to be one that is read of ${entity} (${read.join(', ')}), got "${only}"`);
  return [only];
}

/** Where sweeps stand that are not finished; nothing where that cannot be read, as it is only said beside the result. */
async function underWayOf(topics: ReadTopics, entity: string): Promise<ReadonlyMap<string, Cursor>> {
  try {
    return await sweepsIn({ ...topics, deadlineMs: LOOK_DEADLINE_MS }, entity);
  } catch (error) {
    if (error instanceof TransientError || error instanceof ConfigError) return new Map();
    throw error;
  }
}

function textOf(each: StreamCoverage, instant: string, cursor: Cursor | undefined): string {
  const parts: string[] = [];
  if (each.kind === 'none') parts.push('no finished sweep is known');
  else {
    const { number, startedAtMs, finishedAtMs, complete, lacks } = each.sweep;
    const span = `sweep ${number} began ${iso(startedAtMs)}, finished ${iso(finishedAtMs)}`;
    const judged = complete ? 'complete' : `NOT complete: ${lacks}`;
    parts.push(each.kind === 'earlier' ? `${span}: too early for ${instant}` : `${span}, ${judged}`);
  }
  if (cursor !== undefined && cursor.finishedAt === null)
    parts.push(
      `sweep ${cursor.number} is under way since ${cursor.startedAt}, at offset ${cursor.position.offset} of ${cursor.totalCount ?? '?'}`,
    );
  return parts.join('; ');
}

function sentenceOf({ kind }: Coverage, instant: string, when: string): string {
  if (kind === 'covered') return `All that was visible before ${instant} is on the topics.`;
  if (kind === 'incomplete')
    return `NOT all that was visible before ${instant} is on the topics: a sweep that began later is finished, but not complete.`;
  return `NOT known to be on the topics: no sweep that began after ${instant} was finished of every stream ${when}.`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
