import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the server is to do with one request. */
export type Reaction = (request: IncomingMessage, response: ServerResponse) => void;

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string | undefined;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Which of the server's connections it came on, from 0. */
  readonly connection: number;
  /** Resolves once its connection is gone or its answer complete. */
  readonly closed: Promise<void>;
}

export interface HttpServer {
  /** Scheme, host and port. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Resolves with the request that comes as number `count`, from 1. */
  readonly request: (count: number) => Promise<SeenRequest>;
  /** Lets one reaction after the other answer; the last one goes on for ever. */
  readonly react: (...reactions: readonly [Reaction, ...Reaction[]]) => void;
  readonly close: () => Promise<void>;
}

/** Starts a real HTTP server, on a free port unless given one, with TLS if it is given a certificate; it answers 500 until told otherwise. */
export async function startHttpServer(
  tls?: { readonly cert: string; readonly key: string },
  wanted = 0,
): Promise<HttpServer> {
  let script: readonly Reaction[] = [];
  let reacted = 0;
  let connections = 0;
  const requests: SeenRequest[] = [];
  const awaited: { readonly count: number; readonly resolve: (request: SeenRequest) => void }[] = [];
  const numbers = new WeakMap<object, number>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const seen: SeenRequest = {
      method: request.method,
      url: request.url ?? '',
      headers: request.headers,
      connection: numbers.get(request.socket) ?? -1,
      closed: new Promise((resolve) => response.once('close', resolve)),
    };
    requests.push(seen);
    for (const { count, resolve } of awaited) if (count === requests.length) resolve(seen);
    const reaction = script[Math.min(reacted++, script.length - 1)] ?? json(500, {});
    reaction(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: object) =>
    numbers.set(socket, connections++),
  );
  const { port } = await new Promise<AddressInfo>((resolve, reject) => {
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('expected a port, got none'));
      else resolve(address);
    });
  });
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    request: (count) =>
      new Promise((resolve) => {
        const seen = requests[count - 1];
        if (seen !== undefined) resolve(seen);
        else awaited.push({ count, resolve });
      }),
    react: (...reactions) => {
      script = reactions;
      reacted = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with a JSON body. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reaction {
  return raw(status, JSON.stringify(body), { 'content-type': 'application/json; charset=utf-8', ...headers });
}

/** Answers with a web page. */
export function html(status: number, body = '<html>something went wrong</html>'): Reaction {
  return raw(status, body, { 'content-type': 'text/html; charset=utf-8' });
}

/** Answers with just these bytes and headers. */
export function raw(status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Reaction {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** Takes the request and never answers. */
export const hang: Reaction = () => undefined;

/** Closes the connection without an answer. */
export const hangUp: Reaction = (request) => {
  request.socket.destroy();
};

/** Begins to answer and stops half-way, leaving the connection open. */
export const stall: Reaction = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"entities":[');
};

/** Answers a byte every few milliseconds, for ever. */
export const drip: Reaction = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 5);
  response.once('close', () => clearInterval(timer));
};

/** Promises a longer body than it sends, then closes the connection. */
export function cut(status = 200): Reaction {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"entities":[', () => response.socket?.end());
  };
}

/** Breaks a chunked body off. */
export const cutChunked: Reaction = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"entities":[', () => response.socket?.end());
};
