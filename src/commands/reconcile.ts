import type { Kafka } from 'kafkajs';

import type { Config } from '../../config/config';
import { ConfigError } from '../errors';
import { isObject } from '../json';
import type { StreamDeclaration } from '../model';
import { completenessOf, shortcomingsJson, shortcomingsText, type Completeness } from '../rules/completeness';
import { allStreams } from '../sources/streams/all-streams';
import { kafkaSettings } from '../service/cluster';
import { userAgentOf } from '../service/api';
import { createKafka } from '../sinks/client';
import { endOffsets, readCommitted } from '../sinks/look';
import { openRecordReader } from '../sinks/record-reader';
import { finishedSweepOf, type FinishedSweep } from '../upkeep/finished-sweep';
import type { ComparedSum, Reconciled } from '../upkeep/reconcile-result';
import { reconcileStream, type Reconciliation } from '../upkeep/reconcile-stream';
import { completenessIn, lastSweep, readRemembered, type StreamView } from '../upkeep/remembered';
import { command } from './command';
import { configHelp, configOptions, printLines, setUp, unknownEntity } from './io';
import { painted, plainPage } from './page';

const help = `Usage: infakt-kafka reconcile [options]

Compares the topics with what inFakt showed in the last finished sweep, for each entity and stream: rows and sums by month and currency,
and the newest record of each row with what the ledger says was published. Changes nothing, asks inFakt nothing and does not disturb a
running service. Rows that changed after the sweep or while it was under way, rows that are absent but not yet known to be deleted, and
dead letters are listed apart. Sums are printed of what differs; --json has all of them.

Options
  --entity ID        only this entity
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 all agree and are complete, 2 configuration, 3 something differs, has no finished sweep, or is not complete: deletions wait
for a person, or rows are dead letters or pending that the entity's file does not accept; 3 also where Kafka cannot be used.
`;

const DEADLINE_MS = 30 * 60_000;
const SHOWN_IDS = 20;
const NOTHING_REMEMBERED = {
  ledger: { live: 0, deadLettered: () => [], missingSince: () => [] },
  hold: null,
  decidedSweep: 0,
};

/** What is compared of one stream. */
interface Subject {
  readonly entity: string;
  readonly declaration: StreamDeclaration;
  readonly view: StreamView | null;
}

/** `infakt-kafka reconcile`: compares the topics with the last finished sweep. */
export const reconcileCommand = command({
  help,
  options: { ...configOptions, entity: { type: 'string' }, json: { type: 'boolean', default: false } },
  async run(values, io) {
    const { config, kafkaLog, secrets } = setUp(io, values);
    const reader = openRecordReader(config.service.registry, userAgentOf(io.version));
    const kafka = createKafka(kafkaSettings(config, secrets), kafkaLog);
    const topics: PublishedTopics = {
      kafka,
      serviceId: config.service.service.id,
      prefix: config.service.topics.prefix,
      stop: io.stop,
      decode: async (bytes) => {
        try {
          return bytes === null ? null : await reader.decode(bytes);
        } catch {
          // A record that no schema fits is compared with nothing.
          return {};
        }
      },
    };
    const results = await reconcileAll(config, topics, values.entity).finally(() => reader.close());
    const { page = plainPage } = io;
    const agrees = results.every((each) => each.agrees && each.completeness.complete);
    const sorted = results.toSorted((a, b) => (a.entity < b.entity ? -1 : a.entity > b.entity ? 1 : 0));
    if (values.json) io.stdout(`${JSON.stringify({ agrees, streams: sorted.map(asJson) })}\n`);
    else {
      for (const each of sorted) printLines(io, asText(each), 4);
      printLines(io, agrees ? painted('green', 'All agree.', page) : painted('red', sentenceOf(results), page));
    }
    return agrees ? 0 : 3;
  },
});

/** The topics of a service, and how a record of them is read. */
interface PublishedTopics {
  readonly kafka: Kafka;
  readonly serviceId: string;
  readonly prefix: string;
  readonly stop: AbortSignal;
  readonly decode: (bytes: Buffer | null) => Promise<unknown>;
}

/** How a stream's records agree, and whether its last finished sweep is complete. */
type Judged = Reconciled & { readonly completeness: Completeness };

/** Reads the state, the records of sweeps and every data topic, and compares stream by stream. */
async function reconcileAll(
  config: Config,
  topics: PublishedTopics,
  only: string | undefined,
): Promise<readonly Judged[]> {
  const { kafka, serviceId, prefix, stop, decode } = topics;
  const reading = (name: string) => ({
    serviceId,
    topic: `${prefix}.${name}`,
    follow: false,
    stop,
    deadlineMs: DEADLINE_MS,
  });
  // The ledger, which is read later, knows of every record before these offsets.
  const ends = new Map<string, number>();
  for (const stream of allStreams)
    for (const { partition, high } of await endsOf(kafka, prefix, stream))
      ends.set(`${stream.name} ${partition}`, high);
  const remembered = await readRemembered(kafka, reading('state'));
  const subjects = subjectsIn(config, remembered.streams, only);
  const sweeps = new Map<string, FinishedSweep>();
  await readCommitted(kafka, reading('sweeps'), async ({ key, value }) => {
    const parts = await decode(key);
    const subject = subjects.find((each) => isOf(parts, each));
    if (subject === undefined) return false;
    const sweep = finishedSweepOf(await decode(value), subject.declaration.sumFields);
    // A sweep with a greater number ended after the ledger was read.
    if (sweep !== undefined && sweep.number === lastSweep(subject.view?.cursors ?? {})?.number)
      sweeps.set(nameOf(subject), sweep);
    return false;
  });
  const results: Judged[] = [];
  for (const { name } of allStreams) {
    const reconciliations = new Map<unknown, Reconciliation>();
    for (const subject of subjects.filter(({ declaration }) => declaration.name === name)) {
      const { entity, declaration, view } = subject;
      const sweep = sweeps.get(nameOf(subject)) ?? null;
      const { ledger, definitions } = view ?? { ledger: null, definitions: [] };
      reconciliations.set(entity, reconcileStream({ entity, declaration, sweep, ledger, definitions }));
    }
    if (reconciliations.size === 0) continue;
    await readCommitted(kafka, reading(name), async ({ key, value, headers, partition, offset }) => {
      const parts = await decode(key);
      if (!isObject(parts) || typeof parts['id'] !== 'number') return false;
      const reconciliation = reconciliations.get(parts['entity']);
      if (reconciliation === undefined) return false;
      const content = await decode(value);
      const settled = offset < (ends.get(`${name} ${partition}`) ?? 0);
      reconciliation.add({ id: parts['id'], value: isObject(content) ? content : null, headers, settled });
      return false;
    });
    for (const reconciliation of reconciliations.values()) {
      const result = reconciliation.result();
      const view = subjects.find((each) => each.entity === result.entity && each.declaration.name === name)?.view;
      const completeness = view == null ? completenessOf(NOTHING_REMEMBERED, new Set()) : completenessIn(config, view);
      results.push({ ...result, completeness });
    }
  }
  return results;
}

/** Where the topic of a stream ends; nowhere where there is none, of a stream that is optional. */
async function endsOf(
  kafka: Kafka,
  prefix: string,
  { name, isOptional }: StreamDeclaration,
): ReturnType<typeof endOffsets> {
  try {
    return await endOffsets(kafka, `${prefix}.${name}`);
  } catch (error) {
    if (isOptional === true && error instanceof ConfigError) return [];
    throw error;
  }
}

/** Every stream that is read or remembered. */
function subjectsIn({ entities }: Config, views: readonly StreamView[], only: string | undefined): readonly Subject[] {
  const configured = entities.filter(({ enabled }) => enabled);
  const names = [...new Set([...configured.map(({ id }) => id), ...views.map(({ entity }) => entity)])].filter(
    (entity) => only === undefined || entity === only,
  );
  if (names.length === 0)
    throw unknownEntity(only ?? '', [...entities.map(({ id }) => id), ...views.map(({ entity }) => entity)]);
  return names.flatMap((entity) =>
    allStreams.flatMap((declaration) => {
      const view = views.find((each) => each.entity === entity && each.stream === declaration.name) ?? null;
      const isRead = configured.some(({ id, streams }) => id === entity && streams.includes(declaration.name));
      return view === null && !isRead ? [] : [{ entity, declaration, view }];
    }),
  );
}

function sentenceOf(results: readonly Judged[]): string {
  return results.every((each) => each.agrees) ? 'All agree, but NOT all are complete.' : 'NOT all agree.';
}

function isOf(key: unknown, { entity, declaration }: Subject): boolean {
  return isObject(key) && key['entity'] === entity && key['stream'] === declaration.name;
}

function nameOf({ entity, declaration }: Pick<Subject, 'entity' | 'declaration'>): string {
  return `${entity} ${declaration.name}`;
}

function asJson({ apart, completeness, ...result }: Judged): Record<string, unknown> {
  const { later, deleted, missing, deadLettered, olderDefinition } = apart;
  const { complete, reasons } = completeness;
  const lacks = { complete, reasons, ...shortcomingsJson(completeness) };
  return {
    ...result,
    ...lacks,
    apart: { later, deleted, missing, dead_lettered: deadLettered, older_definition: olderDefinition },
  };
}

function asText({ entity, stream, agrees, sweep, rows, sums, differences, apart, completeness }: Judged): string {
  const against =
    sweep === null
      ? 'no complete sweep, or no record of it: the next sweep will write one'
      : `sweep ${sweep.number} of ${sweep.finishedAt} showed ${sweep.rows}`;
  const lines = [`${entity} ${stream}: ${agrees ? 'agrees' : 'DIFFERS'}, ${rows} rows on the topic, ${against}`];
  const lacks = shortcomingsText(completeness);
  if (lacks !== '') lines.push(`  ${completeness.complete ? 'complete' : 'NOT complete'}: ${lacks}`);
  const inMoney = sums.some(({ sweep: { amounts } }) => amounts.length > 0);
  if (inMoney && agrees) lines.push(`  rows, net, VAT and gross agree in each of ${sums.length} months and currencies`);
  else if (inMoney) lines.push(...tableOf(sums));
  for (const { id, what } of differences.slice(0, SHOWN_IDS)) lines.push(`  DIFFERS ${id}: ${what}`);
  if (differences.length > SHOWN_IDS) lines.push(`  and ${differences.length - SHOWN_IDS} more: see --json`);
  const listed = (ids: readonly number[], what: string): string[] =>
    ids.length === 0
      ? []
      : [
          `  apart: ${ids.length} ${what}: ${ids.slice(0, SHOWN_IDS).join(', ')}${ids.length > SHOWN_IDS ? ', ...' : ''}`,
        ];
  lines.push(
    ...listed(apart.later, 'read after the sweep or while it was under way'),
    ...listed(apart.deleted, 'deleted at the end of the sweep or since'),
    ...listed(apart.missing, 'absent, not yet known to be deleted'),
    ...listed(apart.deadLettered, 'dead-lettered'),
    ...listed(apart.olderDefinition, 'published under other volatile fields, not comparable'),
  );
  return lines.join('\n');
}

/** Net, VAT and gross as the sweep showed them; a second line where the topic says something else. */
function tableOf(sums: readonly ComparedSum[]): string[] {
  const line = (label: string, { rows, amounts }: ComparedSum['sweep']): string =>
    [label.padEnd(16), String(rows).padStart(7), ...amounts.map((amount) => moneyText(amount).padStart(14))].join(' ');
  return [
    `  ${['month, currency'.padEnd(16), 'rows'.padStart(7), ...['net', 'VAT', 'gross'].map((name) => name.padStart(14))].join(' ')}`,
    ...sums.flatMap(({ month, currency, sweep, topic, agrees }) => [
      `  ${line(`${month ?? 'no date'} ${currency ?? 'no currency'}`, sweep)}${agrees ? '' : '  DIFFERS'}`,
      ...(JSON.stringify(sweep) === JSON.stringify(topic) ? [] : [`  ${line('  on the topic', topic)}`]),
    ]),
  ];
}

function moneyText(minor: number | null): string {
  if (minor === null) return '?';
  const digits = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
