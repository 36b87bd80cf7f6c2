import fc from 'fast-check';
import { Partitioners } from 'kafkajs';

import { partitionOf } from '../../src/sinks/partition';

test('a key goes to the partition that the Java and kafkajs partitioners choose', () => {
  const stock = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (key, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: 0,
        replicas: [],
        isr: [],
      }));
      expect(partitionOf(key, partitions)).toBe(
        stock({ topic: 't', partitionMetadata, message: { key, value: null } }),
      );
    }),
  );
});
