import type { Kafka } from 'kafkajs';

import type { Config, EntityConfig, ServiceConfig } from '../../config/config';
import type { EntityId } from '../model';
import type { RequestOrder, Rhythm } from '../reading/stream-reading';
import type { Twins } from '../rules/identity';
import type { Secrets } from '../secrets';
import type { Shard } from '../shard/shard';
import type { ShardOptions } from '../shard/shard-options';
import type { Framing } from '../sinks/framing';
import type { Membership } from '../sinks/group';
import type { Topics } from '../sinks/topics';
import type { KafkaLog, KafkaSettings } from '../sinks/client';
import type { RequestPace } from '../sources/budget';
import type { RequestAttempt } from '../sources/rest';
import type { Api } from './api';
import type { Codecs } from './codecs';
import type { Patience } from './patience';

/** All of Kafka, or one shard in it, is given up and opened again after the wait. */
export interface Lost {
  /** Null = all of Kafka. */
  readonly shard: number | null;
  readonly error: Error;
  readonly waitMs: number;
  /** True where the fault is the shard's own, so that nothing is amiss with Kafka. */
  readonly parked?: boolean;
}

/** What a run needs from outside. */
export interface ServiceOptions {
  readonly config: Config;
  readonly patience: Patience;
  readonly kafkaLog: KafkaLog;
  readonly secrets: Secrets;
  readonly onAttempt: (attempt: RequestAttempt) => void;
  /** Called each time that Kafka, or one shard in it, is given up for a while. */
  readonly onLost: (lost: Lost) => void;
  /** Called with what is not as it should be and goes all the same. */
  readonly onWarning: (warning: string) => void;
  /** Called each time that the API makes all requests slow down, stop or go on. */
  readonly onPace: (pace: RequestPace) => void;
  /** Called each time that a shard is open and restored, or that another replica has it: nothing is waited for there any more. */
  readonly onBack: (shard: number) => void;
  /** Whether the run goes on until stopped; if not, it ends after one sweep. */
  readonly endless: boolean;
  readonly now: () => number;
  readonly socketFactory?: KafkaSettings['socketFactory'];
  /** Once aborted, no scan asks for a further page, and nothing is waited for. */
  readonly stop: AbortSignal;
  readonly version: string;
}

/** The cluster, its topics verified, and how the records in them begin. */
export interface Cluster {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly framing: Framing;
}

/** One partition of the state topic: who reads it, who writes into it, and whether it still fits what stands there. */
export type ShardPartition = Pick<ShardOptions, 'openWriter' | 'read' | 'verifyLayout'>;

/** All that a run has once the group is joined; built once and passed on as it is. Nothing in it needs a broker. */
export interface RunContext {
  readonly options: Omit<ServiceOptions, 'config' | 'kafkaLog' | 'secrets' | 'socketFactory' | 'version'>;
  readonly serviceId: string;
  readonly topics: Topics;
  readonly codecs: Codecs;
  readonly membership: Pick<Membership, 'owned' | 'confirmed'>;
  readonly partition: (number: number) => ShardPartition;
  readonly api: Pick<Api, 'of' | 'setShare'>;
  /** Whether this replica's share of the requests is the whole or that of its entities. */
  readonly budgetScope: ServiceConfig['budget']['scope'];
  readonly requestOrder: RequestOrder;
  /** The enabled entities of each shard that has any, by the shard's number. */
  readonly shards: ReadonlyMap<number, readonly EntityConfig[]>;
  /** How often each scan comes round; null = every stream is swept once. */
  readonly rhythm: Rhythm | null;
  /** By entity, the shard here that reads the entity. */
  readonly holders: Map<EntityId, Shard>;
  readonly twins: Twins;
}
