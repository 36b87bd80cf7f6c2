import { BehaviorSubject } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import type { Row } from '../../src/model';
import { createRequestOrder } from '../../src/service/api';
import { entitiesByShard } from '../../src/service/cluster';
import { createCodecs } from '../../src/service/codecs';
import type { EntitiesByShard, RunContext } from '../../src/service/run-context';
import { singleObject } from '../../src/sinks/framing';
import { allStreams } from '../../src/sources/streams/all-streams';
import { createTurns } from '../../src/turns';
import { whenAborted } from '../../src/operators/when-aborted';
import { createMemoryKafka, createMemoryRest, type MemoryKafka } from './memory';
import { impatient } from './once';

// A run without Kafka and HTTP: the real wiring over the shards and the API of `memory.ts`.

/** Shards of the state topic in memory. */
const PARTITIONS = 4;

const topic = (name: string, partitions = 1) => ({ name: `memory.${name}`, partitions, maxMessageBytes: 1_000_000 });

/** The topics of a service in memory. */
export const memoryTopics = {
  data: new Map(allStreams.map(({ name }) => [name, topic(name)])),
  sweeps: topic('sweeps'),
  entities: topic('entities'),
  status: topic('status'),
  deadLetters: topic('dead-letters'),
  state: topic('state', PARTITIONS),
  highWatermarks: new Map(),
  warnings: [],
};

/** An entity that is read from the beginning, of clients alone. */
export function entityOf(id: string): EntityConfig {
  return {
    id,
    name: id,
    enabled: true,
    nip: null,
    apiKey: `key-${id}`,
    apiKeyFile: null,
    hookSecret: null,
    hookSecretFile: null,
    startDate: 'all',
    endDate: null,
    streams: ['clients'],
    accept: {},
    deletions: { maxShare: 0.01, confirm: null },
  };
}

/** The options of a run in memory, with some of them changed. */
export function runOptions(changes: Partial<RunContext['options']> = {}): RunContext['options'] {
  return {
    patience: { ...impatient, reopenMs: () => 1 },
    endless: false,
    now: Date.now,
    stop: new AbortController().signal,
    ...changes,
  };
}

/** What a run in memory is made of. */
export interface MemoryRunSetting {
  readonly entities: readonly string[];
  readonly owned: RunContext['membership']['owned'];
  readonly confirmed?: RunContext['membership']['confirmed'];
  readonly options?: Partial<RunContext['options']>;
  readonly kafka?: (shard: number) => MemoryKafka;
  readonly changes?: Partial<RunContext>;
}

/** Rows of every entity in memory. */
const rows: readonly Row[] = [1, 2, 3].map((id) => ({ id, company_name: `client ${id}` }));

/** Wires a run of these entities, each with three clients. */
export function memoryRun({
  entities,
  owned,
  confirmed = () => Promise.resolve(),
  options = {},
  kafka = () => createMemoryKafka(),
  changes = {},
}: MemoryRunSetting): RunContext {
  const requestOrder = createRequestOrder();
  const partitions = new Map(Array.from({ length: PARTITIONS }, (_, number) => [number, kafka(number)]));
  const settings = runOptions(options);
  return {
    options: settings,
    emit: () => undefined,
    serviceId: 'memory',
    topics: memoryTopics,
    codecs: createCodecs({ projections: [], volatileFields: [] }, memoryTopics, singleObject),
    membership: { owned, confirmed },
    partition: (number) => ({
      ...(partitions.get(number) ?? createMemoryKafka()),
      verifyLayout: () => Promise.resolve(),
    }),
    api: {
      of: ({ id }) => createMemoryRest({ entity: id, rows: () => rows, marks: requestOrder }),
      setShare: () => undefined,
      allowance: () => ({ used: 0, limit: null }),
    },
    budgetScope: 'replica',
    requestOrder,
    turn: createTurns(),
    stopping: whenAborted(settings.stop),
    shards: new BehaviorSubject<EntitiesByShard>(entitiesByShard(entities.map(entityOf), PARTITIONS)),
    rhythm: null,
    ksefFrom: null,
    dictionaries: false,
    holders: new Map(),
    twins: { check: () => undefined, identified: () => undefined, forget: () => undefined },
    noteRow: () => undefined,
    driftFinders: new Map(),
    ...changes,
  };
}
