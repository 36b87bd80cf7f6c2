import { ConfigError, TransientError } from '../../src/errors';
import { type Authority, createAuthority } from '../support/certificates';
import { hang, hangUp, html, json, raw, startHttpServer } from '../support/http-server';
import { found, KEY, rule, unavailable, VALUE, playedRegistry } from '../support/played-registry';

const { asked, failureOf, open, play, refusalOf, server } = playedRegistry();

describe('what is no registry', () => {
  test.each([
    ['a web page', html(200), 'got 200 with 33 characters of text/html'],
    ['a web page that was not found', html(404), 'got 404 with 33 characters of text/html'],
    ['another API', json(404, { error_code: 404, message: 'HTTP 404 Not Found' }), 'got 404 with HTTP 404 Not Found'],
    [
      'a redirect',
      json(307, { id: 7 }, { location: 'https://elsewhere.example/' }),
      'got 307 with 8 characters of application/json',
    ],
    ['JSON without an id', json(200, { name: 'x' }), 'got 200 with 12 characters of application/json'],
    ['an empty answer', raw(204, ''), 'got 204 with 0 characters of no content type'],
    ['a refused question', html(400), 'got 400 with 33 characters of text/html'],
  ])('%s is named with its address, once', async (_title, answer, got) => {
    play({ 'POST subjects/infakt.a-key': answer });
    expect(await refusalOf(open().resolve([KEY, VALUE]))).toBe(
      `POST http://registry/sr/subjects/infakt.a-key expected the answer of a schema registry at registry.url, ${got}`,
    );
    expect(asked()).toHaveLength(1);
  });
});

describe('a registry that is not well', () => {
  test.each([
    ['answers 503', unavailable],
    ['answers 429', json(429, {}, { 'retry-after': '0' })],
    ['closes the connection', hangUp],
  ])('is asked again when it %s', async (_title, reaction) => {
    play({
      'POST subjects/infakt.a-value': [reaction, reaction, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
    });
    expect((await open().resolve([VALUE])).get('infakt.a-value')).toBe(7);
    expect(asked()).toHaveLength(4);
  });

  test('gets another try when it hangs', async () => {
    play({
      'POST subjects/infakt.a-value': [hang, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
    });
    expect((await open({ timeoutMs: 1_000 }).resolve([VALUE])).get('infakt.a-value')).toBe(7);
  });

  test.each([
    ['hangs', hang, /expected a whole answer in 150 ms, got a time-out$/],
    ['answers 503', unavailable, /expected an answer, got 503 with Error while forwarding the request$/],
    ['has a web page for 502', html(502), /expected an answer, got 502 with 33 characters of text\/html$/],
    ['asks to be asked at once', json(429, {}, { 'retry-after': '0' }), /expected an answer, got 429 with/],
  ])('is given up in time when it always %s', async (_title, reaction, message) => {
    play({ 'POST subjects/infakt.a-value': reaction });
    const began = performance.now();
    const error = await failureOf(open({ timeoutMs: 300 }).resolve([VALUE]));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toMatch(message);
    expect(error).not.toHaveProperty('retryAfterMs', expect.anything());
    expect(asked().length).toBeLessThan(4);
  });

  test('is given up at once when it wants more time than there is', async () => {
    play({ 'POST subjects/infakt.a-value': json(429, {}, { 'retry-after': '3600' }) });
    const began = performance.now();
    const error = await failureOf(open().resolve([VALUE]));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 300_000 });
    expect(asked()).toHaveLength(1);
  });

  test('is let go of when the client is closed', async () => {
    play({ 'POST subjects/infakt.a-value': hang });
    const registry = open();
    const failure = failureOf(registry.resolve([VALUE]));
    const seen = await server().request(1);
    registry.close();
    expect(await failure).toBeInstanceOf(TransientError);
    await seen.closed;
  });
});

describe('signing in', () => {
  const basic = { username: 'books', password: 's3cret:ź' };
  const bearer = { token: 's3cret-token' };

  test.each([
    ['user name and password', basic, `Basic ${Buffer.from('books:s3cret:ź').toString('base64')}`],
    ['a token', bearer, 'Bearer s3cret-token'],
  ])('by %s', async (_title, auth, header) => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE') });
    await open({ auth }).resolve([VALUE]);
    expect(server().requests.map(({ headers }) => headers.authorization)).toEqual([header, header]);
  });

  test.each([
    [null, 'expected no sign-in (or set registry.username and its password, or registry.token), got 401'],
    [basic, 'expected registry.username and registry.password to be accepted, got 401'],
    [bearer, 'expected registry.token to be accepted, got 401'],
  ])('that is refused names the setting', async (auth, message) => {
    play({ 'POST subjects/infakt.a-key': json(401, { error_code: 401, message: 'Unauthorized' }) });
    expect(await refusalOf(open({ auth }).resolve([KEY, VALUE]))).toBe(
      `POST http://registry/sr/subjects/infakt.a-key ${message}`,
    );
    expect(asked()).toHaveLength(1);
  });

  test.each([
    ['password', basic],
    ['token', bearer],
  ])('I11: a registry that repeats the %s does not bring it into a message', async (_title, auth) => {
    for (const status of [401, 403, 409, 422, 500]) {
      server().react((request, response) => {
        const said = `no entry for ${request.headers.authorization ?? ''} ${'token' in auth ? auth.token : auth.password}`;
        json(status, { error_code: status, message: said })(request, response);
      });
      const error = await failureOf(open({ auth, timeoutMs: 50 }).resolve([VALUE]));
      const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
      expect(shown).not.toMatch(/s3cret/);
      expect(shown).not.toContain(Buffer.from('books:s3cret:ź').toString('base64'));
    }
  });
});

describe('TLS', () => {
  let authority: Authority;
  let stranger: Authority;

  beforeAll(async () => {
    [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  });

  afterAll(() => {
    authority.remove();
    stranger.remove();
  });

  test.each([
    ['is trusted when an authority of registry.caFile signed it', 'IP:127.0.0.1', 'now', 'own', undefined],
    [
      'is refused when another authority signed it',
      'IP:127.0.0.1',
      'now',
      'other',
      /signed by registry.caFile, got UNABLE_TO_/,
    ],
    [
      'is refused when Node.js does not trust its authority',
      'IP:127.0.0.1',
      'now',
      'none',
      /\(or set registry.caFile\), got /,
    ],
    ['is refused when it expired', 'IP:127.0.0.1', 'over', 'own', /a valid certificate .* got CERT_HAS_EXPIRED$/],
    [
      'is refused when it is of another host',
      'DNS:registry.example',
      'now',
      'own',
      /for 127.0.0.1, .* got ERR_TLS_CERT_ALTNAME/,
    ],
  ] as const)('a certificate %s', async (_title, host, period, trust, message) => {
    const secure = await startHttpServer(await authority.sign(host, period));
    try {
      secure.react(found, rule('BACKWARD_TRANSITIVE'));
      const ca = { own: authority.ca, other: stranger.ca, none: null }[trust];
      const resolved = open({ url: secure.url, ca, auth: { token: 's3cret' } }).resolve([VALUE]);
      if (message === undefined) {
        expect((await resolved).get('infakt.a-value')).toBe(7);
      } else {
        const error = await failureOf(resolved);
        expect(error).toBeInstanceOf(ConfigError);
        expect(error.message).toMatch(message);
        expect(secure.requests).toHaveLength(0);
      }
    } finally {
      await secure.close();
    }
  });
});
