import { parseArgs } from 'node:util';

import type { Config } from '../../config/load';
import { daysOf } from '../changes/kinds';
import type { StreamDeclaration } from '../model';
import { resync } from '../upkeep/repair';
import { usualPatience, type Patience } from '../service/patience';
import { allStreams } from '../sources/streams/all-streams';
import { withState } from '../upkeep/with-state';
import { configHelp, configOptions, repairSetting, setUp, streamNamed, usageError, type Io } from './io';

const help = `Usage: infakt-kafka resync --entity ID [options]

Marks rows to be published again, as they are in inFakt then, with op "r": after a consumer lost records, or a fault of its own. The next
scan that shows a marked row publishes it. A running service need not be stopped: it notices and goes on.

Options
  --entity ID        whose rows
  --stream NAME      only this stream: ${allStreams.map(({ name }) => name).join(', ')}
  --from DAY         only documents dated from this day on (YYYY-MM-DD)
  --to DAY           only documents dated up to this day
  --id N             only the row of this id; may be repeated
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 marked, 2 nothing fits or configuration, 3 Kafka cannot be used, or other commands keep getting in the way.
`;

/** `infakt-kafka resync`: returns the exit code. */
export async function resyncCommand(
  argv: readonly string[],
  io: Io,
  patience: Patience = usualPatience(Math.random),
): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...configOptions,
      entity: { type: 'string' },
      stream: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      id: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  if (values.entity === undefined) throw usageError('expected --entity, got none');
  const ids = values.id?.map(idOf) ?? null;
  const from = dayOf('--from', values.from);
  const to = dayOf('--to', values.to);
  const dated = from !== null || to !== null;
  if (dated && ids !== null) throw usageError('expected either --id or --from and --to, got both');
  if (from !== null && to !== null && from > to) throw usageError('expected --from not to be later than --to');
  const named = values.stream === undefined ? null : streamNamed(values.stream);
  if (dated && named?.scopeField === null) throw usageError(`expected no dates, as ${named.name} have none`);

  const around = setUp(io, values);
  const streams = streamsReadOf(around.config, values.entity).filter(
    (stream) => (named === null || stream === named) && (!dated || stream.scopeField !== null),
  );
  if (streams.length === 0)
    throw usageError(
      `expected ${named?.name ?? 'a stream with dates'} to be one of the streams that are read of ${values.entity}, got none`,
    );
  const wanted = { streams: streams.map(({ name }) => name), ids, from, to };
  const marked = await withState(repairSetting(io, around, patience), values.entity, (options) =>
    resync(options, wanted),
  );
  if (values.json) {
    io.stdout(`${JSON.stringify({ entity: values.entity, streams: marked })}\n`);
    return 0;
  }
  for (const { stream, rows, outside } of marked) {
    if (rows === 0) continue;
    const away = outside === 0 ? '' : `; ${outside} of them are outside the scope and wait until they return to it`;
    io.stdout(`${values.entity} ${stream}: ${rows} rows marked${away}\n`);
  }
  io.stdout('Each is published again by the next scan that shows it, at the latest by the next sweep that begins.\n');
  return 0;
}

/** Rows of what is not read would never come. */
function streamsReadOf({ entities }: Config, name: string): readonly StreamDeclaration[] {
  const enabled = entities.filter((entity) => entity.enabled);
  const entity = enabled.find(({ id }) => id === name);
  if (entity !== undefined) return allStreams.filter((stream) => entity.streams.includes(stream.name));
  const got = entities.some(({ id }) => id === name) ? `"${name}", which is not enabled` : `"${name}"`;
  throw usageError(`--entity expects one that is read (${enabled.map(({ id }) => id).join(', ')}), got ${got}`);
}

function dayOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const day = daysOf(text);
  if (day === undefined) throw usageError(`${option} expects a day as YYYY-MM-DD, got "${text}"`);
  return day;
}

function idOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw usageError(`--id expects a whole number from 1, got "${text}"`);
  return Number(text);
}
