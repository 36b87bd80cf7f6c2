import { ConfigError, TransientError } from '../../src/errors';
import { createRegistry, type Registry, type RegistrySettings, type Subject } from '../../src/sinks/registry';
import { type Authority, createAuthority } from '../support/certificates';
import { hang, hangUp, html, type HttpServer, json, raw, type Reaction, startHttpServer } from '../support/http-server';

const SCHEMA = '{ "type": "record", "name": "A", "fields": [ { "name": "id", "type": "long" } ] }';
const KEY: Subject = { name: 'infakt.a-key', schemaText: '"long"' };
const VALUE: Subject = { name: 'infakt.a-value', schemaText: SCHEMA };

const noSubject = json(404, { error_code: 40401, message: "Subject 'infakt.a-value' not found." });
const noVersion = json(404, { error_code: 40403, message: 'Schema not found' });
const noRule = json(404, { error_code: 40408, message: "Subject 'infakt.a-value' does not have compatibility set" });
const found = json(200, { subject: 'infakt.a-value', version: 1, id: 7, schema: SCHEMA });
const compatible = json(200, { is_compatible: true, messages: [] });
const unavailable = json(503, { error_code: 50003, message: 'Error while forwarding the request' });
const rule = (level: string): Reaction => json(200, { compatibilityLevel: level });

interface Asked {
  /** Method and path. */
  readonly what: string;
  readonly query: string;
  readonly body: unknown;
}

let server: HttpServer;
let asked: Asked[] = [];
let notes: string[] = [];
let opened: Registry[] = [];

beforeEach(async () => {
  server = await startHttpServer();
  asked = [];
  notes = [];
});

afterEach(async () => {
  for (const registry of opened) registry.close();
  opened = [];
  await server.close();
});

function open(settings: Partial<RegistrySettings> = {}): Registry {
  const registry = createRegistry({
    settings: {
      url: `${server.url}/sr`,
      auth: null,
      ca: null,
      autoRegister: false,
      compatibility: 'BACKWARD_TRANSITIVE',
      timeoutMs: 5_000,
      ...settings,
    },
    userAgent: 'infakt-kafka/test',
    onNote: (note) => notes.push(note),
  });
  opened.push(registry);
  return registry;
}

/** Lets the server play a registry: by method and path, one answer after the other, the last one for ever. */
function play(answers: Readonly<Record<string, Reaction | readonly [Reaction, ...Reaction[]]>>): void {
  const given = new Map<string, number>();
  server.react((request, response) => {
    const url = new URL(request.url ?? '', server.url);
    const what = `${request.method ?? ''} ${url.pathname.replace(/^\/sr\//, '')}`;
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (text += part));
    request.on('end', () => {
      asked.push({ what, query: url.search, body: text === '' ? undefined : JSON.parse(text) });
      const times = given.get(what) ?? 0;
      given.set(what, times + 1);
      const script = answers[what] ?? json(404, { error_code: 404, message: 'HTTP 404 Not Found' });
      const reaction = typeof script === 'function' ? script : (script[times] ?? script.at(-1));
      reaction?.(request, response);
    });
  });
}

async function failureOf(promise: Promise<unknown>): Promise<ConfigError | TransientError> {
  const error: unknown = await promise.then(
    () => new Error('expected a failure, got an answer'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError || error instanceof TransientError)) throw error;
  return error;
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await failureOf(promise);
  expect(error).toBeInstanceOf(ConfigError);
  return error.message.replaceAll(server.url, 'http://registry');
}

const whatWasAsked = () => asked.map(({ what }) => what);

describe('looking up', () => {
  test('asks for the original text, normalised, and changes nothing', async () => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE') });
    expect(await open().resolve([VALUE])).toEqual(new Map([['infakt.a-value', 7]]));
    expect(asked).toEqual([
      { what: 'POST subjects/infakt.a-value', query: '?normalize=true', body: { schema: SCHEMA } },
      { what: 'GET config/infakt.a-value', query: '', body: undefined },
    ]);
    expect(server.requests[0]?.headers).toMatchObject({
      'content-type': 'application/vnd.schemaregistry.v1+json',
      'user-agent': 'infakt-kafka/test',
    });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    expect(notes).toEqual([]);
  });

  test('names every subject that is missing in one error', async () => {
    play({
      'POST subjects/infakt.a-key': noSubject,
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('FULL'),
      'POST compatibility/subjects/infakt.a-value/versions': compatible,
    });
    expect(await refusalOf(open().resolve([KEY, VALUE]))).toBe(
      [
        'cannot use 2 of 2 subjects of the schema registry at http://registry/sr:',
        'subject infakt.a-key: expected it to be there, got no such subject; register it, or set registry.autoRegister',
        'subject infakt.a-value: expected this schema to be there, got others (compatible ones); register it, or set registry.autoRegister',
      ].join('\n'),
    );
  });

  test('asks once for what several ask for at a time, and never again for what is known', async () => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE') });
    const registry = open();
    const [one, other] = await Promise.all([registry.resolve([VALUE]), registry.resolve([VALUE])]);
    expect([one, other, await registry.resolve([VALUE])]).toEqual([one, one, one]);
    expect(asked).toHaveLength(2);
  });

  test('asks again for what failed', async () => {
    play({
      'POST subjects/infakt.a-value': [noSubject, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
    });
    const registry = open();
    await refusalOf(registry.resolve([VALUE]));
    expect((await registry.resolve([VALUE])).get('infakt.a-value')).toBe(7);
  });

  test.each([
    [
      'a rule of its own',
      { own: rule('FULL'), all: rule('NONE') },
      /got FULL \(the subject's own rule\), which is left/,
    ],
    [
      'the rule for all',
      { own: noRule, all: rule('BACKWARD') },
      /got BACKWARD \(the rule for all subjects\), which is/,
    ],
    ['no rule', { own: noRule, all: rule('NONE') }, /got NONE \(the rule for all subjects\).*keeps an incompatible/],
    ['a rule that is not told', { own: noRule, all: html(403) }, /got none, which is left alone; nothing keeps/],
  ])('leaves a subject with %s alone, and says so', async (_title, { own, all }, note) => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': own, 'GET config': all });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes).toEqual([expect.stringMatching(note)]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });
});

test('says what is to be known once, however often it is tried', async () => {
  play({
    'POST subjects/infakt.a-value': noVersion,
    'GET config/infakt.a-value': rule('FULL'),
    'POST compatibility/subjects/infakt.a-value/versions': compatible,
    'POST subjects/infakt.a-key': json(403, {}),
  });
  const registry = open({ autoRegister: true });
  await refusalOf(registry.resolve([VALUE, KEY]));
  await refusalOf(registry.resolve([VALUE, KEY]));
  expect(notes).toHaveLength(1);
});

describe('registering', () => {
  const registration = 'POST subjects/infakt.a-value/versions';

  test('gives a new subject its rule before its first schema', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': [noRule, rule('FULL')],
      'PUT config/infakt.a-value': json(200, { compatibility: 'FULL' }),
      [registration]: json(200, { id: 8 }),
    });
    const ids = await open({ autoRegister: true, compatibility: 'FULL' }).resolve([VALUE]);
    expect(ids.get('infakt.a-value')).toBe(8);
    expect(asked.slice(2, 4)).toEqual([
      { what: 'PUT config/infakt.a-value', query: '', body: { compatibility: 'FULL' } },
      { what: registration, query: '?normalize=true', body: { schema: SCHEMA } },
    ]);
    expect(asked).toHaveLength(5);
  });

  test('gives it once more where the registry forgot it', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': [noSubject, rule('NONE')],
      'PUT config/infakt.a-value': [json(404, {}), json(200, {})],
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toHaveLength(2);
    expect(notes).toEqual([]);
  });

  test('goes on without the rule, and says so, where it may not be set', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': noRule,
      'PUT config/infakt.a-value': json(403, { error_code: 40301, message: 'not authorized' }),
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes).toEqual([expect.stringMatching(/BACKWARD_TRANSITIVE .* to be set, got 403 with not authorized$/)]);
  });

  test('leaves a rule that is there before the first schema alone', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': rule('FORWARD'),
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes).toEqual([expect.stringMatching(/got FORWARD \(the subject's own rule\), which is left alone/)]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });

  test.each([
    ['every version', 'POST compatibility/subjects/infakt.a-value/versions'],
    [
      'the latest version, which is all that older registries can',
      'POST compatibility/subjects/infakt.a-value/versions/latest',
    ],
  ])('compares a new version with %s, and names the rule and what differs', async (_title, comparison) => {
    const difference =
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'm' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'m'}";
    play({
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('BACKWARD'),
      [comparison]: json(200, {
        is_compatible: false,
        messages: [difference, '{oldSchemaVersion: 1}', `{oldSchema: '${SCHEMA}'}`],
      }),
    });
    const message = await refusalOf(open({ autoRegister: true }).resolve([VALUE]));
    expect(message.split('\n')[1]).toBe(
      `subject infakt.a-value: expected a schema that is compatible with those registered, by BACKWARD, the subject's own rule, got: ${difference}; {oldSchemaVersion: 1}`,
    );
    expect(asked.at(-1)).toMatchObject({ query: '?verbose=true', body: { schema: SCHEMA } });
    expect(whatWasAsked()).not.toContain(registration);
  });

  test('registers a version that is compatible', async () => {
    play({
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
      'POST compatibility/subjects/infakt.a-value/versions': compatible,
      [registration]: json(200, { id: 9, version: 2 }),
    });
    expect((await open({ autoRegister: true }).resolve([VALUE])).get('infakt.a-value')).toBe(9);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });

  test('takes the id of another writer that was faster', async () => {
    play({
      'POST subjects/infakt.a-value': [noSubject, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
      [registration]: json(409, { error_code: 409, message: 'already exists' }),
    });
    expect((await open({ autoRegister: true }).resolve([VALUE])).get('infakt.a-value')).toBe(7);
  });

  test.each([
    [
      409,
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "infakt.a-value", details: [{errorType:'TYPE_MISMATCH'}, {oldSchemaVersion: 4}, {oldSchema: '${SCHEMA}'}]`,
      `got 409 with Schema being registered is incompatible with an earlier schema for subject "infakt.a-value", details: [{errorType:'TYPE_MISMATCH'}, {oldSchemaVersion: 4}`,
    ],
    [422, 42201, 'Invalid schema', 'got 422 with Invalid schema'],
    [403, 40301, 'not authorized', 'got 403 with not authorized'],
  ])(
    'a registration that is answered with %i is refused in the words of the registry',
    async (status, code, message, got) => {
      play({
        'POST subjects/infakt.a-value': noSubject,
        'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
        [registration]: json(status, { error_code: code, message }),
      });
      const right = status === 403 ? 'the right ' : '';
      expect((await refusalOf(open({ autoRegister: true }).resolve([VALUE]))).split('\n').slice(1)).toEqual([
        `subject infakt.a-value: expected ${right}to be registered, ${got}`,
      ]);
    },
  );

  test('registers nothing where another subject is refused', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'POST subjects/infakt.a-key': json(422, { error_code: 42201, message: 'Invalid schema' }),
    });
    expect(await refusalOf(open({ autoRegister: true }).resolve([VALUE, KEY]))).toMatch(/1 of 2 subjects/);
    expect(whatWasAsked()).toEqual(['POST subjects/infakt.a-value', 'POST subjects/infakt.a-key']);
  });
});

test('examining tells of each subject and changes nothing', async () => {
  const other: Subject = { name: 'infakt.b-value', schemaText: SCHEMA };
  play({
    'POST subjects/infakt.a-key': noSubject,
    'POST subjects/infakt.a-value': found,
    'GET config/infakt.a-value': rule('NONE'),
    'POST subjects/infakt.b-value': json(403, {}),
  });
  expect(await open({ autoRegister: true }).examine([KEY, VALUE, other])).toEqual([
    { subject: 'infakt.a-key', notes: [], state: 'to-be-registered' },
    { subject: 'infakt.a-value', notes: [expect.stringMatching(/got NONE/)], state: 'registered', id: 7 },
    {
      subject: 'infakt.b-value',
      notes: [],
      state: 'refused',
      reason: 'expected the right to be looked up, got 403 with 2 characters of application/json',
    },
  ]);
  expect(whatWasAsked()).toHaveLength(4);
  expect(notes).toEqual([]);
});

describe('the schema of an id', () => {
  test('is read once', async () => {
    play({ 'GET schemas/ids/7': json(200, { schema: SCHEMA }) });
    const registry = open();
    expect(await Promise.all([registry.schema(7), registry.schema(7)])).toEqual([SCHEMA, SCHEMA]);
    expect(asked).toHaveLength(1);
  });

  test('is an error where there is none, and asked for again', async () => {
    play({
      'GET schemas/ids/7': [
        json(404, { error_code: 40403, message: 'Schema 7 not found' }),
        json(200, { schema: SCHEMA }),
      ],
    });
    const registry = open();
    expect(await refusalOf(registry.schema(7))).toBe(
      'GET http://registry/sr/schemas/ids/7 expected a schema, got 404 with Schema 7 not found',
    );
    expect(await registry.schema(7)).toBe(SCHEMA);
  });
});

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
    expect(asked).toHaveLength(1);
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
    expect(asked).toHaveLength(4);
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
    expect(asked.length).toBeLessThan(4);
  });

  test('is given up at once when it wants more time than there is', async () => {
    play({ 'POST subjects/infakt.a-value': json(429, {}, { 'retry-after': '3600' }) });
    const began = performance.now();
    const error = await failureOf(open().resolve([VALUE]));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 300_000 });
    expect(asked).toHaveLength(1);
  });

  test('is let go of when the client is closed', async () => {
    play({ 'POST subjects/infakt.a-value': hang });
    const registry = open();
    const failure = failureOf(registry.resolve([VALUE]));
    const seen = await server.request(1);
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
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([header, header]);
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
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['password', basic],
    ['token', bearer],
  ])('I11: a registry that repeats the %s does not bring it into a message', async (_title, auth) => {
    for (const status of [401, 403, 409, 422, 500]) {
      server.react((request, response) => {
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
