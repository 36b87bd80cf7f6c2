import { ABSENT_FOR_MS } from '../rules/deletions';
import { DAILY, type DictionaryPace } from '../rules/dictionaries';
import { READ_AFTER_MS } from '../rules/ksef';
import { requestRetry, type RequestRetry } from '../sources/rest';

/** How long things may take; one object, so that tests can be impatient. */
export interface Patience {
  /** How long the nth parking in a row lasts. */
  readonly parkMs: (failures: number) => number;
  /** The wait before a lost session is opened for the nth time again. */
  readonly reopenMs: (failures: number) => number;
  /** How often in a row a lost session is opened again in a run of one sweep. */
  readonly reopenTries: number;
  /** How long the group may take to confirm a shard. */
  readonly confirmMs: number;
  /** How long a stopping service may take. */
  readonly stopMs: number;
  /** How long one transaction may take, from its first send to its commit. */
  readonly commitMs: number;
  /** How long the reading of a shard's state may take. */
  readonly restoreMs: number;
  /** How often the topics are looked at while they are written to. */
  readonly topicsMs: number;
  /** How often the entities' files are looked at. */
  readonly entitiesMs: number;
  /** How long a cursor moved by unchanged pages may wait for a commit. */
  readonly idleCommitMs: number;
  /** How far apart two reads must be that prove a row absent. */
  readonly absentForMs: number;
  /** How long after a change it is read again what KSeF says of a document. */
  readonly ksefReadAfterMs: readonly number[];
  /** How often dictionaries are read. */
  readonly dictionaries: DictionaryPace;
  /** How often one request to the API is tried, and the waits between. */
  readonly retry: RequestRetry;
}

/** Pages of one scan on their way: enough to fill the next transaction while one is being committed. */
export const CREDITS = 20;
/** Refusals in a row, without one page committed: two for each row of a page of refused rows. */
export const MAX_REFUSALS = 250;

/** The waits of a real run. */
export function usualPatience(random: () => number): Patience {
  return {
    parkMs: (failures) => Math.min(15, 2 ** (failures - 1)) * 60_000,
    reopenMs: (failures) => Math.min(10_000, 250 * 2 ** failures),
    reopenTries: 8,
    confirmMs: 60_000,
    stopMs: 10_000,
    commitMs: 30_000,
    restoreMs: 120_000,
    topicsMs: 25_000,
    entitiesMs: 5_000,
    idleCommitMs: 10_000,
    absentForMs: ABSENT_FOR_MS,
    ksefReadAfterMs: READ_AFTER_MS,
    dictionaries: DAILY,
    retry: requestRetry(random),
  };
}
