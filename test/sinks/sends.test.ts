import type { RecordMetadata } from 'kafkajs';

import { checkCoverage, oneTopicAtATime, sendRounds, topicMessages, type Send } from '../../src/sinks/sends';
import type { OutgoingRecord } from '../../src/sinks/transaction';

const NOTHING: Send = new Map();
const limits = { stateTopic: 'state', partition: 1, maxBatchBytes: () => 1_000 };
const record = (topic: string, partition: number, key: string, bytes = 0): OutgoingRecord => ({
  topic,
  partition,
  key: Buffer.from(key),
  value: Buffer.alloc(bytes),
  headers: {},
});

/** What each send holds: keys by `topic/partition`. */
function keysOf(sends: readonly Send[]): Record<string, string[]>[] {
  return sends.map((send) =>
    Object.fromEntries(
      [...send].flatMap(([topic, partitions]) =>
        [...partitions].map(([partition, messages]) => [
          `${topic}/${partition}`,
          messages.map(({ key }) => String(key)),
        ]),
      ),
    ),
  );
}

test('the own partition of the state topic goes alone and first, then everything else together', () => {
  const state = [{ key: 'cursor', value: 'x' }];
  const records = [record('a', 0, 'a0'), record('b', 2, 'b2'), record('a', 0, 'a1')];
  expect(keysOf(sendRounds(limits, { state, records }))).toEqual([
    { 'state/1': ['cursor'] },
    { 'a/0': ['a0', 'a1'], 'b/2': ['b2'] },
  ]);
});

test('a partition whose records exceed the bytes or the number of one batch goes in several sends, in order', () => {
  const large = [record('a', 0, '1', 600), record('a', 0, '2', 600), record('a', 1, '3', 600)];
  expect(keysOf(sendRounds(limits, { state: [], records: large }))).toEqual([
    { 'a/0': ['1'], 'a/1': ['3'] },
    { 'a/0': ['2'] },
  ]);
  const many = Array.from({ length: 1_001 }, (_, index) => record('a', 0, String(index)));
  const sends = sendRounds({ ...limits, maxBatchBytes: () => Infinity }, { state: [], records: many });
  expect(sends.map((send) => send.get('a')?.get(0)?.length)).toEqual([1_000, 1]);
});

test('a record larger than the limit is sent all the same, alone', () => {
  expect(keysOf(sendRounds(limits, { state: [], records: [record('a', 0, '1', 5_000)] }))).toEqual([{ 'a/0': ['1'] }]);
});

test('topics that were not written to before go one at a time', () => {
  const [send = NOTHING] = sendRounds(limits, { state: [], records: [record('a', 0, '1'), record('b', 0, '2')] });
  expect(keysOf(oneTopicAtATime(send, new Set(['a'])))).toEqual([{ 'a/0': ['1'] }, { 'b/0': ['2'] }]);
  expect(oneTopicAtATime(send, new Set(['a', 'b']))).toEqual([send]);
});

describe('the answer to a send', () => {
  const [send = NOTHING] = sendRounds(limits, {
    state: [],
    records: [record('a', 0, '1'), record('a', 0, '2'), record('a', 2, '3')],
  });
  const answer = (partition: number, baseOffset: string, errorCode = 0): RecordMetadata => ({
    topicName: 'a',
    partition,
    errorCode,
    baseOffset,
  });

  test('gives the last offset of each partition', () => {
    const lastOffsets = new Map<string, Map<number, number>>();
    checkCoverage(send, [answer(0, '10'), answer(2, '7')], lastOffsets);
    expect(lastOffsets).toEqual(
      new Map([
        [
          'a',
          new Map([
            [0, 11],
            [2, 7],
          ]),
        ],
      ]),
    );
  });

  test.each<[string, RecordMetadata[], string]>([
    [
      'leaves a partition out',
      [answer(0, '10')],
      'sent 1 records to partition 2 of a, expected one answer for it, got 0',
    ],
    [
      'lists a partition twice',
      [answer(0, '10'), answer(0, '10'), answer(2, '7')],
      'expected one answer for it, got 2',
    ],
    ['has an error code', [answer(0, '10', 3), answer(2, '7')], 'partition 0 of a answered error code 3'],
  ])('I2: that %s is an error', (_title, result, message) => {
    expect(() => checkCoverage(send, result, new Map())).toThrow(message);
  });

  test('is asked for by topic, its partitions together', () => {
    expect(topicMessages(send).map(({ topic, messages }) => [topic, messages.length])).toEqual([['a', 3]]);
  });
});
