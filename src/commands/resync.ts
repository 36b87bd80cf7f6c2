import type { Config } from '../../config/config';
import { daysOf } from '../changes/kinds';
import type { StreamDeclaration } from '../model';
import { allStreams } from '../sources/streams/all-streams';
import { resync } from '../upkeep/repair';
import { changeOptions, changeState, changeTarget, streamHelp } from './change-state';
import { command } from './command';
import { configHelp, printLines, setUp, usageError } from './io';

const help = `Usage: infakt-kafka resync --entity ID [options]

Marks rows to be published again, as they are in inFakt then, with op "r": after a consumer lost records, or a fault of its own. The next
scan that shows a marked row publishes it; a row outside the scope is read by its own address after a sweep. A running service need not be
stopped: it notices and goes on.

Options
  --entity ID        whose rows
${streamHelp}
  --from DAY         only documents dated from this day on (YYYY-MM-DD)
  --to DAY           only documents dated up to this day
  --id N             only the row of this id; may be repeated
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 marked, 2 nothing fits or configuration, 3 Kafka cannot be used, or other commands keep getting in the way.
`;

/** `infakt-kafka resync`: marks rows to be published again. */
export const resyncCommand = command({
  help,
  options: {
    ...changeOptions,
    from: { type: 'string' },
    to: { type: 'string' },
    id: { type: 'string', multiple: true },
  },
  async run(values, io) {
    const { entity, stream: named } = changeTarget(values);
    const ids = values.id?.map(idOf) ?? null;
    const from = dayOf('--from', values.from);
    const to = dayOf('--to', values.to);
    const dated = from !== null || to !== null;
    if (dated && ids !== null) throw usageError('expected either --id or --from and --to, got both');
    if (from !== null && to !== null && from > to) throw usageError('expected --from not to be later than --to');
    if (dated && named?.scopeField === null) throw usageError(`expected no dates, as ${named.name} have none`);

    const loaded = setUp(io, values);
    const streams = streamsReadOf(loaded.config, entity).filter(
      (stream) => (named === null || stream === named) && (!dated || stream.scopeField !== null),
    );
    if (streams.length === 0)
      throw usageError(
        `expected ${named?.name ?? 'a stream with dates'} to be one of the streams that are read of ${entity}, got none`,
      );
    const wanted = { streams: streams.map(({ name }) => name), ids, from, to };
    const marked = await changeState(io, loaded, entity, (options) => resync(options, wanted));
    if (values.json) {
      io.stdout(`${JSON.stringify({ entity, streams: marked })}\n`);
      return 0;
    }
    for (const { stream, rows, outside } of marked) {
      if (rows === 0) continue;
      const away = outside === 0 ? '' : `; ${outside} of them are outside the scope and read one by one after a sweep`;
      printLines(io, `${entity} ${stream}: ${rows} rows marked${away}`);
    }
    printLines(
      io,
      'Each is published again by the next scan that shows it, at the latest by the next sweep that begins.',
    );
    return 0;
  },
});

/** The streams that are read of an entity; a marked row of another stream would never be published. */
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
