import type { Environment, ProxyConfig } from './config';
import { notShown, type Findings } from './findings';

/** Reads the proxies from the environment, by the names that most programs know, in lower case before upper case. Their sign-in is a secret. */
export function loadProxies(env: Environment, findings: Findings): ProxyConfig {
  return {
    https: loadProxy('HTTPS_PROXY', env, findings),
    http: loadProxy('HTTP_PROXY', env, findings),
    except: (valueOf('NO_PROXY', env)?.text ?? '').split(/[\s,]+/).filter((entry) => entry !== ''),
  };
}

function loadProxy(name: string, env: Environment, { faults, secrets }: Findings): string | null {
  const given = valueOf(name, env);
  if (given === null) return null;
  const proxy = proxyOf(given.text);
  if (proxy === null) {
    // What cannot be read may hold a password anywhere.
    const expected = 'a proxy as http://host:port or http://user:password@host:port';
    faults.push({ file: 'the environment', key: given.variable, expected, got: notShown });
    return null;
  }
  const { username, password } = new URL(proxy);
  const decoded = [username, password].map(decodeURIComponent);
  const [user = '', secret = ''] = decoded;
  if (secret !== '') {
    for (const shape of [secret, password, `${user}:${secret}`]) {
      secrets.add(shape);
      secrets.add(Buffer.from(shape).toString('base64'));
    }
  }
  return proxy;
}

/** The URL of an HTTP proxy, with its sign-in; null = the text is none. */
function proxyOf(text: string): string | null {
  const written = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(written)) return null;
  const { href, protocol, username, password, pathname, search, hash } = new URL(written);
  if (!/^https?:$/.test(protocol) || pathname !== '/' || search !== '' || hash !== '') return null;
  try {
    decodeURIComponent(username + password);
  } catch {
    return null;
  }
  return href;
}

function valueOf(name: string, env: Environment): { readonly variable: string; readonly text: string } | null {
  for (const variable of [name.toLowerCase(), name]) {
    const text = env[variable]?.trim() ?? '';
    if (text !== '') return { variable, text };
  }
  return null;
}
