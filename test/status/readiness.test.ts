import { TransientError } from '../../src/errors';
import type { ServiceEvent } from '../../src/service/events';
import { createReadiness } from '../../src/status/readiness';
import { lostFor, parkedFor, restored, shardGone, shardReady, shardsOwned } from '../support/service-events';

const silent: ServiceEvent = { kind: 'contact', failure: new TransientError('no sign of life for 10 s') };
const heard: ServiceEvent = { kind: 'contact', failure: null };
const joined = shardsOwned([0, 1]);
const open = (shard: number): ServiceEvent => shardReady(shard, restored('clients'));
const ready = [joined, open(0), open(1)];

test.each<[string, readonly ServiceEvent[], RegExp | null]>([
  ['that has not joined the group', [], /group to be joined/],
  ['that is in the group and has restored nothing', [joined], /2 of 2 shards/],
  ['that has restored one of two shards', [joined, open(0)], /1 of 2 shards/],
  ['that has restored all its shards', ready, null],
  ['without shards', [shardsOwned([])], null],
  ['whose shards hold no entity', [shardsOwned([0, 1], [])], null],
  ['that does not hear the group', [...ready, silent], /heard again/],
  ['that hears the group again', [...ready, silent, heard], null],
  ['that has lost Kafka', [...ready, lostFor(null)], /group to be joined/],
  ['that has lost Kafka and joined again', [...ready, lostFor(null), joined], /2 of 2 shards/],
  ['that has lost a shard', [...ready, lostFor(1)], /1 of 2 shards/],
  ['whose lost shard is open again', [...ready, lostFor(1), open(1)], null],
  ['whose batch was refused', [...ready, lostFor(1, 'refused')], null],
  ['whose shard was handed over', [...ready, lostFor(1, 'lost', 'hand-over')], null],
  ['that lost a shard to another replica', [...ready, shardGone(1), shardsOwned([0])], null],
  ['whose shard has a fault of its own', [joined, open(0), lostFor(1, 'parked')], null],
  ['whose entities the API refuses', [...ready, parkedFor('unauthorized'), parkedFor('unavailable')], null],
])('a replica %s waits for what it lacks', (_which, events, missing) => {
  const readiness = createReadiness();
  for (const event of events) readiness.tell(event);
  if (missing === null) expect(readiness.waitsFor()).toBeNull();
  else expect(readiness.waitsFor()).toMatch(missing);
});
