/** What a failure concerns other than Kafka itself or the configuration: a registry of schemas, an instance beside this one, a shard that moved to another or was laid out by a newer program. */
export type Trouble = 'registry' | 'second-instance' | 'hand-over' | 'newer-version';

/** What a failure was about; every field is safe to log: no key, no secret, nothing of a buyer. */
export interface ErrorContext {
  readonly entity?: string | undefined;
  readonly stream?: string | undefined;
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  readonly trouble?: Trouble | undefined;
  readonly cause?: unknown;
}

abstract class ServiceError extends Error {
  abstract readonly code: 'TRANSIENT' | 'FATAL' | 'RECORD' | 'CONFIG';
  readonly entity: string | undefined;
  readonly stream: string | undefined;
  readonly status: number | undefined;
  readonly trouble: Trouble | undefined;

  constructor(message: string, context: ErrorContext) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.entity = context.entity;
    this.stream = context.stream;
    this.status = context.status;
    this.trouble = context.trouble;
  }
}

/** May succeed if the same thing is tried again. */
export class TransientError extends ServiceError {
  override readonly code = 'TRANSIENT';
  /** How long the other side asked us to wait, already capped at five minutes. */
  readonly retryAfterMs: number | undefined;
  /** Why there was no answer at all, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly networkFault: string | undefined;

  constructor(
    message: string,
    context: ErrorContext & {
      readonly retryAfterMs?: number | undefined;
      readonly networkFault?: string | undefined;
    } = {},
  ) {
    super(message, context);
    this.retryAfterMs = context.retryAfterMs;
    this.networkFault = context.networkFault;
  }
}

/** Why a stream or an entity is not read for now: a fixed vocabulary for logs, metrics and `once --json`. */
export type ParkReason =
  | 'unauthorized'
  | 'key-changed'
  | 'payment-required'
  | 'forbidden'
  | 'not-available'
  | 'rate-limited'
  | 'unavailable'
  | 'unexpected-status'
  | 'redirected'
  | 'malformed-answer'
  | 'out-of-order'
  | 'no-progress'
  | 'shape-changed'
  | 'identity-mismatch'
  | 'identity-unreadable';

/** Trying the same at once is pointless: the stream, or the whole entity, is parked. */
export class FatalError extends ServiceError {
  override readonly code = 'FATAL';
  readonly reason: ParkReason;
  readonly parks: 'stream' | 'entity';
  /** When the other side named a time to come back that is too far off to wait for. */
  readonly parkMs: number | undefined;

  constructor(
    message: string,
    context: ErrorContext & {
      readonly reason: ParkReason;
      readonly parks: 'stream' | 'entity';
      readonly parkMs?: number | undefined;
    },
  ) {
    super(message, context);
    this.reason = context.reason;
    this.parks = context.parks;
    this.parkMs = context.parkMs;
  }
}

/** One row cannot become a record; it is dead-lettered and the stream goes on. */
export class RecordError extends ServiceError {
  override readonly code = 'RECORD';
  /** Where in the row, e.g. `services[2].quantity`. */
  readonly path: string;

  constructor(message: string, context: ErrorContext & { readonly path: string }) {
    super(message, context);
    this.path = context.path;
  }
}

/** The configuration, or something a person must set right, is wrong; nothing is retried. */
export class ConfigError extends ServiceError {
  override readonly code = 'CONFIG';
  /** True where a person may set it right outside while a long-running service keeps trying: rights in Kafka. */
  readonly mayPass: boolean;
  /** Whether one shard alone is concerned: a long-running service parks that shard and goes on with the others. */
  readonly concerns: 'service' | 'shard';

  constructor(
    message: string,
    context: ErrorContext & { readonly mayPass?: boolean; readonly concerns?: 'service' | 'shard' } = {},
  ) {
    super(message, context);
    this.mayPass = context.mayPass ?? false;
    this.concerns = context.concerns ?? 'service';
  }
}

/** Whatever was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** What an error concerns, where it says so. */
export function troubleOf(error: unknown): Trouble | null {
  return error instanceof ServiceError ? (error.trouble ?? null) : null;
}

/** 0 done, 1 bug, 2 configuration or usage, 3 environment. */
export function exitCodeFor(error: unknown): 1 | 2 | 3 {
  if (error instanceof ConfigError) return 2;
  if (error instanceof TransientError || error instanceof FatalError) return 3;
  return 1;
}
