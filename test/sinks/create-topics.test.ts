import type { Admin, ITopicConfig } from 'kafkajs';

import { createTopics } from '../../src/sinks/create-topics';

test('topics are made with all their settings, and min.insync.replicas where there are three replicas', async () => {
  const made: ITopicConfig[] = [];
  const admin: Partial<Admin> = {
    createTopics: ({ topics }) => {
      made.push(...topics);
      return Promise.resolve(true);
    },
  };
  const wanted = [{ topic: 't.state', partitions: 2, config: { 'cleanup.policy': 'compact' } }];
  const warnings = await createTopics(admin as Admin, wanted, { replicationFactor: 3 }, { validateOnly: false });
  expect(warnings).toEqual([]);
  const configEntries = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'min.insync.replicas', value: '2' },
  ];
  expect(made).toEqual([{ topic: 't.state', numPartitions: 2, replicationFactor: 3, configEntries }]);
});
