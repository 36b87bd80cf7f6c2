import type { ParkReason } from '../errors';

/** Why a stream is not as it should be: a fixed vocabulary for health, alerts and the status topic. */
export type StatusReason =
  | ParkReason
  | 'kafka-lost'
  | 'shard-fault'
  | 'unknown-version'
  | 'not-configured-here'
  | 'held'
  | 'dead-letters'
  | 'unreadable'
  | 'pending'
  | 'stale'
  | 'drift'
  | 'filter-ignored'
  | 'misfits';

/** What is known of a reason wherever it shows. */
export interface ReasonFacts {
  /** What a person is to do, in one sentence. */
  readonly do: string;
  /** Whether the data is not what it should be, so that `/health` answers 503. */
  readonly isUnhealthy: boolean;
  /** Whether it stays so until a person does something, so that an alert is sent. */
  readonly needsPerson: boolean;
}

const unhealthy = (todo: string): ReasonFacts => ({ do: todo, isUnhealthy: true, needsPerson: true });
/** What lasts turns the stream stale, of which a person is told. */
const passing = (todo: string): ReasonFacts => ({ do: todo, isUnhealthy: true, needsPerson: false });
const noted = (todo: string): ReasonFacts => ({ do: todo, isUnhealthy: false, needsPerson: false });

/** Every reason, the most serious first: where several hold, the first of them is the one that is named. */
const facts: Readonly<Record<StatusReason, ReasonFacts>> = {
  unauthorized: unhealthy("Set the entity's API key: it is missing, wrong or was withdrawn."),
  'identity-mismatch': unhealthy(
    "Give the entity the API key of its own company, or correct the nip in its file: nothing of another company's account is published.",
  ),
  'identity-unreadable': unhealthy('Give the API key the scope api:account:read, so that its account can be compared.'),
  'payment-required': unhealthy("See to the account's plan in inFakt: the plan does not include the API."),
  forbidden: unhealthy('Give the API key the scope api:invoices:read: the plan or the key does not allow this list.'),
  'unknown-version': unhealthy(
    'Upgrade this replica to the version that the log names: a newer program has written the shard, which is left alone.',
  ),
  'not-configured-here': unhealthy(
    'Give every replica the same entity files: the replica that has to read this entity has no file for it.',
  ),
  held: unhealthy(
    "Look whether these rows were deleted on purpose; if so, put the hold's id into deletions.confirm of the entity's file.",
  ),
  'shape-changed': unhealthy(
    'Compare the dead letters with docs/topics.md: the API answers in another shape; a new version of this program may know it.',
  ),
  'out-of-order': passing('Wait, then tell the maintainers: the API sent a list that is not in the order asked for.'),
  'no-progress': passing('Wait, then tell the maintainers: the API repeats a list without end.'),
  redirected: unhealthy('Set infakt.baseUrl to where the API is: the address that was asked points elsewhere.'),
  'unexpected-status': passing(
    'Look at the status in the log, and at infakt.baseUrl: the API answered in a way that it should not.',
  ),
  'malformed-answer': passing(
    'Look whether a proxy or another service answers at infakt.baseUrl: what came is not an answer of the API.',
  ),
  unavailable: passing('Wait: the API does not answer, and is tried again by itself.'),
  'rate-limited': passing(
    'Look who else asks the API from this address, and lower infakt.requestsPerMinute: the API refuses further requests for a while.',
  ),
  'key-changed': passing('Wait: the API key is new, and its account is compared before anything is read.'),
  'kafka-lost': passing('See to the brokers: what is read cannot be published; reading goes on by itself afterwards.'),
  'shard-fault': unhealthy('Read the error of `shard parked` in the log, and docs/repair.md.'),
  'dead-letters': unhealthy(
    "Look at the rows with `infakt-kafka peek dead-letters`; accept by id in the entity's file what cannot be set right.",
  ),
  unreadable: unhealthy(
    "Look in inFakt at the rows between the ids that the log names: the API fails to show them; accept them by id in the entity's file if that is known.",
  ),
  pending: unhealthy(
    'Look in inFakt at the rows that the log names: the list lacks them, and their own address says neither that they are there nor that they are gone.',
  ),
  stale: unhealthy(
    'Look at the allowance in /metrics and at `infakt-kafka state show`: no sweep was complete in time; fewer companies per address, or a longer health.sweepSeconds, may be what is needed.',
  ),
  drift: noted(
    'Look at `the API differs` in the log: the API shows something that it did not before; nothing is lost, as extra keeps unknown fields, and a new version of this program may know them.',
  ),
  'not-available': noted(
    "Nothing has to be done: the account does not have this list, which is asked for again once a day; streams in the entity's file may leave the stream out.",
  ),
  'filter-ignored': noted(
    'Nothing has to be done: the API ignores a filter, and the sweep finds what that filter was for.',
  ),
  misfits: noted(
    'Look at the fields that the log names: some values are not of their kind, so their column is null and extra has them.',
  ),
};

/** All reasons, the most serious first. */
export const statusReasons = Object.keys(facts) as readonly StatusReason[];

/** What is known of a reason. */
export function factsOf(reason: StatusReason): ReasonFacts {
  return facts[reason];
}

/** Whether a word is a reason that this program knows. */
export function isStatusReason(word: unknown): word is StatusReason {
  return typeof word === 'string' && Object.hasOwn(facts, word);
}

/** The reasons that hold, each once, the most serious first. */
export function inOrder(reasons: Iterable<StatusReason>): readonly StatusReason[] {
  const all = new Set(reasons);
  return statusReasons.filter((reason) => all.has(reason));
}
