import { lastValueFrom } from 'rxjs';

import type { ProxyConfig } from '../../config/config';
import { ConfigError, TransientError } from '../errors';
import { createHttp, type HttpAnswer } from '../http';
import { isObject } from '../json';
import type { BearerToken } from './bearer-token';

/** Where tokens are given, and who asks for them. */
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Null = the endpoint decides. */
  readonly scope: string | null;
  readonly proxies: ProxyConfig;
  readonly userAgent: string;
}

const TIMEOUT_MS = 8_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Asks an endpoint of OAuth 2.0 for a token, by the grant of client credentials (RFC 6749, 4.4).
 *
 * Fails with a ConfigError where a person must set something right, with a TransientError where the endpoint cannot be used for now. No
 * message holds the secret, the token or what an answer says in free text.
 */
export async function fetchClientToken(credentials: ClientCredentials, now: () => number): Promise<BearerToken> {
  const { tokenUrl, clientId, clientSecret, scope, proxies, userAgent } = credentials;
  const shown = `POST ${tokenUrl} (kafka.sasl.tokenUrl)`;
  const http = createHttp({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, userAgent, proxies });
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) });
  const signIn = [clientId, clientSecret].map(formEncoded).join(':');
  const askedAt = now();
  try {
    const exchange = http.exchange({
      method: 'POST',
      url: tokenUrl,
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: `Basic ${Buffer.from(signIn).toString('base64')}`,
      },
      body: body.toString(),
    });
    return tokenIn(shown, await lastValueFrom(exchange), askedAt);
  } catch (error) {
    // What is wrong here may be set right outside while the service runs.
    if (error instanceof ConfigError) throw new ConfigError(error.message, { mayPass: true });
    throw error;
  } finally {
    http.close();
  }
}

function tokenIn(shown: string, { status, text, contentType }: HttpAnswer, askedAt: number): BearerToken {
  const answer = parse(text);
  if (status === 429 || status >= 500) throw new TransientError(`${shown} expected a token, got ${status}`, { status });
  if (status >= 400) {
    const error = answer['error'];
    const code = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` with ${error}` : '';
    const advice = 'see to kafka.sasl.clientId, its secret and kafka.sasl.scope';
    throw new ConfigError(`${shown} expected a token, got ${status}${code}; ${advice}`, { status, mayPass: true });
  }
  const { access_token: value, expires_in: seconds } = answer;
  if (status !== 200 || typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    const got = `${status} with ${text.length} characters of ${contentType === '' ? 'no content type' : contentType.slice(0, 50)}`;
    throw new ConfigError(`${shown} expected JSON with an access_token, got ${got}`, { status, mayPass: true });
  }
  // Where the endpoint does not say how long a token is good, each sign-in asks for another one.
  const lifeMs = Number(seconds) > 0 ? Number(seconds) * 1_000 : 0;
  return { value, endsAt: askedAt + lifeMs };
}

/** As a form has it, which is how RFC 6749 wants both in the header. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
