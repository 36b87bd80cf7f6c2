import { isUtf8 } from 'node:buffer';
import { validateHeaderValue } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import fetch from 'cross-fetch';
import { defer, finalize, from, type Observable, tap, throwError, timeout } from 'rxjs';
import type { ProxyConfig } from '../config/config';
import { type Connection, createConnections, orCut } from './connections';
import { ConfigError, TransientError } from './errors';
import type { Proxy } from './proxies';

/** One request to be made, a GET unless it says otherwise. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A complete answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** The media type alone, in lower case; "" where the answer names none. */
  readonly contentType: string;
  readonly text: string;
  /** The body unpacked, as it came. */
  readonly bytes: Buffer;
  /** False if the body was not UTF-8, so that `text` is not what was sent. */
  readonly utf8: boolean;
}

/** The edge to the network. */
export interface Http {
  /**
   * One request per subscription; unsubscribing aborts it. A 3xx is an answer and never followed.
   *
   * Fails with a TransientError if the network fails, the whole exchange takes longer than `timeoutMs`, or the body is
   * cut or larger than `maxBytes`; the last two carry the status. Fails with a ConfigError if the host's certificate is not trusted, or a
   * proxy wants another sign-in, unless the host has answered before: then that may pass. Messages name neither headers, query nor body.
   */
  readonly exchange: (request: HttpRequest) => Observable<HttpAnswer>;
  /** Closes all connections, those in use as well. */
  readonly close: () => void;
}

export interface HttpOptions {
  readonly timeoutMs: number;
  /** Largest body accepted, both as it travels and unpacked. */
  readonly maxBytes: number;
  readonly userAgent: string;
  /** The authorities that are trusted instead of those that Node.js trusts, PEM. */
  readonly ca?: string;
  /** The proxies of the environment; none unless given. */
  readonly proxies?: ProxyConfig;
}

const NO_PROXIES: ProxyConfig = { https: null, http: null, except: [] };
/** The codes by which Node.js says that nobody whom it trusts has signed a certificate. */
const UNTRUSTED =
  /^(?:UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)|SELF_SIGNED_|DEPTH_ZERO_SELF_SIGNED|CERT_UNTRUSTED$|INVALID_CA$)/;

const unpackGzip = promisify(gunzip);
const unpackDeflate = promisify(inflate);
const unpackRawDeflate = promisify(inflateRaw);
const unpackBrotli = promisify(brotliDecompress);

/** Opens the edge; its connections are kept alive between exchanges. */
export function createHttp({ timeoutMs, maxBytes, userAgent, ca, proxies = NO_PROXIES }: HttpOptions): Http {
  const connections = createConnections(ca, proxies);
  /** Origins that have answered: what was set up for them is right, so whatever is wrong later may pass. */
  const reached = new Set<string>();

  /** What a person must set right, or may pass where it was right before. */
  function wrongSetting(message: string, networkFault: string, origin: string): ConfigError | TransientError {
    const fault = new TransientError(message, { networkFault });
    return reached.has(origin) ? fault : new ConfigError(message, { cause: fault });
  }

  function noAnswer(shown: string, { origin }: URL, { proxy }: Connection, reason: string): Error {
    const through = proxy === null ? '' : ` through the proxy ${proxy.url}`;
    const message = `${shown} expected an answer, got ${reason}${through}`;
    if (!UNTRUSTED.test(reason)) return new TransientError(message, { networkFault: reason });
    const advice = `nobody whom Node.js trusts has signed the certificate; where a proxy or a firewall opens TLS, set NODE_EXTRA_CA_CERTS to the file with its authority's certificate (PEM) and start again`;
    return wrongSetting(`${message}: ${advice}`, reason, origin);
  }

  /** Throws where what came is the answer of a proxy, and not of the host. */
  function refuseProxysAnswer(shown: string, url: URL, connection: Connection, status: number): void {
    const { proxy } = connection;
    const refused = connection.refusedWith() ?? (proxy !== null && status === 407 ? status : null);
    if (proxy === null || refused === null) return;
    const message = `${shown} expected the proxy ${proxy.url} to connect to ${hostAndPort(url)}, got ${refused}`;
    if (refused === 407) throw wrongSetting(`${message}; ${signInAdvice(proxy)}`, 'PROXY_407', url.origin);
    const advice = `have the proxy allow it, or name the host in NO_PROXY`;
    throw new TransientError(`${message}; if it stays so, ${advice}`, { networkFault: `PROXY_${refused}` });
  }

  async function send(request: HttpRequest, url: URL, connection: Connection, signal: AbortSignal) {
    const { headers, method = 'GET', body: sent } = request;
    // node-fetch unpacks leniently (a cut gzip body would pass), so unpacking is done here.
    const init = {
      method,
      ...(sent !== undefined && { body: sent }),
      headers: { ...headers, 'User-Agent': userAgent, 'Accept-Encoding': 'gzip' },
      redirect: 'manual' as const,
      signal,
      agent: connection.agent,
      compress: false,
      size: maxBytes,
    };
    // An illegal value would otherwise be quoted in the error, and the value may be the key.
    for (const [name, value] of Object.entries(init.headers)) validateHeaderValue(name, value);
    const shown = titleOf(request, url);
    const response = await fetch(url.href, init).catch((error: unknown) => {
      throw noAnswer(shown, url, connection, reasonOf(error));
    });
    const { status } = response;
    refuseProxysAnswer(shown, url, connection, status);
    try {
      const raw = Buffer.from(await orCut(response.arrayBuffer(), connection));
      const body = await unpack(raw, response.headers.get('content-encoding') ?? '', maxBytes);
      return {
        status,
        header: (name: string) => response.headers.get(name),
        contentType: (response.headers.get('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase(),
        text: body.toString('utf8'),
        bytes: body,
        utf8: isUtf8(body),
      };
    } catch (error) {
      const expected = `a whole body of at most ${maxBytes} bytes`;
      const encoding = response.headers.get('content-encoding');
      const packed = encoding === null ? '' : ` in a body with content-encoding ${encoding.slice(0, 50)}`;
      throw new TransientError(`${shown} expected ${expected}, got ${reasonOf(error)}${packed}`, { status });
    }
  }

  return {
    exchange: (request) =>
      defer(() => {
        const target = new URL(request.url);
        const aborter = new AbortController();
        const connection = connections.take(target);
        let whole = false;
        return from(send(request, target, connection, aborter.signal)).pipe(
          tap(() => {
            whole = true;
            reached.add(target.origin);
          }),
          timeout({
            first: timeoutMs,
            with: () => {
              const shown = titleOf(request, target);
              return throwError(
                () => new TransientError(`${shown} expected a whole answer in ${timeoutMs} ms, got a time-out`),
              );
            },
          }),
          finalize(() => {
            // With a reason of our own: making the default one costs a stack trace.
            aborter.abort('over');
            if (whole) connections.giveBack(target, connection);
            else connections.drop(connection);
          }),
        );
      }),
    close: connections.close,
  };
}

function titleOf({ method = 'GET' }: HttpRequest, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`;
}

function hostAndPort({ protocol, hostname, port }: URL): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

function signInAdvice({ variable, authorization }: Proxy): string {
  return authorization === null
    ? `the proxy wants a sign-in: put it into ${variable}, as http://user:password@host:port`
    : `the proxy refuses the user name and password of ${variable}`;
}

/** Unpacks a body by its encodings, the last one first, whether they were asked for or not; by the body itself where it shows that it is gzip, or that it is not. */
async function unpack(raw: Buffer, encodings: string, maxOutputLength: number): Promise<Buffer> {
  const options = { maxOutputLength };
  const names = encodings.split(',').map((name) => name.trim().toLowerCase());
  let body = raw;
  for (const name of names.reverse()) {
    if (body.length === 0) return body;
    switch (name) {
      case '':
      case 'identity':
      case 'gzip':
      case 'x-gzip':
        if (isGzip(body)) body = await unpackGzip(body, options);
        break;
      case 'deflate':
        // Servers disagree on whether this means zlib's header too.
        body = isZlib(body) ? await unpackDeflate(body, options) : await unpackRawDeflate(body, options);
        break;
      case 'br':
        body = await unpackBrotli(body, options);
        break;
      default:
        throw new Error('an encoding that cannot be unpacked');
    }
  }
  return body;
}

function isGzip(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b;
}

function isZlib(body: Buffer): boolean {
  return body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}

/** Why it failed, in words that are safe to log; node-fetch's own quote the URL, which is why no `cause` is kept. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('type' in error && typeof error.type === 'string') return error.type;
  return error.message;
}

/** No wait that an answer asks for counts for more. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;
/** A number this near the present moment is a Unix time and no number of seconds. */
const NEAR_MS = 24 * 60 * 60_000;

/** Seconds, with a fraction where a server counts finer; several where a proxy has joined the headers of two servers. */
const NUMBERS = /^\d+(?:\.\d+)?(?:\s*,\s*\d+(?:\.\d+)?)*$/;

/**
 * The wait that an answer asks for in seconds, as an HTTP date or as a Unix time, at most five minutes, the longest where it names several;
 * undefined if none, or one that is past or makes no sense.
 */
export function retryAfterOf({ header }: HttpAnswer, wallClock: () => number): number | undefined {
  const value = header('retry-after')?.trim() ?? '';
  // By the server's clock where it tells its own time, as ours may be off.
  const told = Date.parse(header('date') ?? '');
  const now = Number.isNaN(told) ? wallClock() : told;
  const waitMs = NUMBERS.test(value)
    ? Math.max(...value.split(',').map((part) => waitOfNumber(Number(part), now)))
    : waitOfDate(value, now);
  return waitMs >= 0 ? Math.min(waitMs, LONGEST_RETRY_AFTER_MS) : undefined;
}

function waitOfNumber(value: number, now: number): number {
  const instant = [value * 1_000, value].find((ms) => Math.abs(ms - now) <= NEAR_MS);
  return Math.ceil(instant === undefined ? value * 1_000 : instant - now);
}

function waitOfDate(value: string, now: number): number {
  return /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) - now : NaN;
}
