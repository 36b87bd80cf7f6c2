import { FatalError, type ParkReason } from '../errors';
import { factsOf } from '../status/reasons';

/** Refusals of the API whose message does not say what a person is to do, and which no waiting ends. */
const ADVISED: ReadonlySet<ParkReason> = new Set(['unauthorized', 'payment-required', 'forbidden']);
/** Those whose message says it. */
const SELF_EXPLAINING: ReadonlySet<ParkReason> = new Set(['identity-mismatch', 'identity-unreadable']);

/** What a person is to do about an error, as part of a sentence, where a person is to do something; "" = its message says so itself. */
export function adviceOn(error: unknown): string | null {
  if (!(error instanceof FatalError)) return null;
  if (SELF_EXPLAINING.has(error.reason)) return '';
  return ADVISED.has(error.reason) ? inSentence(factsOf(error.reason).do) : null;
}

function inSentence(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}
