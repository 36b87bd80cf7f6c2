import { createHmac, timingSafeEqual } from 'node:crypto';

import { asError } from '../errors';
import { isObject } from '../json';
import type { EntityId } from '../model';
import type { ServiceEvent } from '../service/events';
import { text, type Route } from './server';

/** What became of a delivery that is not handed on. */
export type Refusal = Extract<
  Extract<ServiceEvent, { kind: 'hint' }>['outcome'],
  'verified' | 'forged' | 'no-secret' | 'unknown-entity' | 'too-large'
>;

/** Who takes the webhooks of inFakt. */
export interface HookSetting {
  /** The secrets that an entity's deliveries may be signed with, none where it has none; null = there is no such entity. */
  readonly secretsOf: (entity: EntityId) => readonly string[] | null;
  /** Handed the JSON of each genuine delivery, undefined where it is none, after it was answered. */
  readonly deliver: (entity: EntityId, body: unknown) => void;
  /** Told of each delivery that is not genuine, and of each question for a verification code; entity "" = there is none of that name. */
  readonly onRefused: (entity: EntityId, refusal: Refusal) => void;
  /** Told of a bug in what a delivery was handed to, as it was answered already. */
  readonly onFault: (error: Error) => void;
}

/** A whole invoice with a hundred lines is a tenth of it. */
const MOST_BYTES = 256 * 1024;
/** What is sent back unread is short. */
const MOST_VERIFICATION_BYTES = 4 * 1024;

/**
 * `POST /hooks/<entity>`: one delivery of a webhook. A genuine one is answered 200 before anything is done with it, whatever it is about, as
 * inFakt repeats what is not answered so, and gives the webhook up in the end.
 */
export function hookRoutes({ secretsOf, deliver, onRefused, onFault }: HookSetting): readonly Route[] {
  const answer = async (request: Request): Promise<Response> => {
    const entity = entityOf(request.url);
    const raw = await bodyOf(request).catch(() => undefined);
    if (raw === undefined) return text(400, 'the body broke off');
    const secrets = secretsOf(entity);
    const known = secrets === null ? '' : entity;
    if (raw === null) {
      onRefused(known, 'too-large');
      return text(413, 'too large', { Connection: 'close' });
    }
    const body = parsed(raw);
    // Also before a secret is known, as inFakt shows the secret of a webhook that is being set up.
    if (raw.length <= MOST_VERIFICATION_BYTES && asksForVerification(body)) {
      onRefused(known, 'verified');
      return new Response(new Uint8Array(raw), { status: 200, headers: { 'Content-Type': 'application/json' } });
    }
    if (secrets === null || !isSigned(raw, request.headers.get('x-infakt-signature') ?? '', secrets)) {
      onRefused(known, secrets === null ? 'unknown-entity' : secrets.length === 0 ? 'no-secret' : 'forged');
      return text(401, 'unauthorized');
    }
    setImmediate(() => {
      try {
        deliver(entity, body);
      } catch (error) {
        onFault(asError(error));
      }
    });
    return text(200, 'ok');
  };
  return [{ path: '/hooks/:entity', access: 'open', method: 'POST', answer }];
}

function entityOf(url: string): EntityId {
  const name = new URL(url).pathname.replace(/^.*\//, '');
  try {
    return decodeURIComponent(name);
  } catch {
    return '';
  }
}

/** The body as it came; null = it is too large, and the rest of it stays unread. */
async function bodyOf({ body }: Request): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON of a body; undefined = it is none. */
function parsed(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Whether a body asks for its own verification code, as the activation of a webhook does. */
function asksForVerification(body: unknown): boolean {
  return isObject(body) && typeof body['verification_code'] === 'string' && Object.keys(body).length === 1;
}

/** Whether one of the secrets signs the body: hexadecimal HMAC-SHA256 of its bytes. */
function isSigned(raw: Buffer, signature: string, secrets: readonly string[]): boolean {
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  const given = Buffer.from(signature, 'hex');
  // Each of them, so that the time tells nothing of which.
  const matches = secrets.map((secret) => timingSafeEqual(createHmac('sha256', secret).update(raw).digest(), given));
  return matches.includes(true);
}
