import { isUtf8 } from 'node:buffer';
import { Agent as HttpAgent, validateHeaderValue } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import fetch from 'cross-fetch';
import { defer, finalize, from, type Observable, tap, throwError, timeout } from 'rxjs';
import { TransientError } from './errors';

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
   * cut or larger than `maxBytes`; the last two carry the status. Messages name neither headers, query nor body.
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
}

const unpackGzip = promisify(gunzip);
const unpackDeflate = promisify(inflate);
const unpackRawDeflate = promisify(inflateRaw);
const unpackBrotli = promisify(brotliDecompress);

/** Opens the edge; its connections are kept alive between exchanges. */
export function createHttp({ timeoutMs, maxBytes, userAgent, ca }: HttpOptions): Http {
  const connections = createConnections(ca);

  async function send(request: HttpRequest, url: URL, agent: HttpAgent, signal: AbortSignal) {
    const { headers, method = 'GET', body: sent } = request;
    // node-fetch unpacks leniently (a cut gzip body would pass), so unpacking is done here.
    const init = {
      method,
      ...(sent !== undefined && { body: sent }),
      headers: { ...headers, 'User-Agent': userAgent, 'Accept-Encoding': 'gzip' },
      redirect: 'manual' as const,
      signal,
      agent,
      compress: false,
      size: maxBytes,
    };
    // An illegal value would otherwise be quoted in the error, and the value may be the key.
    for (const [name, value] of Object.entries(init.headers)) validateHeaderValue(name, value);
    const shown = titleOf(request, url);
    const response = await fetch(url.href, init).catch((error: unknown) => {
      const reason = reasonOf(error);
      throw new TransientError(`${shown} expected an answer, got ${reason}`, { networkFault: reason });
    });
    const { status } = response;
    try {
      const raw = Buffer.from(await orCut(response.arrayBuffer(), agent));
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
        const agent = connections.take(target);
        let whole = false;
        return from(send(request, target, agent, aborter.signal)).pipe(
          tap(() => (whole = true)),
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
            if (whole) connections.giveBack(target, agent);
            else connections.drop(agent);
          }),
        );
      }),
    close: connections.close,
  };
}

function titleOf({ method = 'GET' }: HttpRequest, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`;
}

/** Keep-alive connections: one agent each, so that the socket of an exchange is known. */
function createConnections(ca: string | undefined) {
  const idle = new Map<string, HttpAgent[]>();
  const all = new Set<HttpAgent>();
  const options = { keepAlive: true, maxSockets: 1 };

  function drop(agent: HttpAgent): void {
    all.delete(agent);
    agent.destroy();
  }

  return {
    take: (url: URL): HttpAgent => {
      const warm = idle.get(url.origin)?.pop();
      if (warm !== undefined) return warm;
      const agent =
        url.protocol === 'https:'
          ? new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) })
          : new HttpAgent(options);
      all.add(agent);
      return agent;
    },
    giveBack: (url: URL, agent: HttpAgent): void => {
      if (!all.has(agent)) return;
      const others = idle.get(url.origin);
      if (others === undefined) idle.set(url.origin, [agent]);
      else others.push(agent);
    },
    drop,
    close: (): void => {
      for (const agent of all) drop(agent);
      idle.clear();
    },
  };
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

/**
 * Fails as soon as the connection closes before the body's end.
 *
 * node-fetch 2 notices that in a chunked body only; one that is shorter than its Content-Length would hang
 * (https://github.com/node-fetch/node-fetch/issues/1604).
 */
async function orCut<T>(body: Promise<T>, agent: HttpAgent): Promise<T> {
  const socket = Object.values(agent.sockets).flat()[0];
  // No socket in use: the answer is complete and its connection idle again.
  if (socket === undefined) return body;
  let closed = () => {};
  const cut = new Promise<never>((_resolve, reject) => {
    // What arrived before the close is still handed on, all of it before the next turn of the event loop.
    closed = () => setImmediate(() => reject(new Error('a connection closed before the end of the body')));
  });
  socket.once('close', closed);
  try {
    return await Promise.race([body, cut]);
  } finally {
    socket.off('close', closed);
  }
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

/**
 * The wait that an answer asks for in seconds, as an HTTP date or as a Unix time, at most five minutes; undefined if none, or one that is
 * past or makes no sense.
 */
export function retryAfterOf({ header }: HttpAnswer, wallClock: () => number): number | undefined {
  const value = header('retry-after')?.trim() ?? '';
  // By the server's clock where it tells its own time, as ours may be off.
  const told = Date.parse(header('date') ?? '');
  const now = Number.isNaN(told) ? wallClock() : told;
  const waitMs = /^\d+$/.test(value) ? waitOfNumber(Number(value), now) : waitOfDate(value, now);
  return waitMs >= 0 ? Math.min(waitMs, LONGEST_RETRY_AFTER_MS) : undefined;
}

function waitOfNumber(value: number, now: number): number {
  const instant = [value * 1_000, value].find((ms) => Math.abs(ms - now) <= NEAR_MS);
  return instant === undefined ? value * 1_000 : instant - now;
}

function waitOfDate(value: string, now: number): number {
  return /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) - now : NaN;
}
