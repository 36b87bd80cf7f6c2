import type { Findings } from '../../config/findings';
import { loadProxies } from '../../config/proxies';

function load(env: Readonly<Record<string, string>>) {
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  return { proxies: loadProxies(env, findings), ...findings, secrets: [...findings.secrets] };
}

test('no variable, or an empty one, is no proxy', () => {
  const none = { https: null, http: null, except: [] };
  expect(load({})).toMatchObject({ proxies: none, faults: [] });
  expect(load({ HTTPS_PROXY: ' ', NO_PROXY: ' , ' })).toMatchObject({ proxies: none, faults: [] });
});

test('the variables in upper and in lower case are read, those in lower case first', () => {
  const env = { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2', HTTP_PROXY: 'https://c', no_proxy: 'x, y  z' };
  expect(load(env).proxies).toEqual({ https: 'http://b:2/', http: 'https://c/', except: ['x', 'y', 'z'] });
});

test('a proxy without a scheme is spoken to over http', () => {
  expect(load({ HTTPS_PROXY: 'office:3128' }).proxies.https).toBe('http://office:3128/');
  expect(load({ HTTPS_PROXY: 'jan:pass@office:3128' }).proxies.https).toBe('http://jan:pass@office:3128/');
});

test('I11: the password is a secret in each spelling in which it may turn up', () => {
  const { secrets } = load({ HTTPS_PROXY: 'http://jan:p%40ss@office:3128' });
  expect(secrets).toEqual(
    expect.arrayContaining(['p@ss', 'p%40ss', 'jan:p@ss', Buffer.from('jan:p@ss').toString('base64')]),
  );
  expect(load({ HTTPS_PROXY: 'http://office:3128' }).secrets).toEqual([]);
});

test.each([
  'socks5://office:1080',
  'http://',
  'http://jan:p%ss@office',
  'http://office/path',
  'http://a b',
  'http://o?x',
])('I11: %s is a fault that names the variable and shows none of it', (text) => {
  const { faults, proxies } = load({ HTTPS_PROXY: text });
  expect(proxies.https).toBeNull();
  expect(faults).toEqual([
    {
      file: 'the environment',
      key: 'HTTPS_PROXY',
      expected: 'a proxy as http://host:port or http://user:password@host:port',
      got: { words: 'a value that is not shown' },
    },
  ]);
});
