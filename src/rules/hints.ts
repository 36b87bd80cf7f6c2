import { isObject } from '../json';
import type { HintKind, Row, StreamDeclaration } from '../model';

/** One document that a delivery is about. It says what to read at once, and nothing of what will be read. */
export interface Hint {
  readonly kind: HintKind;
  /** Name of the event. */
  readonly event: string;
  /** As inFakt wrote it. */
  readonly uuid: string;
}

/** What became of one delivery, or of the hint in it. */
export type HintOutcome =
  /** The row was read and shows what the hint says; `known`: it was read for another hint that says the same. */
  | 'read'
  | 'known'
  /** Four reads within 72 s have not shown what the hint says: polls and sweeps go on looking. */
  | 'unconfirmed'
  /** The row is not in scope, or in no stream that is read. */
  | 'not-followed'
  /** So many hints wait already that newest and open documents are read instead. */
  | 'full'
  /** The entity is parked, or its shard is being opened. */
  | 'parked'
  /** Another replica reads the entity, or nobody does. */
  | 'elsewhere'
  /** A delivery that is about no document, as a failed creation. */
  | 'no-document'
  /** A genuine delivery whose event has an unknown name, or that cannot be understood at all. */
  | 'unknown-event'
  | 'unreadable'
  /** The question for the verification code, which was answered. */
  | 'verified'
  /** Refused: the signature is none of the entity's secrets'; the entity has no secret; there is no such entity; the body is too large. */
  | 'forged'
  | 'no-secret'
  | 'unknown-entity'
  | 'too-large';

/** Events by their names: those of the documentation, then those that the web application lists instead. Null = it is about no document. */
const EVENTS: Readonly<Record<string, HintKind | null>> = {
  draft_invoice_created: 'created',
  invoice_deleted: 'deleted',
  invoice_paid: 'paid',
  send_to_ksef_success: 'ksef',
  send_to_ksef_error: 'ksef',
  invoice_processed_in_ksef: 'ksef',
  async_invoice_creation_success: 'created',
  async_invoice_creation_error: null,
  invoice_marked_as_paid: 'paid',
  invoice_marked_as_paid_via_async_api: 'paid',
  invoice_marking_as_paid_error_via_async_api: null,
  invoice_created_via_async_api: 'created',
  invoice_creation_error_via_async_api: null,
};

/** A uuid, or whatever else may come to address a document. */
const ADDRESS = /^[\w-]{1,64}$/;

/** The document that a genuine delivery is about, or why there is none. */
export function readDelivery(body: unknown): Hint | 'no-document' | 'unknown-event' | 'unreadable' {
  if (!isObject(body) || !isObject(body['event'])) return 'unreadable';
  const { name } = body['event'];
  if (typeof name !== 'string' || !Object.hasOwn(EVENTS, name)) return 'unknown-event';
  const kind = EVENTS[name] ?? null;
  const resource = isObject(body['resource']) ? body['resource'] : {};
  const { uuid, invoice_uuid: invoiceUuid } = resource;
  const address = [invoiceUuid, uuid].find((value) => typeof value === 'string' && ADDRESS.test(value));
  if (kind === null || typeof address !== 'string') return 'no-document';
  // Events of KSeF come under the name of a new draft too, and are known by the field then.
  const isOfKsef = name === 'draft_invoice_created' && address === invoiceUuid;
  return { kind: isOfKsef ? 'ksef' : kind, event: name, uuid: address };
}

/** Whether a row as the list shows it, null = the list does not show it, is what the hint says; until then the hint is ahead of its data. */
export function shows({ kind }: Hint, { openField }: Pick<StreamDeclaration, 'openField'>, row: Row | null): boolean {
  if (kind === 'deleted') return row === null;
  if (row === null) return false;
  return kind !== 'paid' || openField === null || (row[openField] ?? '') !== '';
}

/** The waits before a row is read again that does not show yet what a hint says. */
export const AGAIN_MS: readonly number[] = [2_000, 10_000, 60_000];

const HOUR_MS = 60 * 60 * 1000;
const SILENCE_MS = 24 * HOUR_MS;
const MANY_PAYMENTS = 3;

/** Whether the hints about one entity have stopped although they should come. */
export interface HintSilence {
  /** A genuine delivery came. */
  readonly hinted: (nowMs: number) => void;
  /** Scans found so many documents paid that no hint had brought up; true = hints have stopped, once for each silence. */
  readonly foundUnhinted: (documents: number, nowMs: number) => boolean;
}

/** Listens from now on, as if a hint had just come. */
export function createHintSilence(nowMs: number): HintSilence {
  let hintedMs = nowMs;
  let isTold = false;
  let foundMs: number[] = [];
  return {
    hinted(now) {
      hintedMs = now;
      isTold = false;
      foundMs = [];
    },
    foundUnhinted(documents, now) {
      // More than enough are not worth remembering.
      const news = Array.from({ length: Math.min(documents, MANY_PAYMENTS) }, () => now);
      foundMs = [...foundMs, ...news].filter((at) => now - at < HOUR_MS).slice(-MANY_PAYMENTS);
      if (isTold || foundMs.length < MANY_PAYMENTS || now - hintedMs < SILENCE_MS) return false;
      isTold = true;
      return true;
    },
  };
}
