import type { ProxyConfig } from '../config/config';
import { proxyFor } from '../src/proxies';

const proxies: ProxyConfig = { https: 'http://office:3128/', http: 'http://other:8080/', except: [] };

function through(url: string, except: readonly string[] = []): string | null {
  return proxyFor(new URL(url), { ...proxies, except })?.url ?? null;
}

test('the scheme of the URL chooses the proxy, and the variable that names it', () => {
  expect(proxyFor(new URL('https://api.infakt.pl/api/v3'), proxies)).toEqual({
    url: 'http://office:3128',
    variable: 'HTTPS_PROXY',
    authorization: null,
  });
  expect(proxyFor(new URL('http://registry.example'), proxies)).toMatchObject({
    url: 'http://other:8080',
    variable: 'HTTP_PROXY',
  });
  expect(proxyFor(new URL('https://api.infakt.pl'), { ...proxies, https: null })).toBeNull();
});

test('the sign-in is taken out of the URL, decoded', () => {
  const proxy = proxyFor(new URL('https://api.infakt.pl'), { ...proxies, https: 'http://jan:p%40ss%3A1@office:3128/' });
  expect(proxy).toMatchObject({
    url: 'http://office:3128',
    authorization: `Basic ${Buffer.from('jan:p@ss:1').toString('base64')}`,
  });
});

test.each(['http://localhost:8081', 'http://127.0.0.1:4010/api/v3', 'http://127.8.9.1', 'https://[::1]:8443'])(
  '%s is this machine, and reached directly',
  (url) => {
    expect(through(url)).toBeNull();
  },
);

test.each([
  ['https://registry.example', '*'],
  ['https://registry.example', 'registry.example'],
  ['https://a.registry.example', 'registry.example'],
  ['https://a.registry.example', '.registry.example'],
  ['https://registry.example', '.registry.example'],
  ['https://a.registry.example', '*.registry.example'],
  ['https://Registry.Example', 'REGISTRY.EXAMPLE'],
  ['https://registry.example.', 'registry.example'],
  ['https://registry.example', 'registry.example:443'],
  ['http://registry.example', 'registry.example:80'],
  ['https://registry.example:8443', 'registry.example:8443'],
  ['https://10.1.2.3', '10.1.2.3'],
  ['https://10.1.2.3:8081', '10.0.0.0/8'],
  ['https://[fd00::1:2]', 'fd00::/8'],
  ['https://[fd00::1]', '[fd00::1]'],
  ['https://[fd00::1]:8443', '[fd00:0::1]:8443'],
  ['https://[fd00::1]', 'fd00:0:0::1'],
])('%s is reached directly with NO_PROXY %s', (url, entry) => {
  expect(through(url, ['elsewhere.example', entry])).toBeNull();
});

test.each([
  ['https://registry.example', 'example.registry'],
  ['https://myregistry.example', 'registry.example'],
  ['https://registry.example', 'a.registry.example'],
  ['https://registry.example', 'registry.example:8443'],
  ['https://registry.example', '.'],
  ['https://11.1.2.3', '10.0.0.0/8'],
  ['https://10.1.2.3', '10.0.0.0/33'],
  ['https://10.1.2.3', '10.0.0.0/x'],
  ['https://10.1.2.3', 'fd00::/8'],
  ['https://registry.example', '0.0.0.0/0'],
])('%s goes through the proxy with NO_PROXY %s', (url, entry) => {
  expect(through(url, [entry])).toBe('http://office:3128');
});
