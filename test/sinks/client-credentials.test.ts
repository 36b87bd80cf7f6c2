import { ConfigError, TransientError } from '../../src/errors';
import type { BearerToken } from '../../src/sinks/bearer-token';
import { type ClientCredentials, fetchClientToken } from '../../src/sinks/client-credentials';
import { createAuthority } from '../support/certificates';
import { hangUp, html, type HttpServer, json, startHttpServer } from '../support/http-server';

const SECRET = 's3cret/of:the client';
const NOW = 1_700_000_000_000;
let server: HttpServer;
let bodies: string[];

beforeEach(async () => {
  server = await startHttpServer();
  bodies = [];
});

afterEach(() => server.close());

function ask(settings: Partial<ClientCredentials> = {}): Promise<BearerToken> {
  const proxies = { https: null, http: null, except: [] };
  const credentials = { clientId: 'books', clientSecret: SECRET, scope: null, proxies, userAgent: 'infakt-kafka' };
  return fetchClientToken({ tokenUrl: `${server.url}/token`, ...credentials, ...settings }, () => NOW);
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => new Error('expected a failure, got a token'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(String(error));
  const base64 = Buffer.from(`books:${encodeURIComponent(SECRET)}`).toString('base64');
  const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
  expect([SECRET, base64, 'Ala ma kota'].filter((secret) => shown.includes(secret))).toEqual([]);
  return error;
}

test('asks by the grant of client credentials, with both in the header as a form has them', async () => {
  server.react((request, response) => {
    request.setEncoding('utf8').on('data', (part: string) => bodies.push(part));
    request.on('end', () => json(200, { access_token: 'abc.def', expires_in: 300 })(request, response));
  });
  expect(await ask()).toEqual({ value: 'abc.def', endsAt: NOW + 300_000 });
  expect(await ask({ scope: 'https://kafka.example/.default' })).toMatchObject({ value: 'abc.def' });
  expect(bodies).toEqual([
    'grant_type=client_credentials',
    'grant_type=client_credentials&scope=https%3A%2F%2Fkafka.example%2F.default',
  ]);
  const { authorization = '' } = server.requests[0]?.headers ?? {};
  const [id, secret] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':');
  expect([id, new URLSearchParams(`x=${secret ?? ''}`).get('x')]).toEqual(['books', SECRET]);
});

test.each([[undefined], ['soon'], [-5]])(
  'a token that is good for %p is good for no second sign-in',
  async (seconds) => {
    server.react(json(200, { access_token: 'abc', expires_in: seconds }));
    expect(await ask()).toEqual({ value: 'abc', endsAt: NOW });
  },
);

test.each([
  [400, { error: 'invalid_scope', error_description: 'Ala ma kota' }, 'got 400 with invalid_scope'],
  [401, { error: 'invalid_client' }, 'got 401 with invalid_client'],
  [401, { error: 'Ala ma kota' }, 'got 401'],
  [403, 'no', 'got 403'],
])('%i is a setting that may be set right meanwhile (%p)', async (status, body, got) => {
  server.react(json(status, body));
  const error = await failureOf(ask());
  expect(error).toBeInstanceOf(ConfigError);
  expect(error).toMatchObject({ mayPass: true });
  expect(error.message).toBe(
    `POST ${server.url}/token (kafka.sasl.tokenUrl) expected a token, ${got}; see to kafka.sasl.clientId, its secret and kafka.sasl.scope`,
  );
});

test.each([
  ['a web page', html(200, 'Ala ma kota')],
  ['JSON without a token', json(200, { id_token: 'Ala ma kota' })],
  ['a token that no header can hold', json(200, { access_token: 'Ala ma kota' })],
  ['a redirect', json(302, {}, { location: 'https://elsewhere.example' })],
])('%s is no token, and I11: shown by its shape alone', async (_title, reaction) => {
  server.react(reaction);
  const error = await failureOf(ask());
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(/expected JSON with an access_token, got \d+ with \d+ characters of [a-z/]+$/);
});

test.each([
  ['503', json(503, {})],
  ['429', json(429, {})],
  ['a connection that is closed', hangUp],
])('%s may pass', async (_title, reaction) => {
  server.react(reaction);
  expect(await failureOf(ask())).toBeInstanceOf(TransientError);
});

test('a certificate that nobody trusted has signed is a setting that may be set right meanwhile', async () => {
  const authority = await createAuthority();
  const secure = await startHttpServer(await authority.sign('IP:127.0.0.1'));
  try {
    const error = await failureOf(ask({ tokenUrl: `${secure.url}/token` }));
    expect(error).toMatchObject({ code: 'CONFIG', mayPass: true });
    expect(error.message).toMatch(/NODE_EXTRA_CA_CERTS/);
  } finally {
    await secure.close();
    authority.remove();
  }
});
