import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';

import type { ISocketFactory } from 'kafkajs';

import { type Simulator, startSimulator } from '../../simulator/server';
import { createKafka } from '../../src/sinks/client';
import { openWriter } from '../../src/sinks/writer';
import { html, type HttpServer, json, type Reaction, startHttpServer } from '../support/http-server';
import { createTopic } from '../support/kafka';
import { type RunResult, testService, type TestService } from '../support/once';
import { startRun } from '../support/run';
import { type Right, type SecureKafka, startSecureKafka, USER } from '../support/secure-kafka';

let kafka: SecureKafka;
let simulator: Simulator;

beforeAll(async () => {
  kafka = await startSecureKafka();
  simulator = await startSimulator({
    entities: [{ key: 'key-a', name: 'Alfa', nip: '1111111111', clients: 3, invoices: 5, seed: 1 }],
  });
}, 300_000);
afterAll(async () => {
  await kafka.stop();
  await simulator.stop();
});

type Section = Readonly<Record<string, unknown>>;

/** A service that reads one company over the secure broker. */
function serviceOf(kafkaSection: Section): TestService {
  const entities = { alfa: { api_key: 'key-a', nip: '1111111111', streams: ['clients', 'invoices'] } };
  const service = { kafka: kafkaSection, schedule: { sweepSeconds: 1 }, log: { level: 'debug' } };
  return testService({ url: simulator.url, entities, service, projections: ['ksef'] });
}

function over(
  listener: keyof SecureKafka['listeners'],
  more: Section = {},
  files: Section = { caFile: 'ca.pem' },
): Section {
  const ssl = Object.fromEntries(Object.entries(files).map(([key, name]) => [key, join(kafka.folder, String(name))]));
  return { brokers: [kafka.listeners[listener]], ssl: { enabled: true, ...ssl }, ...more };
}

function signIn(mechanism: string, password = kafka.password): Section {
  return { sasl: { mechanism, username: USER, password } };
}

const TABLE_ROW = /^\| (Topic|TransactionalId|Group) +\| (literal|prefixed) +\| (.+?) +\| (.+?) +\|$/gm;
const resources = { Topic: 'TOPIC', TransactionalId: 'TRANSACTIONAL_ID', Group: 'GROUP' } as const;
const operations = { Read: 'READ', Write: 'WRITE', DescribeConfigs: 'DESCRIBE_CONFIGS' } as const;

/** The least that the service needs where its topics exist: what the table in docs/security.md says and no more. */
function rightsOf({ prefix }: TestService): Right[] {
  const text = readFileSync(join(__dirname, '../../docs/security.md'), 'utf8');
  return [...text.matchAll(TABLE_ROW)].flatMap(([, resource = '', pattern, names = '', allowed = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name = '']) =>
      allowed.split(', ').map((operation): Right => ({
        operation: operations[operation as keyof typeof operations],
        resource: resources[resource as keyof typeof resources],
        name: name.replace(/<prefix>|<id>/, prefix),
        prefixed: pattern === 'prefixed',
      })),
    ),
  );
}

function editInvoice(notes: string): void {
  const [invoice = 0] = simulator.admin.truth()['key-a']?.invoices.ids ?? [];
  simulator.admin.edit('key-a', 'invoices', invoice, { notes });
}

function creationOf({ prefix }: TestService): Right {
  return { operation: 'CREATE', resource: 'TOPIC', name: `${prefix}.`, prefixed: true };
}

/** Messages with the service's own prefix as `infakt`, which all its names begin with. */
function wordsOf({ stderr, stdout }: Pick<RunResult, 'stderr' | 'stdout'>, { prefix }: TestService): string {
  const lines = `${stderr}${stdout}`.split('\n').filter((line) => !line.startsWith('{') && !/^(ok|\d)/.test(line));
  return lines.join('\n').trim().replaceAll(prefix, 'infakt');
}

const WRONG = 'n0t-the-passw0rd';

describe('a connection', () => {
  test('over TLS, with a client certificate, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 reads everything and publishes it', async () => {
    const client = { caFile: 'ca.pem', certFile: 'client.pem', keyFile: 'client.key' };
    const sections: readonly Section[] = [
      over('TLS'),
      over('MUTUAL', {}, client),
      over('SASL', signIn('plain')),
      over('SASL', signIn('scram-sha-256')),
      over('STRONG', signIn('scram-sha-512')),
    ];
    const results = await Promise.all(
      sections.map(async (section) => {
        const service = serviceOf(section);
        await kafka.allow([...rightsOf(service), creationOf(service)]);
        const result = await service.once();
        expect(result.stderr).not.toContain(kafka.password);
        return { code: result.code, complete: result.complete };
      }),
    );
    expect(results).toEqual(sections.map(() => ({ code: 0, complete: true })));
  });

  interface Refusal {
    readonly what: string;
    readonly section: () => Section;
    readonly code: 2 | 3;
    readonly says: RegExp;
  }
  const refusals: readonly Refusal[] = [
    {
      what: 'an authority that signed nothing here',
      section: () => over('TLS', {}, { caFile: 'other-ca.pem' }),
      code: 2,
      says: /^connecting to Kafka at \S+ over TLS: the broker's certificate is signed by no authority that is trusted; set kafka.ssl.caFile/,
    },
    {
      what: 'the authorities of Node.js alone',
      section: () => over('TLS', {}, {}),
      code: 2,
      says: /is signed by no authority that is trusted; set kafka.ssl.caFile to the authority's \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    },
    {
      what: 'an expired certificate of the broker',
      section: () => over('EXPIRED'),
      code: 2,
      says: /^connecting to Kafka at \S+ over TLS: the broker's certificate has expired; have it renewed \(CERT_HAS_EXPIRED\)$/,
    },
    {
      what: "another host's certificate",
      section: () => over('ELSEWHERE'),
      code: 2,
      says: /the broker's certificate is one for other names; .* \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    },
    {
      what: 'no client certificate',
      section: () => over('MUTUAL'),
      code: 2,
      says: /over TLS: the broker refuses the client certificate, or there is none; see to kafka.ssl.certFile and kafka.ssl.keyFile/,
    },
    {
      what: 'a client certificate of another authority',
      section: () => over('MUTUAL', {}, { caFile: 'ca.pem', certFile: 'other-ca.pem', keyFile: 'other-ca.key' }),
      code: 2,
      says: /over TLS with a client certificate: the broker refuses the client certificate, or there is none/,
    },
    {
      what: 'a key that is not of the client certificate',
      section: () => over('MUTUAL', {}, { caFile: 'ca.pem', certFile: 'client.pem', keyFile: 'other-ca.key' }),
      code: 2,
      says: /certificate, key or authorities cannot be used; see to the files of kafka.ssl, the key is to fit the certificate/,
    },
    {
      what: 'no TLS where TLS is expected',
      section: () => ({ brokers: [kafka.listeners.TLS] }),
      code: 2,
      says: /^connecting to Kafka at \S+: the broker speaks TLS at this port; set kafka.ssl.enabled/,
    },
    {
      what: 'TLS where none is expected',
      section: () => ({ brokers: [kafka.bootstrap], ssl: { enabled: true } }),
      code: 3,
      says: /over TLS: .* unless the broker is down or starting, it expects another way to connect: see to kafka.ssl and kafka.sasl$/,
    },
    {
      what: 'no sign-in where one is expected',
      section: () => over('SASL'),
      code: 3,
      says: /over TLS: .* unless the broker is down or starting, it expects another way to connect: see to kafka.ssl and kafka.sasl$/,
    },
    {
      what: 'a sign-in where none is expected',
      section: () => over('TLS', signIn('plain')),
      code: 2,
      says: /over TLS, signing in as books by plain: .* this port takes no sign-in: leave kafka.sasl out/,
    },
    {
      what: 'a wrong password by PLAIN',
      section: () => over('SASL', signIn('plain', WRONG)),
      code: 2,
      says: /signing in as books by plain: .*Invalid username or password; see to kafka.sasl.username and its password$/,
    },
    {
      what: 'a wrong password by SCRAM',
      section: () => over('SASL', signIn('scram-sha-256', WRONG)),
      code: 2,
      says: /signing in as books by scram-sha-256: .*invalid credentials.*; see to kafka.sasl.username and its password$/,
    },
    {
      what: 'a mechanism that the broker does not offer',
      section: () => over('STRONG', signIn('plain')),
      code: 2,
      says: /signing in as books by plain: .*set kafka.sasl.mechanism to one that the broker offers$/,
    },
  ];

  test('that the broker or we refuse ends soon, with what was tried and what to set right, and shows no secret', async () => {
    const results = await Promise.all(
      refusals.map(async ({ what, section }) => {
        const service = serviceOf(section());
        const began = performance.now();
        const result = await service.once();
        const shown = result.stderr + result.stdout;
        return {
          what,
          code: result.code,
          says: wordsOf(result, service),
          soon: performance.now() - began < 20_000,
          leaks: [kafka.password, WRONG, 'PRIVATE KEY', 'key-a'].filter((secret) => shown.includes(secret)),
        };
      }),
    );
    expect(results).toEqual(
      refusals.map(({ what, code, says }) => ({
        what,
        code,
        says: expect.stringMatching(says) as string,
        soon: true,
        leaks: [],
      })),
    );
  });
});

describe('a sign-in by tokens', () => {
  const CLIENT_SECRET = 's3cret-0f-the-client';
  let endpoint: HttpServer;
  let passed: string[];

  beforeEach(async () => {
    endpoint = await startHttpServer();
    passed = [];
  });
  afterEach(() => endpoint.close());

  /** Gives tokens that are good for so long, in which nobody but this broker would believe. */
  const giving =
    (seconds: number, subject = USER): Reaction =>
    (request, response) => {
      const now = Math.floor(Date.now() / 1_000);
      const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
      const token = `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + seconds })}.`;
      passed.push(token);
      json(200, { access_token: token, expires_in: seconds, token_type: 'Bearer' })(request, response);
    };

  const byToken = (more: Section = {}): Section => ({
    sasl: {
      mechanism: 'oauthbearer',
      tokenUrl: `${endpoint.url}/token`,
      clientId: 'books-client',
      clientSecret: CLIENT_SECRET,
      ...more,
    },
  });

  const leaks = (text: string): string[] => [CLIENT_SECRET, ...passed].filter((secret) => text.includes(secret));

  test('reads everything and publishes it, with one token for all connections', async () => {
    endpoint.react(giving(3_600));
    const service = serviceOf(over('OAUTH', byToken()));
    await kafka.allow([...rightsOf(service), creationOf(service)]);
    const result = await service.once();
    expect({ code: result.code, complete: result.complete, leaks: leaks(result.stderr) }).toEqual({
      code: 0,
      complete: true,
      leaks: [],
    });
    expect(endpoint.requests).toHaveLength(1);
  });

  test('goes on while `run` is at work: tokens are renewed before they end, and an endpoint that is down is waited for', async () => {
    // kafkajs signs in again ten seconds before a token ends.
    const good = giving(13);
    endpoint.react(good);
    const service = serviceOf(over('OAUTH', byToken()));
    await kafka.allow([...rightsOf(service), creationOf(service)]);
    const run = startRun(service);
    await run.sweeps('alfa');
    const renewed = endpoint.requests.length;
    await endpoint.request(renewed + 3);
    expect(run.count('kafka lost, retrying')).toBe(0);
    endpoint.react(json(503, {}));
    editInvoice('published with a later token');
    await run.says('kafka lost, retrying');
    endpoint.react(good);
    await run.says('kafka is back');
    await run.sweeps('alfa');
    const { code, stderr } = await run.stop();
    expect({ code, leaks: leaks(stderr) }).toEqual({ code: 0, leaks: [] });
  });

  const refusals: readonly (readonly [what: string, reaction: Reaction, code: 2 | 3, says: RegExp])[] = [
    [
      'an endpoint that does not know the client',
      json(401, { error: 'invalid_client' }),
      2,
      /signing in as books-client by oauthbearer: POST \S+\/token \(kafka.sasl.tokenUrl\) expected a token, got 401 with invalid_client; see to kafka.sasl.clientId, its secret/,
    ],
    [
      'a web page instead of a token',
      html(200),
      2,
      /expected JSON with an access_token, got 200 with 33 characters of text\/html$/,
    ],
    ['an endpoint that is down', json(503, {}), 3, /expected a token, got 503/],
    [
      'a token that has ended',
      giving(-60),
      2,
      /signing in as books-client by oauthbearer: the broker refuses the token: .*; see to what the listener of the broker expects of a token/,
    ],
  ];

  test.each(refusals)(
    'ends soon with %s, with what to set right, and shows no secret',
    async (_what, reaction, code, says) => {
      endpoint.react(reaction);
      const service = serviceOf(over('OAUTH', byToken()));
      const result = await service.once();
      expect({ code: result.code, says: wordsOf(result, service), leaks: leaks(result.stderr) }).toEqual({
        code,
        says: expect.stringMatching(says) as string,
        leaks: [],
      });
    },
  );

  test('of a user without rights misses the first of them', async () => {
    endpoint.react(giving(3_600, 'a-stranger'));
    const service = serviceOf(over('OAUTH', byToken()));
    expect(wordsOf(await service.once(), service)).toContain("; give the service's user");
  });
});

describe('of the rights that docs/security.md lists', () => {
  test('each is needed, and the service says which one is missing; Create is needed for topics that are not there', async () => {
    const service = serviceOf(over('SASL', signIn('plain')));
    const rights = rightsOf(service);
    await kafka.allow(rights);
    const creation =
      /; give the service's user Create on topic infakt.clients and .*topic infakt.state.*, or on the cluster/;
    expect(wordsOf(await service.once(), service)).toMatch(creation);
    expect(wordsOf(await service.command(['check']), service)).toMatch(creation);
    await kafka.allow([creationOf(service)]);
    expect(await service.command(['check'])).toMatchObject({ code: 0 });
    expect(await service.once()).toMatchObject({ code: 0, complete: true });

    await kafka.withdraw([creationOf(service)]);
    expect(await service.once()).toMatchObject({ code: 0, complete: true });
    expect(await service.command(['check'])).toMatchObject({ code: 0 });
    expect(await service.command(['state', 'show'])).toMatchObject({ code: 0 });

    /** What `run` alone needs, and goes on without; the right to write brings that to look, and so does the right to read. */
    const telemetry = ['READ TOPIC infakt.status', 'WRITE TOPIC infakt.status'];
    /** What only a write can show. */
    const unseen = new Set(['WRITE TOPIC infakt.state', 'WRITE TRANSACTIONAL_ID infakt.state-', ...telemetry]);
    /** What `once` does not need, once all topics are there. */
    const unused = new Set(['READ GROUP infakt.look.', ...telemetry]);
    for (const right of rights) {
      await kafka.withdraw([right]);
      const name = `${right.operation} ${right.resource} ${right.name.replaceAll(service.prefix, 'infakt')}`;
      const once = await service.once();
      const check = await service.command(['check']);
      await kafka.allow([right]);
      const says = saying(right, service);
      const expected = unused.has(name) ? { name, code: 0, says: '' } : { name, code: 2, says };
      expect({ name, code: once.code, says: wordsOf(once, service) }).toEqual(expected);
      expect({ name, code: check.code }).toEqual({ name, code: unseen.has(name) ? 0 : 2 });
      if (!unseen.has(name)) expect(wordsOf(check, service)).toEqual(says);
    }
  });

  test('none but Read on the topic and on groups is needed to peek, and Write is missed where Read alone is given', async () => {
    const service = serviceOf(over('SASL', signIn('plain')));
    await kafka.allow([...rightsOf(service), creationOf(service)]);
    expect(await service.once()).toMatchObject({ code: 0 });
    const peek = (): ReturnType<TestService['command']> => service.command(['peek', 'clients', '--limit', '1']);
    const read: Right = { operation: 'READ', resource: 'TOPIC', name: service.topic('clients') };
    expect(wordsOf(await peek(), service)).toEqual(saying(read, service));
    await kafka.allow([read]);
    await kafka.withdraw(rightsOf(service).filter(({ operation }) => operation !== 'READ'));
    expect(await peek()).toMatchObject({ code: 0 });

    await kafka.allow(rightsOf(service));
    const write: Right = { ...read, operation: 'WRITE' };
    await kafka.withdraw([write]);
    const [client = 0] = simulator.admin.truth()['key-a']?.clients.ids ?? [];
    simulator.admin.edit('key-a', 'clients', client, { phone_number: '+48 22 000 00 01' });
    editInvoice('edited');
    const once = await service.once();
    expect(once.code).toBe(2);
    expect(wordsOf(once, service)).toEqual(saying(write, service));
  });

  test('Write is missed by the name of the topic also where a transaction goes to several', async () => {
    const { client } = kafka;
    const [state, allowed, refused] = await Promise.all(['s', 'a', 'r'].map((name) => createTopic(name, { client })));
    const topics = [state, allowed, refused].map((name): Right => ({
      operation: 'READ',
      resource: 'TOPIC',
      name: name ?? '',
    }));
    await kafka.allow([
      ...topics,
      ...topics.slice(0, 2).map((right): Right => ({ ...right, operation: 'WRITE' })),
      { operation: 'WRITE', resource: 'TRANSACTIONAL_ID', name: state ?? '' },
    ]);
    const settings = {
      clientId: 'test',
      brokers: [kafka.listeners.SASL],
      ssl: { ca: () => readFileSync(join(kafka.folder, 'ca.pem'), 'utf8') },
      sasl: { mechanism: 'plain', username: USER, password: () => kafka.password },
    };
    const stateTopic = state ?? '';
    const writer = await openWriter(
      createKafka(settings, () => undefined),
      {
        transactionalId: stateTopic,
        stateTopic,
        partition: 0,
        maxBatchBytes: () => 1_000_000,
        deadlineMs: 20_000,
      },
    );
    const record = { partition: 0, key: null, value: Buffer.from('x'), headers: {} };
    const outcome = await writer.commit({
      state: [{ key: 'k', value: 'v' }],
      records: [allowed, refused].map((topic = '') => ({ ...record, topic })),
    });
    await writer.close();
    expect(outcome.kind === 'committed' ? outcome : outcome.error.message).toContain(
      `; give the service's user Write on topic ${refused ?? ''}, see docs/security.md`,
    );
  });

  test('one that is withdrawn while `run` is at work stops it until it is given again', async () => {
    const service = serviceOf(over('SASL', signIn('plain')));
    await kafka.allow([...rightsOf(service), creationOf(service)]);
    const writing = rightsOf(service).filter(({ resource }) => resource === 'TRANSACTIONAL_ID');
    const run = startRun(service);
    await run.sweeps('alfa');
    await kafka.withdraw(writing);
    await run.says('kafka lost, retrying');
    await kafka.allow(writing);
    await run.says('kafka is back');
    await run.sweeps('alfa');
    expect((await run.stop()).code).toBe(0);
  });
});

/** The end of the message that names a missing right. */
function saying({ operation, resource, name, prefixed }: Right, { prefix }: TestService): unknown {
  const verb = { READ: 'Read', WRITE: 'Write', CREATE: 'Create', DESCRIBE_CONFIGS: 'DescribeConfigs' }[operation];
  const thing = { TOPIC: 'topic', GROUP: 'group', TRANSACTIONAL_ID: 'transactional id' }[resource];
  const shown = name.replaceAll(prefix, 'infakt');
  const where = resource === 'GROUP' && prefixed === true ? `the groups that begin with ${shown}` : `${thing} ${shown}`;
  // The one that was asked for has its number behind that.
  const end = resource === 'TRANSACTIONAL_ID' ? '' : ', see docs/security.md';
  return expect.stringContaining(`; give the service's user ${verb} on ${where}${end}`);
}

describe('a secret that changes in its file while `run` is at work', () => {
  /** Connections as the service makes them, all of which can be cut at once. */
  function cuttable(): { readonly socketFactory: ISocketFactory; readonly cut: () => void } {
    const sockets = new Set<Socket>();
    return {
      socketFactory: ({ host, port, ssl, onConnect }) => {
        const socket = connect({ host, port, ...ssl }, onConnect);
        sockets.add(socket);
        return socket;
      },
      cut: () => {
        for (const socket of sockets) socket.destroy(new Error('cut by the test'));
        sockets.clear();
      },
    };
  }

  test('is used for the next connection: a SCRAM password, and the authority that is trusted', async () => {
    const passwordFile = join(kafka.folder, 'password');
    const caFile = join(kafka.folder, 'trusted.pem');
    writeFileSync(passwordFile, `${kafka.password}\n`);
    copyFileSync(join(kafka.folder, 'ca.pem'), caFile);
    const service = serviceOf(
      over('SASL', { sasl: { mechanism: 'scram-sha-256', username: USER, passwordFile } }, { caFile: 'trusted.pem' }),
    );
    await kafka.allow([...rightsOf(service), creationOf(service)]);
    const { socketFactory, cut } = cuttable();
    const run = startRun(service, { outside: { socketFactory } });
    await run.sweeps('alfa');

    const next = 'another-passw0rd';
    await kafka.setPassword(next);
    cut();
    editInvoice('signed in anew');
    await run.says('kafka lost, retrying');
    writeFileSync(passwordFile, `${next}\n`);
    await run.says('secret read again');
    await run.says('kafka is back');

    rmSync(passwordFile);
    cut();
    await run.says('attention');
    await run.sweeps('alfa');

    const lost = run.count('kafka lost, retrying');
    const back = run.count('kafka is back');
    copyFileSync(join(kafka.folder, 'other-ca.pem'), caFile);
    cut();
    editInvoice('trusted anew');
    await run.says('kafka lost, retrying', { before: lost });
    copyFileSync(join(kafka.folder, 'ca.pem'), caFile);
    await run.says('kafka is back', { before: back });
    await run.sweeps('alfa');
    const { code, stderr } = await run.stop();
    expect(code).toBe(0);
    expect(stderr).toContain('expected what it held before or its successor, got nothing there');
    expect([kafka.password, next].filter((secret) => stderr.includes(secret))).toEqual([]);
  }, 300_000);
});
