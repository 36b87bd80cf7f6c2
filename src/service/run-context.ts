import type { Kafka } from 'kafkajs';
import type { BehaviorSubject, Observable } from 'rxjs';

import type { Config, EntityConfig, ServiceConfig } from '../../config/config';
import type { FirstFinders } from '../changes/drift';
import type { RowOwners } from '../changes/row-owners';
import type { EntityId } from '../model';
import type { RequestOrder, Rhythm } from '../reading/stream-reading';
import type { Twins, UuidOf } from '../rules/identity';
import type { Secrets } from '../secrets';
import type { ShardOptions } from '../shard/shard-options';
import type { Framing } from '../sinks/framing';
import type { Membership } from '../sinks/group';
import type { Topics } from '../sinks/topics';
import type { KafkaLog, KafkaSettings } from '../sinks/client';
import type { StreamStatus } from '../status/stream-status';
import type { Api } from './api';
import type { Codecs } from './codecs';
import type { Emit } from './events';
import type { HintChannel } from './hint-channel';
import type { Patience } from './patience';
import type { EntityFiles } from './watch-entities';

/** What a run needs from outside. */
export interface ServiceOptions {
  readonly config: Config;
  readonly patience: Patience;
  readonly kafkaLog: KafkaLog;
  readonly secrets: Secrets;
  /** Whether the run goes on until stopped; if not, it ends after one sweep. */
  readonly endless: boolean;
  readonly now: () => number;
  readonly socketFactory?: KafkaSettings['socketFactory'];
  /** Once aborted, no scan asks for a further page, and nothing is waited for. */
  readonly stop: AbortSignal;
  readonly version: string;
  /** The files that the entities come from, to be looked at while the run goes on; undefined = the entities stay as they are. */
  readonly entityFiles?: EntityFiles | undefined;
  /** Where hints about rows come from; undefined = none are taken. */
  readonly hints?: Pick<HintChannel, 'join' | 'own' | 'foundUnhinted'> | undefined;
  /** What this replica says of its streams, each time that there is something new; to be written to the status topic. */
  readonly statuses?: Observable<readonly StreamStatus[]> | undefined;
  /** What is to be written there last. */
  readonly lastStatuses?: (() => readonly StreamStatus[]) | undefined;
}

/** The cluster, its topics verified, and how the records in them begin. */
export interface Cluster {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly framing: Framing;
}

/** One partition of the state topic: who reads it, who writes into it, and whether it still fits what stands there. */
export type ShardPartition = Pick<ShardOptions, 'openWriter' | 'read' | 'verifyLayout'>;

/** The enabled entities of each shard that has any, by the shard's number. */
export type EntitiesByShard = ReadonlyMap<number, readonly EntityConfig[]>;

/** All that a run has once the group is joined; built once and passed on as it is. Nothing in it needs a broker. */
export interface RunContext {
  readonly options: Omit<
    ServiceOptions,
    'config' | 'entityFiles' | 'kafkaLog' | 'lastStatuses' | 'secrets' | 'socketFactory' | 'statuses' | 'version'
  >;
  readonly emit: Emit;
  readonly serviceId: string;
  readonly topics: Topics;
  readonly codecs: Codecs;
  readonly membership: Pick<Membership, 'owned' | 'confirmed'>;
  readonly partition: (number: number) => ShardPartition;
  readonly api: Pick<Api, 'of' | 'setShare' | 'allowance'>;
  /** Whether this replica's share of the requests is the whole or that of its entities. */
  readonly budgetScope: ServiceConfig['budget']['scope'];
  readonly requestOrder: RequestOrder;
  /** Resolves in a turn of the event loop of the caller's own. */
  readonly turn: () => Promise<void>;
  /** Emits when the run is to stop, to late subscribers too; one for all shards, as each would add a listener to the signal. */
  readonly stopping: Observable<unknown>;
  /** The enabled entities of each shard that has any, by the shard's number: those of now, and each change of them. */
  readonly shards: BehaviorSubject<EntitiesByShard>;
  /** How often each scan comes round; null = every stream is swept once. */
  readonly rhythm: Rhythm | null;
  /** The first day of documents of which it is read what KSeF says; null = that is not read. */
  readonly ksefFrom: string | null;
  /** Whether dictionaries are read. */
  readonly dictionaries: boolean;
  /** The entities that are read here. */
  readonly holders: Map<EntityId, UuidOf>;
  readonly twins: Twins;
  /** Told of every row that is remembered here, unless one entity alone is read: it has no twin. */
  readonly noteRow: RowOwners['note'];
  /** Which stream was the first to show how the API differs. */
  readonly driftFinders: FirstFinders;
}
