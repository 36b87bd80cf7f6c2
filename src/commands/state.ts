import { parseArgs } from 'node:util';

import { createLedger, type Ledger } from '../ledger';
import type { Cursor, LedgerBlock } from '../model';
import { kafkaSettings } from '../service';
import { createEncoder, loadSchema } from '../sinks/avro';
import { createKafka } from '../sinks/kafka';
import { look } from '../sinks/look';
import { parseStateKey, parseStateValue, type Account, type Hold } from '../sinks/state-topic';
import { configHelp, configOptions, setUp, usageError, type Io } from './io';
import { resetCommand } from './reset';

const help = `Usage: infakt-kafka state show [options]
       infakt-kafka state reset --help

Prints what the state topic remembers: for each entity and stream the scans and where they stand, the rows in the ledger, the last
complete lap and what waits for a person. Changes nothing and does not disturb a running service.

Options
  --json             one JSON object on stdout
${configHelp}
`;

const DEADLINE_MS = 10 * 60_000;

interface StreamView {
  readonly entity: string;
  readonly stream: string;
  readonly ledger: Ledger;
  readonly cursors: Record<string, Cursor>;
  hold: Hold | null;
}

/** `infakt-kafka state`: returns the exit code. */
export async function stateCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === 'reset') return resetCommand(argv.slice(1), io);
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { ...configOptions, json: { type: 'boolean', default: false } },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  if (positionals.length !== 1 || positionals[0] !== 'show')
    throw usageError(`expected "state show" or "state reset", got "state ${positionals.join(' ')}"`);
  const { config, kafkaLog, secrets } = setUp(io, values);
  const serviceId = config.service.service.id;
  const topic = `${config.service.topics.prefix}.state`;
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });

  const accounts = new Map<string, Account>();
  const views = new Map<string, StreamView>();
  const viewOf = (entity: string, stream: string): StreamView => {
    const known = views.get(`${entity} ${stream}`) ?? {
      entity,
      stream,
      ledger: createLedger({ entity, stream }),
      cursors: {},
      hold: null,
    };
    views.set(`${entity} ${stream}`, known);
    return known;
  };
  await look(
    createKafka(kafkaSettings(config, secrets), kafkaLog),
    { serviceId, topic, follow: false, stopped: io.stopped, deadlineMs: DEADLINE_MS },
    ({ key, value, partition, offset }) => {
      const parsed = parseStateKey(
        serviceId,
        key?.toString() ?? '',
        `${topic}, partition ${partition}, offset ${offset}`,
      );
      if (value === null) {
        if ('account' in parsed) accounts.delete(parsed.entity);
        else if ('block' in parsed) viewOf(parsed.entity, parsed.stream).ledger.unload(parsed.block);
        else if ('scan' in parsed) Reflect.deleteProperty(viewOf(parsed.entity, parsed.stream).cursors, parsed.scan);
        else if ('hold' in parsed) viewOf(parsed.entity, parsed.stream).hold = null;
        return false;
      }
      if ('account' in parsed) accounts.set(parsed.entity, parseStateValue('account', value));
      else if ('block' in parsed) viewOf(parsed.entity, parsed.stream).ledger.load(block.decode(value) as LedgerBlock);
      else if ('scan' in parsed)
        viewOf(parsed.entity, parsed.stream).cursors[parsed.scan] = parseStateValue('scan', value);
      else if ('hold' in parsed) viewOf(parsed.entity, parsed.stream).hold = parseStateValue('hold', value);
      return false;
    },
  );

  for (const { ledger } of views.values()) ledger.loaded();
  const shown = [...views.values()]
    // What was purged.
    .filter(({ ledger, cursors }) => ledger.size > 0 || Object.keys(cursors).length > 0)
    .sort((a, b) => (`${a.entity} ${a.stream}` < `${b.entity} ${b.stream}` ? -1 : 1));
  if (values.json)
    io.stdout(`${JSON.stringify({ accounts: Object.fromEntries(accounts), streams: shown.map(asJson) })}\n`);
  else if (shown.length === 0) io.stdout(`${topic} remembers nothing yet\n`);
  else for (const view of shown) io.stdout(asText(view));
  return 0;
}

function asJson({ entity, stream, ledger, cursors, hold }: StreamView): Record<string, unknown> {
  return {
    entity,
    stream,
    ledger_rows: ledger.size,
    missing: ledger.missingSince(Number.MAX_SAFE_INTEGER).length,
    last_lap: lastLap(cursors),
    cursors,
    hold,
  };
}

/** The newest complete lap; where one is under way, only that the one before was complete is known. */
function lastLap(cursors: Readonly<Record<string, Cursor>>): { number: number; finished_at: string | null } | null {
  const sweep = cursors['sweep'];
  if (sweep === undefined) return null;
  if (sweep.finishedAt !== null) return { number: sweep.number, finished_at: sweep.finishedAt };
  return sweep.number > 1 ? { number: sweep.number - 1, finished_at: null } : null;
}

function asText(view: StreamView): string {
  const { entity, stream, ledger, cursors, hold } = view;
  const lap = lastLap(cursors);
  const lapText =
    lap === null
      ? 'no complete lap yet'
      : `last complete lap: ${lap.number}${lap.finished_at === null ? '' : `, finished ${lap.finished_at}`}`;
  const scans = Object.entries(cursors).map(([scan, cursor]) => {
    const { from, to } = cursor.query;
    const scope =
      from === null && to === null ? 'everything' : `${from ?? 'the beginning'} to ${to ?? 'now and beyond'}`;
    const where =
      cursor.finishedAt === null
        ? `under way at offset ${cursor.position.offset} of ${cursor.totalCount ?? '?'}`
        : 'complete';
    const { rows, created, updated, unchanged, deadLetters } = cursor.counts;
    return `  ${scan} ${cursor.number}: ${where}, ${scope}, started ${cursor.startedAt}; ${rows} rows, ${created} created, ${updated} updated, ${unchanged} unchanged, ${deadLetters} dead-lettered\n`;
  });
  const missing = ledger.missingSince(Number.MAX_SAFE_INTEGER).length;
  const held = hold === null ? '' : `  HELD since ${hold.since}: ${hold.reason} (hold ${hold.id})\n`;
  return `${entity} ${stream}: ${ledger.size} rows in the ledger, ${missing} missing, ${lapText}\n${scans.join('')}${held}`;
}
