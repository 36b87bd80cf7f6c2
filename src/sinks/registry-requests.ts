import { setTimeout as delay } from 'node:timers/promises';

import type { ProxyConfig } from '../../config/config';
import { ConfigError, TransientError } from '../errors';
import { createHttp, type HttpAnswer, type HttpRequest, retryAfterOf } from '../http';
import { isObject } from '../json';

/** Where a registry is, how to sign in, and how long one question may take. */
export interface RequestSettings {
  /** Without a slash at its end. */
  readonly url: string;
  /** Null = no sign-in. */
  readonly auth: { readonly username: string; readonly password: string } | { readonly token: string } | null;
  /** The authorities that are trusted, PEM; null = those that Node.js trusts. */
  readonly ca: string | null;
  /** How long one question may take, further tries included. */
  readonly timeoutMs: number;
  /** None unless given. */
  readonly proxies?: ProxyConfig;
}

/** An answer that is about the question, whether yes or no. */
export interface RegistryReply {
  readonly status: number;
  /** Confluent's number of the error; undefined where the body names none. */
  readonly code: number | undefined;
  /** Undefined unless the body is a JSON object or array. */
  readonly body: unknown;
  /** The registry's own words, or the shape of the body. */
  readonly words: string;
}

/** Questions to one registry. */
export interface RegistryRequests {
  /**
   * Asks until there is an answer about the question, or time is up.
   *
   * A TransientError says that the registry could not be used in time, a ConfigError what a person must set right.
   */
  readonly ask: (
    method: NonNullable<HttpRequest['method']>,
    path: string,
    body?: Readonly<Record<string, unknown>>,
  ) => Promise<RegistryReply>;
  /** Words of the registry, cut where they repeat whole schemas, and without what they may repeat of our headers. */
  readonly quote: (text: string) => string;
  /** Gives up every question under way. */
  readonly close: () => void;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const LONGEST_WAIT_MS = 2_000;
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;
const LONGEST_QUOTE = 1_500;
/** The codes by which Node.js refuses a certificate, and by which TLS meets something else. */
const TLS_FAULT = /CERT|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|^ERR_(?:OS)?SSL_|^EPROTO$/;

/** Opens the way to a registry that speaks Confluent's API; nothing is sent yet. */
export function createRegistryRequests(settings: RequestSettings, userAgent: string): RegistryRequests {
  const { url: base, auth, ca, timeoutMs, proxies } = settings;
  const http = createHttp({
    // One that hangs leaves time for another try.
    timeoutMs: Math.ceil(timeoutMs / 2),
    maxBytes: MAX_ANSWER_BYTES,
    userAgent,
    ...(ca !== null && { ca }),
    ...(proxies !== undefined && { proxies }),
  });
  const headers = {
    Accept: 'application/vnd.schemaregistry.v1+json, application/json',
    'Content-Type': 'application/vnd.schemaregistry.v1+json',
    ...(auth !== null && { Authorization: authorization(auth) }),
  };
  const closing = new AbortController();

  const ask: RegistryRequests['ask'] = async (method, path, body) => {
    const url = new URL(`${base}/${path}`);
    const title = `${method} ${url.origin}${url.pathname}`;
    const request = { method, url: url.href, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const deadline = performance.now() + timeoutMs;
    const over = new AbortController();
    let last: Error | undefined;

    async function tryUntilAnswered(): Promise<RegistryReply> {
      for (let tries = 1; ; tries += 1) {
        try {
          return read(title, await exchange(request, over.signal));
        } catch (error) {
          last = judge(title, error);
          if (!(last instanceof TransientError)) throw last;
          const waitMs = last.retryAfterMs ?? Math.min(LONGEST_WAIT_MS, 100 * 2 ** tries);
          if (performance.now() + waitMs >= deadline) throw last;
          await delay(waitMs, undefined, { signal: over.signal });
        }
      }
    }

    let timer: NodeJS.Timeout | undefined;
    let giveUp = (): void => undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(last ?? new TransientError(`${title} expected an answer in ${timeoutMs} ms, got none`)),
        timeoutMs,
      );
      giveUp = () => reject(new TransientError(`${title} expected to be let finish, got closed`));
    });
    closing.signal.addEventListener('abort', giveUp);
    try {
      return await Promise.race([tryUntilAnswered(), limit]);
    } finally {
      clearTimeout(timer);
      closing.signal.removeEventListener('abort', giveUp);
      over.abort('over');
    }
  };

  /** One request; never settles once it is aborted. */
  function exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const subscription = http.exchange(request).subscribe({ next: resolve, error: reject });
      signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
    });
  }

  /** The one place where an answer that is not about the question becomes an error class. */
  function read(title: string, answer: HttpAnswer): RegistryReply {
    const { status, text, contentType } = answer;
    const body = parse(text);
    const shape = `${text.length} characters of ${contentType === '' ? 'no content type' : contentType.slice(0, 50)}`;
    const message = isObject(body) ? body['message'] : undefined;
    const code = isObject(body) ? body['error_code'] : undefined;
    const words = typeof message === 'string' ? quote(message) : shape;
    const got = `got ${status} with ${words}`;
    if (status === 401) throw new ConfigError(`${title} expected ${signIn()}, got 401`, { status, mayPass: true });
    if (status === 408 || status === 429 || status >= 500) {
      const retryAfterMs = retryAfterOf(answer, Date.now) ?? 0;
      throw new TransientError(`${title} expected an answer, ${got}`, {
        status,
        ...(retryAfterMs > 0 && { retryAfterMs: Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) }),
      });
    }
    const about = body !== undefined || status === 403 || status === 404 || status === 405;
    if (status < 200 || (status >= 300 && status < 400) || !about) throw noRegistry(title, status, shape);
    return { status, code: typeof code === 'number' ? code : undefined, body, words };
  }

  function judge(title: string, error: unknown): Error {
    if (!(error instanceof Error)) return new Error(String(error));
    const fault = error instanceof ConfigError ? error.cause : error;
    if (!(fault instanceof TransientError) || !TLS_FAULT.test(fault.networkFault ?? '')) return error;
    const trusted = ca === null ? 'an authority that Node.js trusts (or set registry.caFile)' : 'registry.caFile';
    const expected = `a valid certificate for ${new URL(base).hostname}, signed by ${trusted}`;
    return new ConfigError(`${title} expected ${expected}, got ${fault.networkFault ?? ''}`, {
      cause: fault,
      mayPass: true,
    });
  }

  function signIn(): string {
    if (auth === null) return 'no sign-in (or set registry.username and its password, or registry.token)';
    return 'token' in auth ? 'registry.token to be accepted' : 'registry.username and registry.password to be accepted';
  }

  function quote(text: string): string {
    const secrets = auth === null ? [] : 'token' in auth ? [auth.token] : [auth.password, authorization(auth).slice(6)];
    const plain = secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text);
    const short = plain.replace(/[,;]? ?\{oldSchema: .*$/s, '').trim();
    return short.length > LONGEST_QUOTE ? `${short.slice(0, LONGEST_QUOTE)}...` : short;
  }

  return {
    ask,
    quote,
    close: () => {
      closing.abort('closed');
      http.close();
    },
  };
}

/** The error for an answer that no schema registry gives. */
export function noRegistry(title: string, status: number, words: string): ConfigError {
  return new ConfigError(
    `${title} expected the answer of a schema registry at registry.url, got ${status} with ${words}`,
    {
      status,
    },
  );
}

function authorization(auth: NonNullable<RequestSettings['auth']>): string {
  if ('token' in auth) return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

/** An object or array, or undefined. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
