import { asError } from '../errors';
import { allStreams } from '../sources/streams/all-streams';
import { dictionaryStreams } from '../sources/streams/dictionaries';
import { purge, reset } from '../upkeep/repair';
import { changeOptions, changeState, changeTarget, streamHelp } from './change-state';
import { command } from './command';
import { configHelp, printLines, setUp } from './io';

const help = `Usage: infakt-kafka state reset --entity ID --yes [options]

Forgets where the scans of an entity stand and what was published of its rows, but not which rows there are: at the next sweep everything is
published again with op "r", and what was deleted meanwhile is still noticed. A running service need not be stopped.

With --purge the entity, or one stream of it, is removed altogether: a tombstone for every row and line that was published and for its
status, and nothing is remembered any more. Take the entity out of the configuration or disable it first; what is still read is published anew.

Options
  --entity ID        whose rows; it need not be configured any more
${streamHelp}
  --purge            tombstones, and forget the ids too; without --stream also whose account it was, and the day of the first run
  --yes              do it; without, only what it would come to is printed
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 done, 2 nothing fits, or configuration, 3 Kafka cannot be used, or the command was stopped: make it again.
`;

/** `infakt-kafka state reset`: forgets what was published of an entity, or removes the entity altogether. */
export const resetCommand = command({
  help,
  options: {
    ...changeOptions,
    purge: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  },
  async run(values, io) {
    const { entity, stream: named } = changeTarget(values);
    const streams = named === null ? [...allStreams, ...dictionaryStreams] : [named];
    const loaded = setUp(io, values);
    const forgotten = {
      streams: streams.map(({ name }) => name),
      account: named === null,
      pretend: !values.yes,
    };
    const change = values.purge ? purge : reset;
    const done = await changeState(io, loaded, entity, async (options, { forgetStatuses }) => {
      const changed = await change(options, forgotten);
      // The state is gone for good: what cannot be removed of the status is told, and is in nobody's way.
      if (values.purge && values.yes)
        await forgetStatuses(forgotten.streams).catch((error: unknown) =>
          loaded.logger.warn({ about: asError(error).message }, 'the status of what was purged stays'),
        );
      return changed;
    });
    const isRead = loaded.config.entities.some(({ id, enabled }) => id === entity && enabled);
    if (values.json) io.stdout(`${JSON.stringify({ entity, done: values.yes, streams: done })}\n`);
    else {
      const [would, did] = values.purge ? ['would be purged', 'purged'] : ['would be published again', 'reset'];
      for (const { stream, rows } of done)
        printLines(io, `${entity} ${stream}: ${rows} rows ${values.yes ? did : would}`);
      if (values.purge && isRead) printLines(io, `${entity} is enabled: what it has is published anew.`);
      if (!values.purge && values.yes)
        printLines(
          io,
          `All of it is published again by the next sweep${isRead ? '' : ` once ${entity} is read again`}.`,
        );
    }
    if (!values.yes) io.stderr('nothing was changed; --yes does it\n');
    return 0;
  },
});
