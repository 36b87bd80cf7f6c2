import { freemem } from 'node:os';
import { parseArgs } from 'node:util';
import type { Kafka } from 'kafkajs';
import { lastValueFrom } from 'rxjs';

import type { Config, EntityConfig } from '../../config/load';
import { ConfigError, exitCodeFor, FatalError, type ParkReason } from '../errors';
import { judgeIdentity } from '../rules/identity';
import { forecast, planText, type StreamToday } from '../rules/forecast';
import { isObject } from '../changes/kinds';
import type { Query, Row } from '../model';
import { isoDay, isWithin, listParams, queryOf, sweepQuery } from '../rules/scope';
import {
  allStreams,
  createMarks,
  kafkaSettings,
  layoutOf,
  openApi,
  subjectsOf,
  topicSettings,
  userAgentOf,
  usualPatience,
  type Patience,
} from '../service/serve';
import type { Secrets } from '../secrets';
import { createKafka } from '../sinks/writer';
import { confluent, singleObject, type Framing } from '../sinks/framing';
import { look } from '../sinks/look';
import { createRegistry } from '../sinks/registry';
import { groupIsEmpty } from '../sinks/group';
import { verifyLayout } from '../state/layout';
import { parseStateKey, parseStateValue, type Account, type Layout } from '../state/state-topic';
import { ensureTopics, missingTopics, type Topics } from '../sinks/topics';
import type { Rest } from '../sources/rest';
import { configHelp, configOptions, setUp, type Io } from './io';

const help = `Usage: infakt-kafka check [options]

Looks at everything that a run needs and changes nothing: the configuration, the brokers, the topics and their settings, what the state
topic remembers, each entity's key and whose account it belongs to, the filters and the order in use, how often each kind
of scan will come round, free memory. Prints one line a
check: ok, or what to do. Rights to write are not tried out, as that would change something.

Options
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 all ok, 2 configuration or something that a person must set right, 3 Kafka or the API could not be reached.
`;

/** Outcome of one check. */
interface Finding {
  readonly check: string;
  readonly entity: string | null;
  readonly ok: boolean;
  readonly text: string;
  readonly code: 0 | 2 | 3;
}

const LOOK_DEADLINE_MS = 5 * 60_000;
/** Measured: 44 bytes a row in the ledger, about as much while it is restored, and the program itself. */
const ROW_BYTES = 100;
const BASE_BYTES = 150 * 1024 * 1024;
/** A business date that no document has. */
const FAR_FUTURE = '2999-01-01';

/** What a person can do about it; "" where the message says so itself. */
const ADVICE: Partial<Record<ParkReason, string>> = {
  unauthorized: "set the entity's API key: it is missing, wrong or was withdrawn",
  'payment-required': "the account's plan does not include the API: see to it in inFakt",
  forbidden: 'the plan or the permissions of the key do not allow this: give it the scope api:invoices:read',
  'identity-mismatch': '',
  'identity-unreadable': '',
};

/** `infakt-kafka check`: returns the exit code. */
export async function checkCommand(
  argv: readonly string[],
  io: Io,
  patience: Patience = checkPatience(),
): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...configOptions, json: { type: 'boolean', default: false } },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  const findings: Finding[] = [];
  const found = (finding: Finding): void => {
    findings.push(finding);
    if (!values.json)
      io.stdout(
        `${finding.ok ? 'ok  ' : 'FAIL'} ${finding.check}${finding.entity === null ? '' : ` ${finding.entity}`}: ${finding.text}\n`,
      );
  };
  /** Runs one check; null where it failed. */
  const attempt = async <T>(
    check: string,
    entity: string | null,
    work: () => Promise<{ readonly value: T; readonly text: string }>,
  ): Promise<T | null> => {
    try {
      const { value, text } = await work();
      found({ check, entity, ok: true, text, code: 0 });
      return value;
    } catch (error) {
      const advice = error instanceof FatalError ? ADVICE[error.reason] : undefined;
      const code = advice === undefined ? exitCodeFor(error) : 2;
      if (code === 1 || !(error instanceof Error)) throw error;
      found({
        check,
        entity,
        ok: false,
        text: advice === undefined || advice === '' ? error.message : `${error.message}; ${advice}`,
        code,
      });
      return null;
    }
  };

  const config = await attempt('configuration', null, () => {
    const set = setUp(io, values);
    const entities = set.config.entities.filter(({ enabled }) => enabled);
    return Promise.resolve({
      value: set,
      text: `${values.config}, ${entities.length} enabled entities in ${values.entities}`,
    });
  });
  if (config !== null) {
    const remembered = await checkKafka(
      config.config,
      createKafka(kafkaSettings(config.config, config.secrets), config.kafkaLog),
      io,
      attempt,
    );
    const streams = await checkApi(config.config, config.secrets, io, patience, remembered ?? new Map(), attempt);
    await attempt('plan', null, () => checkPlan(config.config, streams));
    await attempt('memory', null, () => memory(streams.reduce((sum, { rows }) => sum + (rows.sweep ?? 0), 0)));
  }
  const code = findings.reduce<0 | 2 | 3>(
    (worst, finding) => (worst === 2 || finding.code === 2 ? 2 : worst === 3 ? 3 : finding.code),
    0,
  );
  if (values.json)
    io.stdout(
      `${JSON.stringify({ ok: code === 0, checks: findings.map(({ check, entity, ok, text }) => ({ check, entity, ok, text })) })}\n`,
    );
  return code;
}

type Attempt = <T>(
  check: string,
  entity: string | null,
  work: () => Promise<{ readonly value: T; readonly text: string }>,
) => Promise<T | null>;

/** A person is waiting: three quick tries instead of six long ones. */
function checkPatience(): Patience {
  const usual = usualPatience(Math.random);
  return { ...usual, retry: { attempts: 3, waitMs: () => 500 } };
}

/** Brokers, topics and layout; the accounts that the state topic remembers. */
async function checkKafka(
  { service }: Config,
  kafka: Kafka,
  io: Io,
  attempt: Attempt,
): Promise<ReadonlyMap<string, Account> | null> {
  const config = { service, entities: [] };
  const settings = topicSettings(config, false);
  const missing = await attempt('brokers', null, async () => {
    const names = await missingTopics(kafka, topicSettings(config, service.topics.create));
    return { value: names, text: `${service.kafka.brokers.join(', ')} answer` };
  });
  if (missing === null) return null;
  if (missing.length > 0) {
    await attempt('topics', null, () => {
      const names = missing.join(', ');
      if (!service.topics.create)
        throw new ConfigError(
          `expected ${names} to exist, as topics.create is false; create them, or set topics.create to true`,
        );
      return Promise.resolve({ value: null, text: `${names} will be created at the first run` });
    });
    const named = (name: string): { readonly name: string } => ({ name: `${settings.prefix}.${name}` });
    const wanted = { data: new Map(settings.data.map((name) => [name, named(name)])), sweeps: named('sweeps') };
    await attempt('registry', null, () => checkRegistry(config, wanted, io.version));
    return null;
  }
  const topics = await attempt('topics', null, async () => {
    const seen = await ensureTopics(kafka, settings);
    const all = [...seen.data.values(), seen.sweeps, seen.deadLetters, seen.state];
    const text = all.map(({ name, partitions }) => `${name} (${partitions} partitions)`).join(', ');
    return { value: seen, text: [text, ...seen.warnings].join('; ') };
  });
  if (topics === null) return null;
  const framing = await attempt('registry', null, () => checkRegistry(config, topics, io.version));
  return framing === null ? null : attempt('state', null, () => checkState(config, kafka, topics, framing, io));
}

/** What the registry has of each schema, without changing it. */
async function checkRegistry(
  { service }: Config,
  topics: Parameters<typeof subjectsOf>[0],
  version: string,
): Promise<{ readonly value: Framing; readonly text: string }> {
  if (service.registry === null)
    return { value: singleObject, text: "none configured: records are in Avro's single-object encoding" };
  const registry = createRegistry({ settings: service.registry, userAgent: userAgentOf(version) });
  try {
    const examined = await registry.examine(subjectsOf(topics));
    const refused = examined.flatMap((each) => (each.state === 'refused' ? [each.reason] : []));
    if (refused.length > 0) throw new ConfigError(refused.join('; '));
    const ids = new Map(
      examined.flatMap((each) => (each.state === 'registered' ? [[each.subject, each.id] as const] : [])),
    );
    const missing = examined.length - ids.size;
    return {
      value: { ...confluent(ids), schemaId: (subject) => String(ids.get(subject) ?? 'none') },
      text: [
        `${service.registry.url} has ${ids.size} of ${examined.length} schemas`,
        ...(missing > 0 ? [`${missing} will be registered at the first run`] : []),
        ...new Set(examined.flatMap((each) => each.notes)),
      ].join('; '),
    };
  } finally {
    registry.close();
  }
}

async function checkState(
  { service }: Config,
  kafka: Kafka,
  topics: Topics,
  framing: Framing,
  io: Io,
): Promise<{ readonly value: ReadonlyMap<string, Account>; readonly text: string }> {
  const serviceId = service.service.id;
  // Who may not see the group may not join it either.
  await groupIsEmpty(kafka, serviceId, 0);
  const accounts = new Map<string, Account>();
  const layouts = new Map<number, Layout>();
  await look(
    kafka,
    { serviceId, topic: topics.state.name, follow: false, stopped: io.stopped, deadlineMs: LOOK_DEADLINE_MS },
    ({ key, value, partition, offset }) => {
      const parsed = parseStateKey(
        serviceId,
        key?.toString() ?? '',
        `${topics.state.name}, partition ${partition}, offset ${offset}`,
      );
      if (value !== null && 'layout' in parsed) layouts.set(partition, parseStateValue('layout', value));
      if (value !== null && 'account' in parsed) accounts.set(parsed.entity, parseStateValue('account', value));
      return false;
    },
  );
  const now = layoutOf(topics, framing);
  for (const layout of layouts.values()) verifyLayout(layout, topics, now);
  return {
    value: accounts,
    text: layouts.size === 0 ? 'nothing remembered yet' : `${layouts.size} shards in use, their layout fits`,
  };
}

/** Keys, filters and order of each entity, side by side; returns the streams that can be read. */
async function checkApi(
  config: Config,
  secrets: Secrets,
  io: Io,
  patience: Patience,
  accounts: ReadonlyMap<string, Account>,
  attempt: Attempt,
): Promise<readonly StreamToday[]> {
  const api = openApi(config, { version: io.version, patience, secrets, marks: createMarks() });
  try {
    const entities = config.entities.filter(({ enabled }) => enabled);
    const { recentDays } = config.service.schedule;
    const streams = await Promise.all(
      entities.map((entity) =>
        checkEntity(entity, api.of(entity), { before: accounts.get(entity.id) ?? null, recentDays }, attempt),
      ),
    );
    return streams.flat();
  } finally {
    api.close();
  }
}

async function checkEntity(
  entity: EntityConfig,
  rest: Rest,
  { before, recentDays }: { readonly before: Account | null; readonly recentDays: number },
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
        `belongs to ${whose}${entity.nip !== null ? ', as configured' : before === null ? ', which will be remembered' : ', as remembered'}`,
    };
  });
  if (known === null) return [];
  const today: StreamToday[] = [];
  for (const stream of allStreams.filter(({ name }) => entity.streams.includes(name))) {
    await attempt(`stream ${stream.name}`, entity.id, async () => {
      const query = sweepQuery(stream, entity, before?.firstRun ?? isoDay(Date.now()));
      const ask = (params: Record<string, string>, limit: number) =>
        lastValueFrom(rest.list(stream.name, stream.path, params, 0, limit));
      const { totalCount, rows: first } = await ask(listParams(stream, query), 100);
      if (!inOrder(first, 1))
        throw new ConfigError(
          `expected rows by ascending id with order=id asc, got another order; the stream cannot be read`,
        );
      const told = [`${totalCount} rows${scopeText(query)}, order by id is kept`];
      const newest = await ask(listParams(stream, { ...query, order: 'desc' }), 100);
      if (!inOrder(newest.rows, -1))
        throw new ConfigError(`expected rows by descending id with order=id desc, got another order`);
      const rows = { sweep: totalCount, open: 0, recent: 0 };
      if (stream.scopeField !== null) {
        const beyond = await ask(listParams(stream, { ...query, from: FAR_FUTURE, to: null }), 1);
        told.push(
          beyond.totalCount === 0
            ? 'the date filter works'
            : 'the date filter has NO effect: all rows are read and those outside the scope left out',
        );
        const recent = queryOf('recent', query, isoDay(Date.now()), recentDays);
        if (recent !== null) rows.recent = (await ask(listParams(stream, recent), 1)).totalCount;
      }
      if (stream.openField !== null) {
        const open: Query = { ...query, open: true };
        const answer = await ask(listParams(stream, open), 100);
        rows.open = answer.totalCount;
        const obeys = answer.rows.every((row) => !isRow(row) || isWithin({ ...stream, scopeField: null }, open, row));
        told.push(
          obeys
            ? `the filter of open documents works (${answer.totalCount})`
            : 'the filter of open documents has NO effect: the sweep finds what they come to',
        );
      }
      today.push({ entity: entity.id, declaration: stream, rows, cursors: {} });
      return { value: null, text: told.join(', ') };
    });
  }
  return today;
}

function scopeText({ from, to }: Query): string {
  return from === null && to === null ? '' : ` from ${from ?? 'the beginning'} to ${to ?? 'now and beyond'}`;
}

function isRow(row: unknown): row is Row {
  return isObject(row) && typeof row['id'] === 'number';
}

/** A row without an id is dead-lettered and says nothing about the order. */
function idsOf(rows: readonly unknown[]): readonly number[] {
  return rows.filter(isRow).map(({ id }) => id);
}

function inOrder(rows: readonly unknown[], direction: 1 | -1): boolean {
  const ids = idsOf(rows);
  return ids.every((id, index) => index === 0 || (id - (ids[index - 1] ?? NaN)) * direction > 0);
}

/** What the schedule comes to for all that is configured; a forecast, and so never a fault. */
function checkPlan(
  { service: { schedule, infakt } }: Config,
  streams: readonly StreamToday[],
): Promise<{ readonly value: null; readonly text: string }> {
  const { requestsPerMinute } = infakt;
  const planned = forecast(streams, { settings: schedule, requestsPerMinute, nowMs: Date.now() });
  return Promise.resolve({ value: null, text: planText(planned, requestsPerMinute) });
}

function memory(rows: number): Promise<{ readonly value: null; readonly text: string }> {
  const needed = BASE_BYTES + rows * ROW_BYTES;
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
  const text = `about ${megabytes(needed)} for ${rows} rows, ${megabytes(freemem())} free`;
  if (needed > freemem()) throw new ConfigError(`expected ${text}; give the service more memory`);
  return Promise.resolve({ value: null, text });
}
