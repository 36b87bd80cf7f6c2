import { parseArgs } from 'node:util';

import type { Config } from '../../config/load';
import { isObject } from '../changes/kinds';
import type { StreamDeclaration } from '../model';
import { lapOf, reconcile, type HeldSum, type Lap, type Reconciled, type Reconciliation } from '../upkeep/reconcile';
import { lastLap, readRemembered, type StreamView } from '../upkeep/remembered';
import { userAgentOf } from '../service/api';
import { kafkaSettings } from '../service/cluster';
import { allStreams } from '../sources/streams/all-streams';
import { createKafka } from '../sinks/writer';
import { endOffsets, look } from '../sinks/look';
import { createRecordReader } from '../sinks/record-reader';
import { createRegistry } from '../sinks/registry';
import { configHelp, configOptions, setUp, usageError, type Io } from './io';

const help = `Usage: infakt-kafka reconcile [options]

Holds what is on the topics against what inFakt showed in the last complete lap, for each entity and stream: rows and sums by month and
currency, and the newest record of each row against what the ledger says was published. Changes nothing, asks inFakt nothing and does not
disturb a running service. Rows that changed after the lap or while it was under way, rows that are absent but not yet known to be deleted,
and dead letters are listed apart. Sums are printed of what differs; --json has all of them.

Options
  --entity ID        only this entity
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 all agree, 2 configuration, 3 something differs or has no complete lap, or Kafka cannot be used.
`;

const DEADLINE_MS = 30 * 60_000;
const SHOWN_IDS = 20;

/** What is compared of one stream. */
interface Subject {
  readonly entity: string;
  readonly declaration: StreamDeclaration;
  readonly view: StreamView | null;
}

/** `infakt-kafka reconcile`: returns the exit code. */
export async function reconcileCommand(argv: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...configOptions, entity: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  const { config, kafkaLog, secrets } = setUp(io, values);
  const settings = config.service.registry;
  const registry = settings === null ? null : createRegistry({ settings, userAgent: userAgentOf(io.version) });
  const decode = createRecordReader(registry);
  const kafka = createKafka(kafkaSettings(config, secrets), kafkaLog);
  const serviceId = config.service.service.id;
  const full = (name: string): string => `${config.service.topics.prefix}.${name}`;
  const reading = (topic: string) => ({
    serviceId,
    topic,
    follow: false,
    stopped: io.stopped,
    deadlineMs: DEADLINE_MS,
  });
  const decoded = async (bytes: Buffer | null): Promise<unknown> => {
    try {
      return bytes === null ? null : await decode(bytes);
    } catch {
      return {};
    }
  };

  const results: Reconciled[] = [];
  try {
    // What is before these offsets the ledger, read later, knows of.
    const ends = new Map<string, number>();
    for (const { name } of allStreams)
      for (const { partition, high } of await endOffsets(kafka, full(name))) ends.set(`${name} ${partition}`, high);
    const remembered = await readRemembered(kafka, reading(full('state')));
    const subjects = subjectsIn(config, remembered.streams, values.entity);
    const laps = new Map<string, Lap>();
    await look(kafka, reading(full('sweeps')), async ({ key, value }) => {
      const parts = await decoded(key);
      const subject = subjects.find((each) => isOf(parts, each));
      if (subject === undefined) return false;
      const lap = lapOf(await decoded(value), subject.declaration.sumFields);
      // A newer one came after the ledger was read.
      if (lap !== undefined && lap.number === lastLap(subject.view?.cursors ?? {})?.number)
        laps.set(nameOf(subject), lap);
      return false;
    });
    for (const { name } of allStreams) {
      const its = new Map<unknown, Reconciliation>();
      for (const subject of subjects.filter(({ declaration }) => declaration.name === name)) {
        const { entity, declaration, view } = subject;
        const lap = laps.get(nameOf(subject)) ?? null;
        const { ledger, definitions } = view ?? { ledger: null, definitions: [] };
        its.set(entity, reconcile({ entity, declaration, lap, ledger, definitions }));
      }
      if (its.size === 0) continue;
      await look(kafka, reading(full(name)), async ({ key, value, headers, partition, offset }) => {
        const parts = await decoded(key);
        if (!isObject(parts) || typeof parts['id'] !== 'number') return false;
        const reconciliation = its.get(parts['entity']);
        if (reconciliation === undefined) return false;
        const content = await decoded(value);
        const settled = offset < (ends.get(`${name} ${partition}`) ?? 0);
        reconciliation.add({ id: parts['id'], value: isObject(content) ? content : null, headers, settled });
        return false;
      });
      for (const reconciliation of its.values()) results.push(reconciliation.result());
    }
  } finally {
    registry?.close();
  }

  const agrees = results.every((each) => each.agrees);
  const sorted = results.sort((a, b) => (a.entity < b.entity ? -1 : a.entity > b.entity ? 1 : 0));
  if (values.json) io.stdout(`${JSON.stringify({ agrees, streams: sorted.map(asJson) })}\n`);
  else {
    for (const each of sorted) io.stdout(asText(each));
    io.stdout(agrees ? 'All agree.\n' : 'NOT all agree.\n');
  }
  return agrees ? 0 : 3;
}

/** Every stream that is read or remembered. */
function subjectsIn({ entities }: Config, views: readonly StreamView[], only: string | undefined): readonly Subject[] {
  const configured = entities.filter(({ enabled }) => enabled);
  const names = [...new Set([...configured.map(({ id }) => id), ...views.map(({ entity }) => entity)])].filter(
    (entity) => only === undefined || entity === only,
  );
  if (names.length === 0)
    throw usageError(`expected --entity to be one that is configured or remembered, got "${only ?? ''}"`);
  return names.flatMap((entity) =>
    allStreams.flatMap((declaration) => {
      const view = views.find((each) => each.entity === entity && each.stream === declaration.name) ?? null;
      const isRead = configured.some(({ id, streams }) => id === entity && streams.includes(declaration.name));
      return view === null && !isRead ? [] : [{ entity, declaration, view }];
    }),
  );
}

function isOf(key: unknown, { entity, declaration }: Subject): boolean {
  return isObject(key) && key['entity'] === entity && key['stream'] === declaration.name;
}

function nameOf({ entity, declaration }: Pick<Subject, 'entity' | 'declaration'>): string {
  return `${entity} ${declaration.name}`;
}

function asJson({ apart, ...result }: Reconciled): Record<string, unknown> {
  const { later, missing, deadLettered, olderDefinition } = apart;
  return { ...result, apart: { later, missing, dead_lettered: deadLettered, older_definition: olderDefinition } };
}

function asText({ entity, stream, agrees, lap, rows, sums, differences, apart }: Reconciled): string {
  const against =
    lap === null
      ? 'no complete lap, or no record of it: the next lap will write one'
      : `lap ${lap.number} of ${lap.finishedAt} showed ${lap.rows}`;
  const lines = [`${entity} ${stream}: ${agrees ? 'agrees' : 'DIFFERS'}, ${rows} rows on the topic, ${against}`];
  const inMoney = sums.some(({ lap: { amounts } }) => amounts.length > 0);
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
    ...listed(apart.later, 'read after the lap or while it was under way'),
    ...listed(apart.missing, 'absent, not yet known to be deleted'),
    ...listed(apart.deadLettered, 'dead-lettered'),
    ...listed(apart.olderDefinition, 'published under other volatile fields, not comparable'),
  );
  return `${lines.join('\n')}\n`;
}

/** Net, VAT and gross as the lap showed them; a second line where the topic says something else. */
function tableOf(sums: readonly HeldSum[]): string[] {
  const line = (label: string, { rows, amounts }: HeldSum['lap']): string =>
    [label.padEnd(20), String(rows).padStart(8), ...amounts.map((amount) => moneyText(amount).padStart(18))].join(' ');
  return [
    `  ${['month, currency'.padEnd(20), 'rows'.padStart(8), ...['net', 'VAT', 'gross'].map((name) => name.padStart(18))].join(' ')}`,
    ...sums.flatMap(({ month, currency, lap, topic, agrees }) => [
      `  ${line(`${month ?? 'no date'} ${currency ?? 'no currency'}`, lap)}${agrees ? '' : '  DIFFERS'}`,
      ...(JSON.stringify(lap) === JSON.stringify(topic) ? [] : [`  ${line('  on the topic', topic)}`]),
    ]),
  ];
}

function moneyText(minor: number | null): string {
  if (minor === null) return '?';
  const digits = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
