import { brotliCompressSync } from 'node:zlib';
import { defer, type Observable, of, throwError } from 'rxjs';
import { createBudget, type RequestOutcome, type Slot } from '../../src/sources/budget';
import { FatalError, TransientError } from '../../src/errors';
import { createHttp, type Http } from '../../src/http';
import type { Turn } from '../../src/model';
import { spotTurn } from '../../src/rules/rhythm';
import { createApiKey } from '../../src/sources/api-key';
import { type RequestAttempt, createRest, requestRetry, type RestOptions, retryRequest } from '../../src/sources/rest';
import {
  cut,
  cutChunked,
  hang,
  hangUp,
  html,
  type HttpServer,
  json,
  raw,
  type Reaction,
  stall,
  startHttpServer,
} from '../support/http-server';
import { virtualTime } from '../support/virtual-time';

const KEY = 'secret-key-0123456789';
const TRIES = 6;
const BUYER = 'Jan Kowalski';

let server: HttpServer;
let http: Http;

beforeEach(async () => {
  server = await startHttpServer();
  http = createHttp({ timeoutMs: 10_000, maxBytes: 100_000, userAgent: 'infakt-kafka/test' });
});

afterEach(async () => {
  http.close();
  await server.close();
});

/** Slots that are had at once, and what was told of each. */
function recordedSlots() {
  const outcomes: RequestOutcome[] = [];
  let taken = 0;
  const slot = (): Slot => {
    taken++;
    let finished = false;
    return {
      done: (outcome) => {
        if (!finished) outcomes.push(outcome);
        finished = true;
      },
    };
  };
  return {
    outcomes,
    taken: () => taken,
    take: (): Promise<Slot> => Promise.resolve(slot()),
    wait: (grant: (granted: Slot) => void) => {
      grant(slot());
      return () => undefined;
    },
  };
}

function open(options: Partial<RestOptions> = {}) {
  const slots = recordedSlots();
  const attempts: RequestAttempt[] = [];
  const waits: number[] = [];
  let mark = 0;
  const rest = createRest({
    baseUrl: `${server.url}/api/v3`,
    entity: 'acme',
    apiKey: createApiKey(() => KEY),
    http,
    slots,
    marks: { next: () => ++mark },
    retry: {
      attempts: TRIES,
      waitMs: (retry) => {
        waits.push(retry);
        return 1;
      },
      secondOpinionMs: 1,
    },
    onAttempt: (attempt) => attempts.push(attempt),
    ...options,
  });
  const list = (offset = 0, limit = 100) => rest.list('invoices', '/invoices.json', { order: 'id asc' }, offset, limit);
  const detail = () => rest.detail('invoices', '/invoices/4f2c.json');
  return { rest, list, detail, slots, attempts, waits };
}

function valueOf<T>(answers: Observable<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    answers.subscribe({ next: resolve, error: reject });
  });
}

async function failureOf(answers: Observable<unknown>): Promise<FatalError | TransientError> {
  const error: unknown = await valueOf(answers).then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FatalError || error instanceof TransientError)) throw error;
  return error;
}

const page = (entities: readonly unknown[], totalCount: unknown = entities.length) =>
  json(200, { metainfo: { count: 10, total_count: totalCount, next: 'https://elsewhere.example/' }, entities });
const two = page([{ id: 1 }, { id: 2 }], 7);

describe('a list', () => {
  test('is asked for by filters, order, offset and limit, in this order, with the key in its header alone', async () => {
    server.react(two);
    const { rest } = open();
    const params = { 'q[invoice_date_gteq]': '2026-01-01', order: 'id asc', offset: '7' };
    await valueOf(rest.list('invoices', '/invoices.json', { order: 'id asc' }, 200, 100));
    await valueOf(rest.list('invoices', '/invoices.json', params, 0, 50));
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/api/v3/invoices.json?order=id+asc&offset=200&limit=100',
      '/api/v3/invoices.json?q%5Binvoice_date_gteq%5D=2026-01-01&order=id+asc&offset=0&limit=50',
    ]);
    for (const { method, url, headers } of server.requests) {
      expect(method).toBe('GET');
      expect(headers).toMatchObject({ 'x-infakt-apikey': KEY, accept: 'application/json' });
      expect(url).not.toContain(KEY);
    }
  });

  test.each([
    ['full', two, { rows: [{ id: 1 }, { id: 2 }], totalCount: 7 }],
    ['empty', page([]), { rows: [], totalCount: 0 }],
    ['empty beyond the end', page([], 7), { rows: [], totalCount: 7 }],
    ['with rows of any kind', page([1, null, {}, 'x']), { rows: [1, null, {}, 'x'], totalCount: 4 }],
  ])('that is %s is an answer', async (_title, reaction, expected) => {
    server.react(reaction);
    expect(await valueOf(open().list())).toEqual({ ...expected, began: 1, ended: 2 });
  });

  test('is made with leave that was got before, and its further tries with leave of their own', async () => {
    server.react(json(503, {}), two);
    const { rest, slots } = open();
    const granted: Slot[] = [];
    rest.leave((slot) => granted.push(slot));
    expect(slots.taken()).toBe(1);
    await valueOf(rest.list('invoices', '/invoices.json', {}, 0, 100, { slot: granted[0] }));
    expect(slots.taken()).toBe(2);
    expect(slots.outcomes.map(({ status }) => status)).toEqual([503, 200]);
  });

  test('is dealt as the request of the scan that asks, and so is each further try', async () => {
    server.react(json(503, {}), two);
    const turns: (Turn | undefined)[] = [];
    const { take, wait } = recordedSlots();
    const slots = {
      wait,
      take: (_signal: AbortSignal, turn?: Turn) => {
        turns.push(turn);
        return take();
      },
    };
    const { rest, attempts } = open({ slots });
    const [first, second]: Turn[] = [spotTurn('invoices'), { ...spotTurn('invoices'), scan: 'sweep' }];
    const left = [first, second];
    const turn = () => left.shift();
    await valueOf(rest.list('invoices', '/invoices.json', {}, 0, 100, { turn }));
    await valueOf(rest.list('invoices', '/invoices.json', {}, 0, 100));
    expect(turns).toEqual([first, second, undefined]);
    expect(attempts.map(({ scan }) => scan)).toEqual(['spot', 'sweep', undefined]);
  });

  test('is asked for anew by each subscription, and not before', async () => {
    server.react(two);
    const { list, slots } = open();
    const answers = list();
    expect(slots.taken()).toBe(0);
    expect(await valueOf(answers)).toMatchObject({ began: 1, ended: 2 });
    expect(await valueOf(answers)).toMatchObject({ began: 3, ended: 4 });
    expect(slots.outcomes).toEqual([
      { status: 200, list: true, place: 'invoices', json: true },
      { status: 200, list: true, place: 'invoices', json: true },
    ]);
  });

  test('goes on where it stopped after half of it was read', async () => {
    const rows = Array.from({ length: 10 }, (_, i) => ({ id: i + 1 }));
    server.react((request, response) => {
      const search = new URL(request.url ?? '', server.url).searchParams;
      const offset = Number(search.get('offset'));
      page(rows.slice(offset, offset + Number(search.get('limit'))), rows.length)(request, response);
    });
    const { list } = open();
    const halves = [await valueOf(list(0, 5)), await valueOf(list(5, 5)), await valueOf(list(10, 5))];
    expect(halves.flatMap((half) => half.rows)).toEqual(rows);
    expect(halves.map(({ totalCount }) => totalCount)).toEqual([10, 10, 10]);
  });

  test('is counted as begun when the try that succeeded was sent', async () => {
    server.react(json(503, {}), two);
    expect(await valueOf(open().list())).toMatchObject({ began: 3, ended: 4 });
  });

  test('accepts any JSON media type, whatever its case and parameters', async () => {
    const body = '{"metainfo":{"total_count":0},"entities":[]}';
    server.react(raw(200, body, { 'content-type': 'Application/Vnd.infakt+JSON; charset=UTF-8' }));
    expect(await valueOf(open().list())).toMatchObject({ rows: [] });
  });
});

describe('a row that cannot be read', () => {
  const raw1 = ({ rest }: ReturnType<typeof open>) => rest.raw('invoices', '/invoices.json', { order: 'id asc' }, 7);
  const broken = Buffer.from('{"entities":[{"id":8,"notes":"\xf3"}]}', 'latin1');

  test('is handed on as it came, asked for once and alone', async () => {
    server.react(raw(200, broken, { 'content-type': 'application/json' }));
    const opened = open();
    expect(await valueOf(raw1(opened))).toMatchObject({ status: 200, bytes: broken });
    expect(server.requests.map(({ url }) => url)).toEqual(['/api/v3/invoices.json?order=id+asc&offset=7&limit=1']);
    expect(opened.attempts).toMatchObject([{ entity: 'acme', stream: 'invoices', attempt: 1, status: 200 }]);
  });

  test('is without the key that the answer repeats (I11)', async () => {
    server.react(raw(500, `<p>${KEY}</p><p>X-inFakt-ApiKey: ${KEY}</p>`, { 'content-type': 'text/html' }));
    const { bytes } = await valueOf(raw1(open()));
    expect(bytes.toString()).toBe('<p>***</p><p>X-inFakt-ApiKey: ***</p>');
  });

  test.each<[string, Reaction, number | null]>([
    ['a page of a gateway', html(504), 504],
    ['a body that is cut', cut(), 200],
    ['no answer', hangUp, null],
  ])('is whatever the API says, be it %s', async (_, reaction, status) => {
    server.react(reaction);
    expect(await valueOf(raw1(open()))).toMatchObject({ status });
    expect(server.requests).toHaveLength(1);
  });

  test('is asked for as often as its reader says, and never more often than usual', async () => {
    server.react(html(500));
    const { rest } = open();
    const tries = (most: number) => rest.list('invoices', '/invoices.json', {}, 0, 1, { tries: most });
    await failureOf(tries(2));
    expect(server.requests).toHaveLength(2);
    await failureOf(tries(99));
    expect(server.requests).toHaveLength(2 + TRIES);
  });
});

describe('a harmless envelope', () => {
  const body = '{"metainfo":{"total_count":0},"entities":[]}';
  const packed = (type: string | null) => (type === null ? {} : { 'content-type': type });

  test.each<[string, string, string | null]>([
    ['with a byte-order mark', `\ufeff${body}`, 'application/json'],
    ['called text/json', body, 'text/json'],
    ['called text/plain', body, 'text/plain; charset=utf-8'],
    ['called a web page', body, 'text/html'],
    ['called a file', body, 'application/octet-stream'],
    ['that is not named', body, null],
    ['with a byte-order mark and no name', `\ufeff${body}`, null],
    ['between blank lines', `\r\n${body}\r\n`, 'application/json'],
  ])('is read: a list %s', async (_, text, type) => {
    server.react(raw(200, text, packed(type)));
    expect(await valueOf(open().list())).toMatchObject({ rows: [], totalCount: 0 });
  });

  test('is read as brotli too, and named where it cannot be', async () => {
    server.react(raw(200, brotliCompressSync(body), { 'content-encoding': 'br', 'content-type': 'application/json' }));
    expect(await valueOf(open().list())).toMatchObject({ totalCount: 0 });
    server.react(raw(200, brotliCompressSync(body), { 'content-encoding': 'zebra', 'content-type': 'text/json' }));
    const error = await failureOf(open().list());
    expect(error).toMatchObject({ reason: 'malformed-answer' });
    expect(error.message).toContain('content-encoding zebra');
  });

  test('I5: makes no 404 of a proxy the API its own', async () => {
    for (const type of ['text/html', 'text/plain', 'application/octet-stream']) {
      server.react(raw(404, '{"error":"not found"}', { 'content-type': type }));
      expect(await failureOf(open().detail())).toMatchObject({ reason: 'unexpected-status' });
    }
  });
});

describe('a key that is refused', () => {
  const refused = json(401, { error: 'Nieprawidłowy klucz' });

  test('once is tried a second time, five seconds later', async () => {
    expect(requestRetry(() => 0).secondOpinionMs).toBe(5_000);
    for (const [first, ...others] of [
      [refused, two],
      [json(500, {}), refused, two],
    ] as const) {
      server.react(first, ...others);
      expect(await valueOf(open().list())).toMatchObject({ totalCount: 7 });
    }
  });

  test('twice is refused, whatever lies between', async () => {
    for (const between of [[], [json(503, {})]]) {
      server.react(refused, ...between, refused, two);
      expect(await failureOf(open().list())).toMatchObject({ reason: 'unauthorized', parks: 'entity', status: 401 });
    }
  });

  test('once where the account is asked for says nothing of its rights', async () => {
    server.react(refused, json(200, { company_data: { tax_id: '5261040828' } }));
    expect(await valueOf(open().rest.accountDetails())).toEqual({ taxId: '5261040828', accountUuid: null, name: null });
  });
});

describe('a fault that may pass', () => {
  const faults: readonly [string, Reaction, RequestOutcome][] = [
    ['429', json(429, { error: 'wolniej' }), { status: 429, list: true, place: 'invoices', json: true }],
    ['503', html(503), { status: 503, list: true, place: 'invoices', json: false }],
    ['500', html(500), { status: 500, list: true, place: 'invoices', json: false }],
    ['502', raw(502, ''), { status: 502, list: true, place: 'invoices', json: false }],
    ['520', html(520), { status: 520, list: true, place: 'invoices', json: false }],
    ['a lost connection', hangUp, { fault: true }],
    ['a cut error', cut(503), { status: 503 }],
  ];

  test.each(faults)('(%s) is tried again, each try with its own slot', async (_title, reaction, outcome) => {
    server.react(reaction, reaction, two);
    const { list, slots, attempts, waits } = open();
    expect(await valueOf(list())).toMatchObject({ totalCount: 7 });
    expect(server.requests).toHaveLength(3);
    expect(slots.outcomes).toEqual([outcome, outcome, { status: 200, list: true, place: 'invoices', json: true }]);
    expect(waits).toEqual([1, 2]);
    expect(attempts.map(({ entity, stream, attempt }) => [entity, stream, attempt])).toEqual([
      ['acme', 'invoices', 1],
      ['acme', 'invoices', 2],
      ['acme', 'invoices', 3],
    ]);
    expect(attempts[2]).toMatchObject({ status: 200 });
    const ended = (index: number) => attempts[index]?.status ?? 'no-answer';
    expect(attempts.map(({ after }) => after)).toEqual([null, ended(0), ended(1)]);
    for (const { waitedMs } of attempts) expect(waitedMs).toBeGreaterThanOrEqual(0);
  });

  test.each(faults)('(%s) is passed on as transient after six tries', async (_title, reaction) => {
    server.react(reaction);
    const { list, slots } = open();
    const error = await failureOf(list(300));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ entity: 'acme', stream: 'invoices' });
    expect(error.message).toMatch(/^GET \/invoices.json at offset 300/);
    expect(slots.taken()).toBe(TRIES);
    expect(server.requests).toHaveLength(TRIES);
  });

  test.each([
    ['never answers', hang],
    ['stops half-way', stall],
  ])('a server that %s is given up by the time-out, and is the entity’s trouble', async (_title, reaction) => {
    server.react(reaction);
    const hasty = createHttp({ timeoutMs: 30, maxBytes: 1_000, userAgent: 'infakt-kafka/test' });
    const { list, slots, attempts } = open({
      http: hasty,
      retry: { attempts: 2, waitMs: () => 1, secondOpinionMs: 1 },
    });
    expect(await failureOf(list())).toBeInstanceOf(TransientError);
    expect(slots.outcomes).toEqual([{ fault: true }, { fault: true }]);
    expect(attempts.map(({ fault }) => fault instanceof TransientError)).toEqual([true, true]);
    hasty.close();
  });
});

describe('Retry-After', () => {
  const at = Date.parse('2026-11-22T12:00:00Z');
  const date = 'Sun, 22 Nov 2026 12:00:00 GMT';

  /** What one refused try makes of the header: `own` = our own backoff is used. */
  async function waitFor(status: number, headers: Record<string, string>): Promise<unknown> {
    server.react(json(status, {}, headers));
    const { list, slots } = open({ retry: { attempts: 1, waitMs: () => 1, secondOpinionMs: 1 }, wallClock: () => at });
    const error = await failureOf(list());
    const told = slots.outcomes[0]?.retryAfterMs;
    if (error instanceof FatalError) return { parks: error.parks, reason: error.reason, parkMs: error.parkMs };
    expect(told).toBe(error.retryAfterMs);
    return error.retryAfterMs ?? 'own';
  }

  test.each<[string, unknown]>([
    ['7', 7_000],
    ['0', 0],
    ['300', 300_000],
    ['301', 300_000],
    ['9'.repeat(400), 300_000],
    // A Unix time in seconds, in milliseconds, long ago, and far off.
    [String(at / 1_000 + 90), 90_000],
    [String(at + 90_000), 90_000],
    [String(at / 1_000 + 3_600), 300_000],
    [String(at / 1_000 - 30), 'own'],
    [String(at / 1_000 + 7 * 86_400), 300_000],
    ['Sun, 22 Nov 2026 13:00:00 GMT', 300_000],
    ['-30', 'own'],
    ['-0', 'own'],
    ['+7', 'own'],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 12:00:00 GMT', 0],
    ['Sun, 22 Nov 2026 11:59:59 GMT', 'own'],
    ['Sun, 99 Nov 2026 12:00:30 GMT', 'own'],
    ['-5', 'own'],
    ['1.5', 1_500],
    // As others had it reported: opensearch-project/data-prepper#6927, airbytehq/airbyte#14112.
    ['299.997', 299_997],
    ['50, 53', 53_000],
    ['50,', 'own'],
    ['1.5.2', 'own'],
    ['1e3', 'own'],
    ['soon', 'own'],
    ['', 'own'],
  ])('"%s" asks for %s', async (value, expected) => {
    for (const status of [429, 503]) {
      expect(await waitFor(status, { 'retry-after': value, date })).toEqual(expected);
    }
  });

  test('a date is counted from the time the answer tells, as clocks differ', async () => {
    const headers = { 'retry-after': 'Sun, 22 Nov 2026 15:00:30 GMT', date: 'Sun, 22 Nov 2026 15:00:00 GMT' };
    expect(await waitFor(503, headers)).toBe(30_000);
  });

  test.each(['0', '-30', 'Sun, 22 Nov 2026 12:00:00 GMT'])(
    'of "%s" does not shorten our own backoff',
    async (value) => {
      for (const status of [429, 500, 503]) {
        server.react(json(status, {}, { 'retry-after': value, date }), two);
        const { list, waits } = open();
        await valueOf(list());
        expect(waits).toEqual([1]);
      }
    },
  );

  test('is waited for where it is longer than our own backoff', () =>
    virtualTime(({ expectObservable }) => {
      let tries = 0;
      const request = defer(() => {
        tries += 1;
        return tries > 1 ? of(tries) : throwError(() => new TransientError('busy', { retryAfterMs: 7_000 }));
      });
      expectObservable(request.pipe(retryRequest({ attempts: 2, waitMs: () => 1 }))).toBe('7s (a|)', { a: 2 });
    }));

  test('of more than a minute is not waited for by the request: what asks is parked, and says so', () =>
    virtualTime(({ expectObservable }) => {
      const busy = new TransientError('busy', { retryAfterMs: 60_001 });
      const request = throwError(() => busy);
      expectObservable(request.pipe(retryRequest({ attempts: 6, waitMs: () => 1 }))).toBe('#', undefined, busy);
    }));
});

describe('a status that waiting does not help', () => {
  test.each<[number, string, Reaction, string, 'stream' | 'entity']>([
    [402, 'JSON', json(402, { error: 'plan' }), 'payment-required', 'stream'],
    [403, 'JSON', json(403, { error: 'brak uprawnień' }), 'forbidden', 'stream'],
    [301, 'nothing', raw(301, '', { location: 'https://elsewhere.example/' }), 'redirected', 'stream'],
    [302, 'a page', html(302), 'redirected', 'stream'],
    [304, 'nothing', raw(304, ''), 'redirected', 'stream'],
    [204, 'nothing', raw(204, ''), 'unexpected-status', 'stream'],
    [206, 'JSON', json(206, { metainfo: { total_count: 0 }, entities: [] }), 'unexpected-status', 'stream'],
    [400, 'JSON', json(400, {}), 'unexpected-status', 'stream'],
    [404, 'JSON', json(404, { error: 'nie znaleziono' }), 'unexpected-status', 'stream'],
    [404, 'a page', html(404), 'unexpected-status', 'stream'],
    [406, 'a page', html(406), 'unexpected-status', 'stream'],
    [410, 'JSON', json(410, { error: 'KSeF 1.0' }), 'unexpected-status', 'stream'],
    [422, 'JSON', json(422, { error: 'x', errors: {} }), 'unexpected-status', 'stream'],
    [423, 'JSON', json(423, {}), 'unexpected-status', 'stream'],
  ])('(%i with %s) parks at the first try', async (status, _body, reaction, reason, parks) => {
    server.react(reaction);
    const { list, attempts } = open();
    const error = await failureOf(list());
    expect(error).toBeInstanceOf(FatalError);
    expect(error).toMatchObject({ reason, parks, status, entity: 'acme', stream: 'invoices', parkMs: undefined });
    expect(error.message).toContain(`expected 200, got ${status}`);
    expect(server.requests).toHaveLength(1);
    expect(attempts).toMatchObject([{ entity: 'acme', stream: 'invoices', attempt: 1, status }]);
  });

  test('a 403 in JSON is told to the budget as such', async () => {
    server.react(json(403, { error: 'brak uprawnień' }));
    const { list, slots } = open();
    await failureOf(list());
    expect(slots.outcomes).toEqual([{ status: 403, list: true, place: 'invoices', json: true }]);
  });

  test.each([
    ['a page', html(403)],
    ['nothing', raw(403, '', { 'content-type': 'application/json' })],
  ])(
    'a 403 with %s is perhaps a block of the IP: the budget is told and the stream goes on by itself',
    async (_body, block) => {
      server.react(block, two);
      const { list, slots } = open();
      expect(await valueOf(list())).toMatchObject({ totalCount: 7 });
      expect(slots.outcomes[0]).toEqual({ status: 403, list: true, place: 'invoices', json: false });
    },
  );

  test('a list is not asked for with a key whose account was not seen: the entity begins again at once', async () => {
    let key = 'one';
    const { rest, list } = open({ apiKey: createApiKey(() => key) });
    const account = json(200, { company_data: { tax_id: '1111111111' } });
    server.react(account, account, two);
    await valueOf(rest.accountDetails());
    key = 'two';
    expect(await failureOf(list())).toMatchObject({ reason: 'key-changed', parks: 'entity', parkMs: 0 });
    await valueOf(rest.accountDetails());
    await valueOf(list());
    expect(server.requests.map(({ headers }) => headers['x-infakt-apikey'])).toEqual(['one', 'two', 'two']);
  });

  test('a 401 to a key that is another one by now is no reason to wait', async () => {
    let key = 'one';
    const { list } = open({ apiKey: createApiKey(() => key) });
    server.react((request, response) => {
      key = 'two';
      json(401, {})(request, response);
    });
    expect(await failureOf(list())).toMatchObject({ reason: 'key-changed', parkMs: 0 });
  });

  test('a key that no header can hold parks the entity without being sent', async () => {
    for (const apiKey of ['', 'with space', 'line\nbreak', 'zażółć']) {
      const error = await failureOf(open({ apiKey: createApiKey(() => apiKey) }).list());
      expect(error).toMatchObject({ reason: 'unauthorized', parks: 'entity' });
      if (apiKey !== '') expect(error.message).not.toContain(apiKey);
    }
    expect(server.requests).toHaveLength(0);
  });
});

describe('a 200 that is no list', () => {
  const asJson = (body: string) => raw(200, body, { 'content-type': 'application/json' });
  const bodies: readonly [string, Reaction, RegExp][] = [
    ['a web page', html(200, `<html>${BUYER}</html>`), /got 25 characters of text\/html that are not JSON/],
    ['a word that is JSON by chance', raw(200, 'null', { 'content-type': 'text/plain' }), /of text\/plain that/],
    ['a number without a name', raw(200, '42'), /of no content type that/],
    [
      'an error in place of the list',
      asJson(`{"error":{"code":"internal","message":"${BUYER}"}}`),
      /got one whose entities is missing/,
    ],
    ['empty', asJson(''), /got 0 characters of application\/json that are not JSON/],
    ['truncated JSON', asJson(`{"metainfo":{"total_count":1},"entities":[{"name":"${BUYER}`), /that are not JSON/],
    ['not UTF-8', raw(200, Buffer.from('{"a":"\xf3"}', 'latin1'), { 'content-type': 'application/json' }), /broken/],
    ['cut by the network', cut(), /expected a whole body/],
    ['broken off', cutChunked, /expected a whole body/],
    ['too large', raw(200, 'x'.repeat(200_000)), /expected a whole body of at most 100000 bytes/],
    ['null', asJson('null'), /expected a list envelope, got null/],
    ['a text', asJson(`"${BUYER}"`), /got a string/],
    ['a bare array', asJson('[]'), /got an array of 0/],
    ['an object of another kind', asJson(`{"error":"${BUYER}"}`), /got one whose entities is missing/],
    ['entities that are no array', json(200, { metainfo: { total_count: 1 }, entities: { 1: BUYER } }), /is an object/],
    ['entities that are null', json(200, { metainfo: { total_count: 0 }, entities: null }), /entities is null/],
    ['no metainfo', json(200, { entities: [] }), /total_count is missing/],
    ['metainfo that is null', json(200, { metainfo: null, entities: [] }), /total_count is missing/],
    ['a count that is negative', page([], -1), /total_count is the number -1/],
    ['a count that is no integer', page([], 1.5), /total_count is a fractional number/],
    ['a count beyond exactness', page([], 2 ** 53), /total_count is the number 9007199254740992/],
    ['a count in quotes', page([], '3'), /total_count is a string/],
    ['a count that is null', page([], null), /total_count is null/],
  ];

  test.each(bodies)('(%s) is tried again, as it may be a passing glitch', async (_title, reaction) => {
    server.react(reaction, two);
    expect(await valueOf(open().list())).toMatchObject({ totalCount: 7 });
  });

  test.each(bodies)(
    '(%s) parks the stream after six tries, and is never an empty page',
    async (_title, reaction, got) => {
      server.react(reaction);
      const { list } = open();
      const error = await failureOf(list(100));
      expect(error).toBeInstanceOf(FatalError);
      expect(error).toMatchObject({ reason: 'malformed-answer', parks: 'stream', status: 200, stream: 'invoices' });
      expect(error.message).toMatch(got);
      expect(error.message).toMatch(/^GET \/invoices.json at offset 100/);
      expect(`${error.message} ${error.stack ?? ''} ${String(error.cause)}`).not.toMatch(/Kowalski|secret-key/);
      expect(server.requests).toHaveLength(TRIES);
    },
  );
});

describe('a detail', () => {
  test('with a usable id is a row', async () => {
    const row = { id: 5, uuid: '4f2c', net_price: 100 };
    server.react(json(200, row));
    const { detail, slots } = open();
    expect(await valueOf(detail())).toEqual({ status: 200, row, began: 1, ended: 2 });
    expect(server.requests[0]?.url).toBe('/api/v3/invoices/4f2c.json');
    expect(slots.outcomes).toEqual([{ status: 200, list: false, place: 'one of invoices', json: true }]);
  });

  test("I5: that the API's own JSON says is not found, is not found", async () => {
    server.react(json(404, { error: 'Zasób którego szukasz nie został znaleziony.' }));
    expect(await valueOf(open().detail())).toEqual({ status: 404, began: 1, ended: 2 });
  });

  test.each([
    ['a web page', html(404)],
    ['empty', raw(404, '')],
    ['JSON without an error', json(404, {})],
    ['JSON with an error that is no text', json(404, { error: true })],
    ['a JSON array', json(404, [])],
    ['an error by another media type', raw(404, '{"error":"x"}', { 'content-type': 'text/html' })],
  ])('I5: no other 404 (%s) is taken for it', async (_title, reaction) => {
    server.react(reaction);
    expect(await failureOf(open().detail())).toMatchObject({ reason: 'unexpected-status', parks: 'stream' });
  });

  test('I5: a 404 that is cut is not taken for it either', async () => {
    server.react(cut(404));
    expect(await failureOf(open().detail())).toBeInstanceOf(TransientError);
  });

  test.each([
    ['no id', {}],
    ['an id of 0', { id: 0 }],
    ['an id in quotes', { id: '5' }],
    ['an id beyond exactness', { id: 2 ** 53 }],
    ['an id that is no integer', { id: 1.5 }],
    ['no object', [{ id: 5 }]],
  ])('with %s is malformed', async (_title, body) => {
    server.react(json(200, body));
    expect(await failureOf(open().detail())).toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
    expect(server.requests).toHaveLength(TRIES);
  });

  test.each<[Reaction, string, 'stream' | 'entity']>([
    [json(401, {}), 'unauthorized', 'entity'],
    [json(402, {}), 'payment-required', 'stream'],
    [json(403, {}), 'forbidden', 'stream'],
    [json(410, {}), 'unexpected-status', 'stream'],
    [raw(302, ''), 'redirected', 'stream'],
  ])('that is refused is an error (case %#)', async (reaction, reason, parks) => {
    server.react(reaction);
    expect(await failureOf(open().detail())).toMatchObject({ reason, parks });
  });

  test.each([
    '/invoices/4f2c/pdf.json',
    '/invoices/4f2c/download_xml.json',
    '/invoices/4f2c/pdf.json?x=.json',
    '/../../elsewhere.json',
    '@elsewhere.example/invoices.json',
    '.elsewhere.example/invoices.json',
  ])('I8, I11: %s is never asked for', async (path) => {
    server.react(json(200, { id: 1 }));
    for (const baseUrl of [server.url, `${server.url}/api/v3`]) {
      const allowed = path.startsWith('/..') && baseUrl === server.url;
      if (allowed) continue;
      const error = await failureOf(open({ baseUrl }).rest.detail('invoices', path));
      expect(error).toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
    }
    expect(server.requests).toHaveLength(0);
  });
});

describe('account details', () => {
  const details = {
    account_data: { uuid: 'a-1', email: 'x@y.pl' },
    company_data: { tax_id: '5261040828', company_name: 'Żuraw' },
  };

  test('say whose account the key belongs to', async () => {
    server.react(json(200, details));
    const { rest, slots, attempts } = open();
    expect(await valueOf(rest.accountDetails())).toEqual({ taxId: '5261040828', accountUuid: 'a-1', name: 'Żuraw' });
    expect(server.requests.map(({ url }) => url)).toEqual(['/api/v3/account/details.json']);
    expect(slots.outcomes).toEqual([{ status: 200, list: false, place: 'account', json: true }]);
    expect(attempts).toMatchObject([{ stream: 'account', status: 200 }]);
  });

  test.each([
    ['without a tax id', { ...details, company_data: { tax_id: '' } }, { taxId: null, accountUuid: 'a-1', name: null }],
    ['without a company', { account_data: { uuid: 'a-1' } }, { taxId: null, accountUuid: 'a-1', name: null }],
    [
      'without an account',
      { company_data: { tax_id: '5261040828' } },
      { taxId: '5261040828', accountUuid: null, name: null },
    ],
    [
      'with a name that no record could hold',
      { company_data: { tax_id: '1', company_name: '\ud800' } },
      { taxId: '1', accountUuid: null, name: null },
    ],
    [
      'with a name as long as a page',
      { company_data: { tax_id: '1', company_name: 'x'.repeat(1_001) } },
      { taxId: '1', accountUuid: null, name: null },
    ],
  ])('%s have null for it', async (_title, body, expected) => {
    server.react(json(200, body));
    expect(await valueOf(open().rest.accountDetails())).toEqual(expected);
  });

  const refusals: readonly [string, Reaction][] = [
    ['401', json(401, { error: 'brak uprawnień' })],
    ['402', json(402, {})],
    ['403', json(403, {})],
    ['404', json(404, { error: 'x' })],
    ['404 as a page', html(404)],
  ];

  test.each(refusals)('that are refused (%s) while a list answers are unreadable', async (title, reaction) => {
    const tries = Array.from({ length: title === '401' ? 2 : 1 }, () => reaction);
    server.react(reaction, ...tries.slice(1), two);
    expect(await valueOf(open().rest.accountDetails())).toBe('unreadable');
    expect(server.requests.map(({ url }) => url)).toEqual([
      ...tries.map(() => '/api/v3/account/details.json'),
      '/api/v3/clients.json?order=id+asc&offset=0&limit=1',
    ]);
  });

  test.each<[string, Reaction]>([
    ['a 404 that is a page', html(404)],
    ['a 404 in JSON', json(404, { error: 'x' })],
    ['a page', html(200)],
    ['a redirect', json(301, {}, { location: 'https://elsewhere.example/' })],
  ])(
    'of an address that answers everything by %s blame infakt.baseUrl, with the URL that was asked',
    async (_title, reaction) => {
      server.react(reaction);
      const error = await failureOf(open().rest.accountDetails());
      expect(error.message).toContain(`${server.url}/api/v3/account/details.json was asked first`);
      expect(error.message).toContain('set infakt.baseUrl');
    },
  );

  test('of an address where nobody listens blame infakt.baseUrl too', async () => {
    server.react(hangUp);
    const error = await failureOf(open().rest.accountDetails());
    expect(error.message).toContain('set infakt.baseUrl');
  });

  test.each([401, 402, 403])('that are refused with %i do not blame the address', async (status) => {
    server.react(json(status, {}));
    const error = await failureOf(open().rest.accountDetails());
    expect(error.message).not.toContain('infakt.baseUrl');
  });

  test.each(refusals)(
    "that are refused (%s) where lists are too fail with the list's error",
    async (_title, reaction) => {
      server.react(reaction, json(401, { error: 'Nieprawidłowy klucz' }));
      const error = await failureOf(open().rest.accountDetails());
      expect(error).toMatchObject({ reason: 'unauthorized', parks: 'entity', stream: 'clients' });
    },
  );

  test('I9: a 403 in JSON is no sign of a blocked IP there, one that is not JSON is', async () => {
    server.react(html(403), json(403, {}), two);
    const { rest, slots } = open();
    expect(await valueOf(rest.accountDetails())).toBe('unreadable');
    expect(slots.outcomes.slice(0, 2)).toEqual([
      { status: 403, list: false, place: 'account', json: false },
      { status: 403, list: false, place: 'account', json: true },
    ]);
  });

  test.each<[string, Reaction, string]>([
    ['of another kind', json(200, { error: BUYER }), 'malformed-answer'],
    ['that are no object', json(200, []), 'malformed-answer'],
    ['that are a web page', html(200), 'malformed-answer'],
    ['elsewhere', raw(302, ''), 'redirected'],
    ['with another status', json(410, {}), 'unexpected-status'],
  ])('%s park the entity', async (_title, reaction, reason) => {
    server.react(reaction);
    expect(await failureOf(open().rest.accountDetails())).toMatchObject({ reason, parks: 'entity' });
  });
});

describe('unsubscribing', () => {
  test('while a request waits for its slot leaves the queue', () => {
    const signals: AbortSignal[] = [];
    const take = (signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<Slot>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('given up'))),
      );
    };
    const subscription = open({ slots: { ...recordedSlots(), take } })
      .list()
      .subscribe();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    subscription.unsubscribe();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(server.requests).toHaveLength(0);
  });

  test('just as a slot was granted gives it back unused', async () => {
    const { list, slots } = open();
    list().subscribe().unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(slots.taken()).toBe(1);
    expect(slots.outcomes).toEqual([{}]);
    expect(server.requests).toHaveLength(0);
  });

  test('while the answer is awaited aborts the request and gives the slot back', async () => {
    server.react(stall);
    const { list, slots } = open();
    const subscription = list().subscribe();
    const seen = await server.request(1);
    subscription.unsubscribe();
    await seen.closed;
    expect(slots.outcomes).toEqual([{}]);
  });
});

test('with a real budget, a blocked IP pauses until a probe succeeds, and the stream goes on', async () => {
  server.react(html(403), html(403), html(403), two);
  let now = 0;
  const pauses: number[] = [];
  const clock = {
    now: () => now,
    schedule: (ms: number, callback: () => void) => {
      pauses.push(ms);
      const immediate = setImmediate(() => {
        now += ms;
        callback();
      });
      return () => clearImmediate(immediate);
    },
  };
  const budget = createBudget({ requestsPerMinute: 0, clock });
  await failureOf(
    open({ slots: budget.slots('other'), retry: { attempts: 1, waitMs: () => 0, secondOpinionMs: 1 } }).list(),
  );
  const { list } = open({ slots: budget.slots('acme') });
  expect(await valueOf(list())).toMatchObject({ totalCount: 7 });
  expect(pauses).toEqual([60_000, 120_000]);
  expect(budget.state().why).toBeNull();
});

test('a request to the API is tried six times, with full jitter from 0.5 s to 30 s', () => {
  const { attempts, waitMs } = requestRetry(() => 1);
  expect(attempts).toBe(6);
  expect([1, 2, 3, 4, 5].map(waitMs)).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
  expect(waitMs(20)).toBe(30_000);
});
