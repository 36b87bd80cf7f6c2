import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';

import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';

import type { ProxyConfig } from '../config/config';
import { type Proxy, proxyFor } from './proxies';

/** A keep-alive connection, for one exchange at a time. */
export interface Connection {
  readonly agent: HttpAgent;
  /** Null = directly. */
  readonly proxy: Proxy | null;
  /** What a proxy answered instead of connecting to the host, where it did: whatever came over the connection then is the proxy's. */
  readonly refusedWith: () => number | null;
}

/** Keep-alive connections: one agent each, so that the socket of an exchange is known. */
export interface Connections {
  /** An idle connection to the origin of a URL, or a new one. */
  readonly take: (url: URL) => Connection;
  /** Keeps a connection for another exchange, unless all were closed meanwhile. */
  readonly giveBack: (url: URL, connection: Connection) => void;
  readonly drop: (connection: Connection) => void;
  /** Closes all connections, those in use as well. */
  readonly close: () => void;
}

const KEEP_ALIVE = { keepAlive: true, maxSockets: 1 };

/** Opens connections as they are needed; `ca`: the authorities that are trusted instead of those that Node.js trusts, PEM. */
export function createConnections(ca: string | undefined, proxies: ProxyConfig): Connections {
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();

  function drop(connection: Connection): void {
    all.delete(connection);
    connection.agent.destroy();
  }

  return {
    take: (url) => {
      const warm = idle.get(url.origin)?.pop();
      if (warm !== undefined) {
        if (Object.keys(warm.agent.sockets).length === 0) return warm;
        // The old socket is still closing. A request that waits for it would ask a proxy that refuses it over and over.
        drop(warm);
      }
      const connection = open(url, ca, proxyFor(url, proxies));
      all.add(connection);
      return connection;
    },
    giveBack: (url, connection) => {
      if (!all.has(connection)) return;
      const others = idle.get(url.origin);
      if (others === undefined) idle.set(url.origin, [connection]);
      else others.push(connection);
    },
    drop,
    close: () => {
      for (const connection of all) drop(connection);
      idle.clear();
    },
  };
}

function open({ protocol }: URL, ca: string | undefined, proxy: Proxy | null): Connection {
  const trust = ca === undefined ? {} : { ca };
  const never = (): null => null;
  if (proxy === null) {
    const agent = protocol === 'https:' ? new HttpsAgent({ ...KEEP_ALIVE, ...trust }) : new HttpAgent(KEEP_ALIVE);
    return { agent, proxy, refusedWith: never };
  }
  // As a header, since both libraries write the URL that they are given into their debug output.
  const headers: Record<string, string> =
    proxy.authorization === null ? {} : { 'Proxy-Authorization': proxy.authorization };
  if (protocol !== 'https:') {
    return { agent: new HttpProxyAgent(proxy.url, { ...KEEP_ALIVE, headers }), proxy, refusedWith: never };
  }
  const agent = new TunnelAgent(proxy.url, { ...KEEP_ALIVE, headers });
  // The library would hand these to the proxy's connection, and forget them for the host's.
  Object.assign(agent.options, trust);
  let refused: number | null = null;
  agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
    refused = statusCode === 200 ? null : statusCode;
  });
  return { agent, proxy, refusedWith: () => refused };
}

/** As the library's, but destroying it also gives up a connection to a proxy that has not answered yet. */
class TunnelAgent extends HttpsProxyAgent<string> {
  #connecting: AbortController | null = null;

  override async connect(
    request: ClientRequest,
    options: Parameters<HttpsProxyAgent<string>['connect']>[1],
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    const connecting = new AbortController();
    this.#connecting = connecting;
    Object.assign(this.connectOpts, { signal: connecting.signal });
    try {
      return await super.connect(request, options);
    } finally {
      this.#connecting = null;
    }
  }

  override destroy(): void {
    this.#connecting?.abort('over');
    super.destroy();
  }
}

/**
 * Fails as soon as the connection closes before the body's end.
 *
 * node-fetch 2 notices that in a chunked body only; one that is shorter than its Content-Length would hang
 * (https://github.com/node-fetch/node-fetch/issues/1604).
 */
export async function orCut<T>(body: Promise<T>, { agent }: Connection): Promise<T> {
  const socket: Duplex | undefined = Object.values(agent.sockets).flat()[0];
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
