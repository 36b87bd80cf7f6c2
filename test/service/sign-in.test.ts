import { signInOf, signInText } from '../../src/service/sign-in';
import { json, startHttpServer } from '../support/http-server';

const proxies = { https: null, http: null, except: [] };
const client = { clientId: 'books', clientSecret: 'loaded', clientSecretFile: '/run/secret', scope: null };

test('a password is that of its file at each sign-in', () => {
  let held = 'first';
  const signIn = signInOf(
    { mechanism: 'scram-sha-256', username: 'x', password: 'loaded', passwordFile: '/run/password' },
    { secrets: { latest: (kind, file, loaded) => `${kind} ${file} ${loaded} ${held}` }, proxies },
  );
  if (!('password' in signIn)) throw new Error('expected a password, got a token');
  expect(signIn.password()).toBe('password /run/password loaded first');
  held = 'second';
  expect(signIn.password()).toBe('password /run/password loaded second');
});

test('a token is asked for with what the file of the secret holds then, and kept', async () => {
  const server = await startHttpServer();
  server.react(json(200, { access_token: 'abc', expires_in: 300 }));
  try {
    const signIn = signInOf(
      { mechanism: 'oauthbearer', tokenUrl: `${server.url}/token`, ...client },
      { secrets: { latest: () => 'of-the-file' }, proxies },
    );
    if (!('token' in signIn)) throw new Error('expected a token, got a password');
    expect([await signIn.token(), await signIn.token()]).toEqual(['abc', 'abc']);
    expect(server.requests).toHaveLength(1);
    const basic = Buffer.from('books:of-the-file').toString('base64');
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: `Basic ${basic}`,
      'user-agent': 'infakt-kafka',
    });
  } finally {
    await server.close();
  }
});

test('a token for Amazon MSK goes by OAUTHBEARER', () => {
  const secrets = { latest: () => '' };
  expect(signInOf({ mechanism: 'aws-msk-iam', region: 'eu-central-1' }, { secrets, proxies })).toMatchObject({
    mechanism: 'oauthbearer',
  });
});

test.each([
  [{ mechanism: 'plain', username: 'x', password: 'p', passwordFile: null }, 'signing in as x by plain'],
  [{ mechanism: 'oauthbearer', tokenUrl: 'https://t', ...client }, 'signing in as books by oauthbearer'],
  [{ mechanism: 'aws-msk-iam', region: 'eu-west-1' }, 'signing in by aws-msk-iam in eu-west-1'],
] as const)('I11: messages say how, without a secret (%#)', (sasl, text) => {
  expect(signInText(sasl)).toBe(text);
});
