import type { Kafka } from 'kafkajs';
import type { Observable } from 'rxjs';

import type { Config } from '../../config/load';
import type { EntityId } from '../model';
import type { Twins } from '../rules/identity';
import type { Secrets } from '../secrets';
import type { Shard } from '../shard/shard';
import type { Framing } from '../sinks/framing';
import type { Membership } from '../sinks/group';
import type { Topics } from '../sinks/topics';
import type { KafkaLog, KafkaSettings } from '../sinks/writer';
import type { Attempt } from '../sources/rest';
import type { Api, Pace, RequestOrder } from './api';
import type { Codecs } from './codecs';
import type { Patience } from './patience';

/** What a run needs from outside. */
export interface ServiceOptions {
  readonly config: Config;
  readonly patience: Patience;
  readonly kafkaLog: KafkaLog;
  readonly secrets: Secrets;
  readonly onAttempt: (attempt: Attempt) => void;
  /** Called each time that Kafka, or one shard in it, is given up for a while. */
  readonly onLost: (lost: { readonly shard: number | null; readonly error: Error; readonly waitMs: number }) => void;
  /** Called with what is not as it should be and goes all the same. */
  readonly onWarning: (warning: string) => void;
  /** Called each time that the API makes all requests slow down, stop or go on. */
  readonly onPace: (pace: Pace) => void;
  /** Called each time that a shard is open and restored, or that another replica has it: nothing is waited for there any more. */
  readonly onBack: (shard: number) => void;
  /** Whether the run goes on until stopped; if not, it ends after one sweep. */
  readonly endless: boolean;
  readonly now: () => number;
  readonly socketFactory?: KafkaSettings['socketFactory'];
  /** Once true, no scan asks for a further page. */
  readonly stopped: () => boolean;
  /** Emits when `stopped` becomes true. */
  readonly stop: Observable<unknown>;
  readonly version: string;
}

/** The cluster, its topics verified, and how the records in them begin. */
export interface Cluster {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly framing: Framing;
}

/** All that a run has once the group is joined; built once and passed on as it is. */
export interface RunContext {
  readonly options: ServiceOptions;
  readonly cluster: Cluster;
  readonly codecs: Codecs;
  readonly membership: Membership;
  readonly api: Api;
  readonly requestOrder: RequestOrder;
  /** By entity, the shard here that reads the entity. */
  readonly holders: Map<EntityId, Shard>;
  readonly twins: Twins;
}
