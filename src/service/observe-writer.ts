import type { ShardOptions } from '../shard/shard-options';
import { encodedBytes } from '../sinks/record-size';
import type { Batch, Writer } from '../sinks/transaction';
import type { RunContext } from './run-context';

/** The same shard, whose transactions are each told of once they have ended. */
export function observed(
  options: ShardOptions,
  { emit, options: { now } }: Pick<RunContext, 'emit'> & { readonly options: Pick<RunContext['options'], 'now'> },
): ShardOptions {
  const { number: shard } = options;
  return {
    ...options,
    openWriter: async (wanted): Promise<Writer> => {
      const writer = await options.openWriter(wanted);
      return {
        async commit(batch) {
          const began = now();
          const outcome = await writer.commit(batch);
          const ms = Math.max(0, now() - began);
          emit({
            kind: 'commit',
            shard,
            outcome: outcome.kind,
            ms,
            records: batch.records.length,
            bytes: sizeOf(batch),
          });
          return outcome;
        },
        close: () => writer.close(),
      };
    },
  };
}

/** About what the records of a transaction take, those of the state topic too. */
function sizeOf({ records, state }: Batch): number {
  return [...records, ...state].reduce((sum, { key, value }) => sum + encodedBytes({ key, value }), 0);
}
