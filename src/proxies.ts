import { BlockList, isIP } from 'node:net';

import type { ProxyConfig } from '../config/config';

/** A proxy to send requests through. */
export interface Proxy {
  /** Scheme, host and port, without credentials: safe to log. */
  readonly url: string;
  /** The environment variable that names it. */
  readonly variable: 'HTTPS_PROXY' | 'HTTP_PROXY';
  /** The value of `Proxy-Authorization`, a secret; null = no sign-in. */
  readonly authorization: string | null;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * The proxy that requests to this URL go through; null = none.
 *
 * This machine is always reached directly: what goes there in the clear must not leave it.
 */
export function proxyFor(url: URL, { https, http, except }: ProxyConfig): Proxy | null {
  const [proxy, variable] = url.protocol === 'https:' ? [https, 'HTTPS_PROXY' as const] : [http, 'HTTP_PROXY' as const];
  if (proxy === null || isThisMachine(url) || except.some((entry) => covers(entry, url))) return null;
  const { origin, username, password } = new URL(proxy);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = credentials === ':' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { url: origin, variable, authorization };
}

function isThisMachine(url: URL): boolean {
  return hostOf(url) === 'localhost' || covers('127.0.0.0/8', url) || covers('::1', url);
}

/** Whether an entry of NO_PROXY names the host of a URL: `*`, a name and all names below it, an address or a range of addresses, each of the names and addresses with or without a port. */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const { groups } = /^\[?(?<host>.*?)\]?(?::(?<port>\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? {};
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (groups?.['port'] !== undefined && Number(groups['port']) !== port) return false;
  const wanted = (groups?.['host'] ?? '').toLowerCase().replace(/^\*?\./, '');
  const host = hostOf(url);
  if (wanted === '') return false;
  return host === wanted || host.endsWith(`.${wanted}`) || isWithin(host, wanted);
}

/** Whether an address is within a range such as `10.0.0.0/8`, or another spelling of the same address. */
function isWithin(host: string, range: string): boolean {
  const [address = '', bits] = range.split('/');
  const version = isIP(address);
  if (version === 0 || isIP(host) !== version) return false;
  const longest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
  if (!(prefix <= longest)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return list.check(host, family);
}

function hostOf({ hostname }: URL): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
