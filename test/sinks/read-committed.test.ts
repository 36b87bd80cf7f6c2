import fc from 'fast-check';

import { ConfigError } from '../../src/errors';
import { correctReadCommitted, hideAborted } from '../../src/sinks/read-committed';

/** What a partition's log holds at one offset. */
type Entry =
  | { readonly kind: 'record'; readonly producer: number; readonly transaction: Transaction | null }
  | { readonly kind: 'marker'; readonly producer: number; readonly transaction: Transaction };

interface Transaction {
  readonly firstOffset: number;
  /** Of its marker. */
  lastOffset: number;
  aborted: boolean;
}

/** One step of one of the writers of a partition. */
interface Step {
  readonly producer: number;
  readonly what: 'send' | 'plain' | 'commit' | 'abort';
}

const steps = fc.array(
  fc.record<Step>({
    producer: fc.integer({ min: 0, max: 3 }),
    what: fc.constantFrom('send', 'send', 'send', 'plain', 'commit', 'abort'),
  }),
  { maxLength: 60 },
);

/** The log that writers leave behind, and its aborted transactions in the order in which they ended. */
function logOf(history: readonly Step[]): {
  entries: Entry[];
  aborted: (Transaction & { producer: number })[];
  open: Transaction[];
} {
  const entries: Entry[] = [];
  const open = new Map<number, Transaction>();
  const aborted: (Transaction & { producer: number })[] = [];
  for (const { producer, what } of history) {
    const current = open.get(producer);
    if (what === 'plain') entries.push({ kind: 'record', producer: 9, transaction: null });
    else if (what === 'send') {
      const transaction = current ?? { firstOffset: entries.length, lastOffset: Infinity, aborted: false };
      open.set(producer, transaction);
      entries.push({ kind: 'record', producer, transaction });
    } else if (current !== undefined) {
      open.delete(producer);
      current.lastOffset = entries.length;
      current.aborted = what === 'abort';
      if (current.aborted) aborted.push({ ...current, producer });
      entries.push({ kind: 'marker', producer, transaction: current });
    }
  }
  return { entries, aborted, open: [...open.values()] };
}

/** What a broker answers to a read_committed fetch from an offset on. */
function fetched({ entries, aborted, open }: ReturnType<typeof logOf>, from: number, count: number) {
  const stable = Math.min(entries.length, ...open.map(({ firstOffset }) => firstOffset));
  const end = Math.min(stable, from + count);
  const messages = entries.slice(0, end).flatMap((entry, offset) =>
    offset < from
      ? []
      : [
          {
            offset: String(offset),
            key: entry.kind === 'marker' ? markerKey(entry.transaction.aborted) : Buffer.from('key'),
            batchContext: {
              producerId: String(entry.producer),
              inTransaction: entry.transaction !== null,
            },
            isControlRecord: entry.kind === 'marker',
          },
        ],
  );
  const overlapping = aborted.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < end);
  return {
    abortedTransactions: overlapping.map(({ producer, firstOffset }) => ({
      producerId: String(producer),
      firstOffset: String(firstOffset),
    })),
    messages,
  };
}

function markerKey(aborted: boolean): Buffer {
  return Buffer.from([0, 0, 0, aborted ? 0 : 1]);
}

test('hides exactly the records of aborted transactions, wherever a fetch begins and ends', () => {
  fc.assert(
    fc.property(steps, fc.nat({ max: 40 }), fc.integer({ min: 1, max: 60 }), (history, from, count) => {
      const log = logOf(history);
      const answer = fetched(log, from, count);
      const visible = answer.messages
        .map(({ offset }) => Number(offset))
        .filter((offset) => {
          const entry = log.entries[offset];
          return entry?.kind === 'record' && entry.transaction?.aborted !== true;
        });
      hideAborted(answer);
      expect(
        answer.messages.filter(({ isControlRecord }) => !isControlRecord).map(({ offset }) => Number(offset)),
      ).toEqual(visible);
      // kafkajs must not apply its own filter on top.
      expect(answer.abortedTransactions).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test('hides the records of two transactions that were aborted in the other order than they began', () => {
  const history: Step[] = [
    { producer: 1, what: 'send' },
    { producer: 2, what: 'send' },
    { producer: 1, what: 'send' },
    { producer: 2, what: 'abort' },
    { producer: 3, what: 'send' },
    { producer: 1, what: 'abort' },
    { producer: 3, what: 'commit' },
  ];
  const answer = fetched(logOf(history), 0, 100);
  hideAborted(answer);
  expect(answer.messages.filter(({ isControlRecord }) => !isControlRecord).map(({ offset }) => offset)).toEqual(['4']);
});

test('compares offsets as numbers, those beyond the safe integers too', () => {
  const message = (offset: string, producerId: string) => ({
    offset,
    key: Buffer.from('key'),
    batchContext: { producerId, inTransaction: true },
    isControlRecord: false,
  });
  const answer = {
    abortedTransactions: [
      { producerId: '2', firstOffset: '9007199254740995' },
      { producerId: '1', firstOffset: '99' },
    ],
    messages: [message('100', '1'), message('9007199254740994', '2'), message('9007199254740995', '2')],
  };
  hideAborted(answer);
  expect(answer.messages.map(({ isControlRecord }) => isControlRecord)).toEqual([true, false, true]);
});

test.each([null, []])('leaves a partition without aborted transactions as it is (%p)', (abortedTransactions) => {
  const answer = {
    ...fetched(
      logOf([
        { producer: 1, what: 'send' },
        { producer: 1, what: 'commit' },
      ]),
      0,
      10,
    ),
    abortedTransactions,
  };
  hideAborted(answer);
  expect(answer.messages.map(({ isControlRecord }) => isControlRecord)).toEqual([false, true]);
});

test('takes messages of a format older than transactions for committed', () => {
  const answer = {
    abortedTransactions: [{ producerId: '1', firstOffset: '1' }],
    messages: [
      { offset: '1', key: null, isControlRecord: false },
      { offset: '2', key: null, batchContext: { producerId: '1', inTransaction: true }, isControlRecord: false },
    ],
  };
  hideAborted(answer);
  expect(answer.messages.map(({ isControlRecord }) => isControlRecord)).toEqual([false, true]);
});

test.each([undefined, {}, () => undefined])('refuses a kafkajs without the class that it corrects', (loaded) => {
  expect(() => correctReadCommitted(() => loaded)).toThrow(ConfigError);
});
