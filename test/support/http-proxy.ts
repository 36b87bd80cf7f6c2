import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A request to the proxy, as the proxy saw it. */
export interface ProxiedRequest {
  /** `CONNECT host:port`, or the method and the whole URL of a request over http. */
  readonly what: string;
  readonly authorization: string | undefined;
}

/** A real HTTP proxy: it tunnels, and forwards what is asked over http; every host behind it is this machine. */
export interface HttpProxy {
  /** With the sign-in, where there is one. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ProxiedRequest[];
  /** Connections of clients that are open. */
  readonly open: () => number;
  /** Resolves once so many requests came. */
  readonly asked: (count: number) => Promise<void>;
  /** Resolves once no client is connected. */
  readonly deserted: () => Promise<void>;
  /** Answers everything in its own way from now on, in bytes; null = says nothing. */
  readonly answerItself: (bytes: string | null) => void;
  /** Works again. */
  readonly work: () => void;
  readonly close: () => Promise<void>;
}

/** Starts a proxy on a free port, that asks for a sign-in if it is given one. */
export async function startHttpProxy(signIn?: {
  readonly user: string;
  readonly password: string;
}): Promise<HttpProxy> {
  const requests: ProxiedRequest[] = [];
  const clients = new Set<Socket>();
  const waiting = new Set<() => void>();
  let own: { readonly bytes: string | null } | null = null;
  const wanted =
    signIn === undefined ? undefined : `Basic ${Buffer.from(`${signIn.user}:${signIn.password}`).toString('base64')}`;
  const changed = (): void => waiting.forEach((look) => look());
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });

  /** Whether the request goes on to its host; otherwise what the proxy has to say is said. */
  function admits({ method = '', url = '', headers }: IncomingMessage, socket: Socket): boolean {
    const authorization = headers['proxy-authorization'];
    requests.push({ what: `${method} ${url}`, authorization });
    changed();
    if (own !== null) {
      if (own.bytes !== null) socket.end(own.bytes);
      // Who is not read from is not seen to go, and who goes keeps half a connection otherwise.
      socket.resume().once('end', () => socket.destroy());
      return false;
    }
    if (wanted === undefined || authorization === wanted) return true;
    socket.end(
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="office"\r\ncontent-type: text/html\r\ncontent-length: 22\r\n\r\n<html>Sign in</html>\r\n',
    );
    return false;
  }

  const server = createServer((request, response) => {
    if (!admits(request, request.socket)) return;
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith('proxy-')));
    const { pathname, search, port } = new URL(request.url ?? '');
    const options = { host: '127.0.0.1', port, path: pathname + search, method: request.method, headers };
    const onward = httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, socket: Socket) => {
    socket.on('error', () => undefined);
    if (!admits(request, socket)) return;
    const port = Number((request.url ?? '').split(':').at(-1));
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  server.on('connection', (socket: Socket) => {
    clients.add(socket);
    socket.on('close', () => {
      clients.delete(socket);
      changed();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const credentials =
    signIn === undefined ? '' : `${encodeURIComponent(signIn.user)}:${encodeURIComponent(signIn.password)}@`;
  return {
    url: `http://${credentials}127.0.0.1:${port}`,
    port,
    requests,
    open: () => clients.size,
    asked: (count) => until(() => requests.length >= count),
    deserted: () => until(() => clients.size === 0),
    answerItself: (bytes) => {
      own = { bytes };
    },
    work: () => {
      own = null;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of clients) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
