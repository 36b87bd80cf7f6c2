import type { Admin } from 'kafkajs';

import { ConfigError } from '../../src/errors';
import { partitionCounts, refuseHidden, topicConfigs, topicEnds } from '../../src/sinks/describe-topics';

const broken = (type: string): Error => Object.assign(new Error(type), { type, retriable: true });

/** Answers each call with the next of these, and the last again and again. */
function inTurn<T>(...answers: readonly (T | Error)[]) {
  let calls = 0;
  return () => {
    const answer = answers[Math.min(calls++, answers.length - 1)] as T | Error;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
}

const led = (name: string, ...leaders: number[]) => ({
  name,
  partitions: leaders.map((leader, partitionId) => ({ partitionId, leader })),
});

test('partitions are counted once each has a leader', async () => {
  const fetchTopicMetadata = inTurn(
    broken('UNKNOWN_TOPIC_OR_PARTITION'),
    { topics: [led('a', 1, -1), led('b', 1)] },
    { topics: [led('a', 1, 2), led('b', 1)] },
  );
  const counts = await partitionCounts({ fetchTopicMetadata } as unknown as Admin, ['a', 'b']);
  expect(counts).toEqual(
    new Map([
      ['a', 2],
      ['b', 1],
    ]),
  );
});

test('the ends of partitions are in their order, and records those that are still there', async () => {
  const fetchTopicOffsets = inTurn(broken('LEADER_NOT_AVAILABLE'), [
    { partition: 1, high: '7', low: '3' },
    { partition: 0, high: '5', low: '5' },
  ]);
  expect(await topicEnds({ fetchTopicOffsets } as unknown as Admin, 'a')).toEqual({ ends: [5, 7], records: 4 });
});

test('of several topics the one that may not be looked at is named, with the right that is missing', async () => {
  const describeConfigs = ({ resources }: { readonly resources: readonly { readonly name: string }[] }) =>
    resources.some(({ name }) => name === 'b')
      ? Promise.reject(broken('TOPIC_AUTHORIZATION_FAILED'))
      : Promise.resolve({ resources: [] });
  const looking = topicConfigs({ describeConfigs } as unknown as Admin, ['a', 'b', 'c']);
  await expect(looking).rejects.toThrow(/^looking at b: .*DescribeConfigs on topic b,/);
  await expect(looking).rejects.toBeInstanceOf(ConfigError);
});

test('a topic that is there and not listed is no missing one', async () => {
  const hidden = { describeConfigs: inTurn({ resources: [] }) } as unknown as Admin;
  await expect(refuseHidden(hidden, [{ topic: 't.state' }])).rejects.toThrow('Read and Write on topic t.state');
  const missing = { describeConfigs: inTurn(broken('UNKNOWN_TOPIC_OR_PARTITION')) } as unknown as Admin;
  await expect(refuseHidden(missing, [{ topic: 't.state' }])).resolves.toBeUndefined();
});
