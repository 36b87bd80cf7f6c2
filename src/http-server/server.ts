import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isNativeError } from 'node:util/types';

import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';

import { asError, ConfigError } from '../errors';

/** Whoever has asked. */
export interface Connection {
  /** Ends an answer that has not ended by itself. */
  readonly cut: () => void;
}

/** One address that is answered to a GET or a HEAD, or to a POST alone. */
export interface Route {
  /** May end with a part that stands for any text without a slash, as `/hooks/:entity`. */
  readonly path: string;
  /** `open`: whoever reaches the port may ask, by whatever name; `token`: asks for the token, where there is one. */
  readonly access: 'open' | 'token';
  /** GET unless given. */
  readonly method?: 'GET' | 'POST';
  readonly answer: (request: Request, connection: Connection) => Response | Promise<Response>;
}

/** Where to listen, and what is answered there. */
export interface ServerSetting {
  /** 0 = any free port. */
  readonly port: number;
  readonly host: string;
  /** The token that holds at the time of the call; null = nobody is asked for one. */
  readonly token: () => string | null;
  readonly routes: readonly Route[];
  /** Told of a bug in an answer, which is answered with 500 and nothing of the error. */
  readonly onFault: (error: Error) => void;
}

/** A server that listens. */
export interface HttpServer {
  readonly port: number;
  /** Answers nobody any more; connections are cut. */
  close(): Promise<void>;
}

/** A request must have come by then; how long an answer takes is not bounded. */
const REQUEST_MS = 10_000;
/** More connections than this are refused, so that a crowd of readers takes no memory from the service. */
const MAX_CONNECTIONS = 200;

/** Listens; rejects with a ConfigError that names the setting where that address cannot be had. */
export async function listen(setting: ServerSetting): Promise<HttpServer> {
  const { host, port } = setting;
  const app = appOf(setting);
  const answer = getRequestListener(app.fetch, {
    errorHandler: (error) => {
      if (!isRefusedRequest(error)) setting.onFault(asError(error));
      return text(400, 'bad request');
    },
  });
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    void answer(request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await started(server, { host, port });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the application is told of each connection. */
interface Answered {
  Bindings: HttpBindings;
}

/** The application without a port: the token first, then the route. */
function appOf({ routes, token, host, onFault }: ServerSetting): Hono<Answered> {
  const app = new Hono<Answered>();
  const open = routes.filter(({ access }) => access === 'open').map(({ path }) => path);
  app.use(async (context, next) => {
    const wanted = token();
    const { path, raw } = context.req;
    const refusal =
      wanted === null
        ? refuseStrangeHost(host, new URL(raw.url))
        : isSignedIn(raw.headers, wanted)
          ? null
          : unauthorized();
    if (refusal === null || open.some((route) => isAt(route, path))) await next();
    else context.res = refusal;
    for (const [name, value] of Object.entries(HEADERS))
      if (!context.res.headers.has(name)) context.header(name, value);
  });
  for (const { path, method = 'GET', answer } of routes) {
    app.on(method, path, (context) => answer(context.req.raw, { cut: () => context.env.outgoing.destroy() }));
    app.all(path, () => text(405, 'method not allowed', { Allow: method === 'GET' ? 'GET, HEAD' : method }));
  }
  app.notFound(() => text(404, 'not found'));
  app.onError((error) => {
    onFault(error);
    return text(500, 'internal error');
  });
  return app;
}

/** Whether a route's path is this one. */
function isAt(route: string, path: string): boolean {
  const [fixed = '', named] = route.split(':');
  return named === undefined ? path === fixed : path.startsWith(fixed) && /^[^/]+$/.test(path.slice(fixed.length));
}

/** Of every answer that says nothing else: nothing is stored, guessed or shown inside another site. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** A short answer of plain text. */
export function text(status: number, words: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${words}\n`, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers } });
}

/** An answer of JSON, in lines that a person can read. */
export function json(status: number, value: unknown): Response {
  const headers = { 'Content-Type': 'application/json; charset=utf-8' };
  return new Response(`${JSON.stringify(value, null, 2)}\n`, { status, headers });
}

function unauthorized(): Response {
  return text(401, 'unauthorized', { 'WWW-Authenticate': 'Basic realm="infakt-kafka", charset="UTF-8"' });
}

/**
 * Refuses a request to this machine alone by a name that is not this machine's: a page of another site, open in a browser here, may have a
 * name that leads here, and would read the answer.
 */
function refuseStrangeHost(host: string, { hostname }: URL): Response | null {
  if (!isLoopback(host) || isLoopback(hostname)) return null;
  return text(403, 'without http.token only localhost is answered, by that name or its address');
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(hostname);
}

/** Whether the token came with the request, as a bearer token or as the password of a Basic sign-in. */
function isSignedIn(headers: Headers, wanted: string): boolean {
  const [, scheme = '', given = ''] = /^\s*(\S+) +(\S+)\s*$/.exec(headers.get('authorization') ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return isSame(given, wanted);
    case 'basic': {
      const pair = Buffer.from(given, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      return colon >= 0 && isSame(pair.slice(colon + 1), wanted);
    }
    default:
      return false;
  }
}

/** Compares in a time that tells nothing of where the texts differ, nor of their lengths. */
function isSame(given: string, wanted: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** A request that cannot be understood, as with an address or a host that is none. */
function isRefusedRequest(error: unknown): boolean {
  return isNativeError(error) && (error.name === 'RequestError' || error instanceof TypeError);
}

async function started(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw refusal(error, `${host.includes(':') ? `[${host}]` : host}:${port}`);
  }
}

function refusal(error: unknown, address: string): ConfigError {
  const code = isNativeError(error) && 'code' in error ? String(error.code) : '';
  const faults: Readonly<Record<string, string>> = {
    EADDRINUSE: 'a free port (http.port), got one that another program has; set http.port to another, or to 0 for none',
    EACCES:
      'a port that this user may have (http.port), got one that is refused; set http.port to another, such as 8080',
    EADDRNOTAVAIL: 'an address of this machine (http.host), got another; set http.host to one that it has',
    ENOTFOUND: 'an address or a name of this machine (http.host), got a name that nothing knows',
  };
  const words = faults[code] ?? `to be let (http.port, http.host), got ${code === '' ? 'a refusal' : code}`;
  return new ConfigError(`listening on ${address}: expected ${words}`, { cause: error });
}
