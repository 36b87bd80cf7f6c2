import { FatalError, TransientError } from '../../src/errors';
import type { HttpAnswer } from '../../src/http';
import {
  brokenExchange,
  keyChanged,
  type Question,
  readAccount,
  readAnswer,
  readDetail,
  readList,
  titleOf,
} from '../../src/sources/answers';

const list: Question = {
  entity: 'acme',
  stream: 'invoices',
  kind: 'list',
  path: '/invoices.json',
  params: new URLSearchParams({ 'q[x]': 'secret', offset: '300', limit: '100' }),
};
const detail: Question = { entity: 'acme', stream: 'invoices', kind: 'detail', path: '/invoices/4f2c.json' };
const account: Question = { entity: 'acme', stream: 'account', kind: 'account', path: '/account/details.json' };

function reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const contentType = typeof body === 'string' ? 'text/html' : 'application/json';
  const header = (name: string): string | null => headers[name] ?? null;
  const answer: HttpAnswer = { status, text, bytes: Buffer.from(text), contentType, utf8: true, header };
  return readAnswer(answer, 1, 2, () => 0);
}

function failureOf(read: () => unknown): FatalError | TransientError {
  try {
    read();
  } catch (error) {
    if (error instanceof FatalError || error instanceof TransientError) return error;
    throw error;
  }
  throw new Error('expected a failure, got none');
}

test('a request is named by path and offset, without its filters', () => {
  expect([list, detail].map(titleOf)).toEqual(['GET /invoices.json at offset 300', 'GET /invoices/4f2c.json']);
});

test('I11: a body that is not JSON is told by its shape alone', () => {
  expect(reply(200, 'Jan Kowalski')).toMatchObject({
    body: undefined,
    shape: '12 characters of text/html that are not JSON',
  });
});

test('a list is its rows and its count', () => {
  const body = { metainfo: { total_count: 7 }, entities: [{ id: 1 }, null] };
  expect(readList(list, reply(200, body))).toEqual({ rows: [{ id: 1 }, null], totalCount: 7, began: 1, ended: 2 });
});

test.each<[string, unknown]>([
  ['a text', '<html>'],
  ['an array', []],
  ['no entities', { metainfo: { total_count: 0 } }],
  ['no count', { entities: [] }],
  ['a negative count', { metainfo: { total_count: -1 }, entities: [] }],
])('a 200 with %s may pass, and parks the stream if it does not', (_title, body) => {
  const error = failureOf(() => readList(list, reply(200, body)));
  expect(error).toBeInstanceOf(TransientError);
  expect(error.cause).toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
});

test.each<[Question, number, unknown, string, string]>([
  [list, 401, {}, 'unauthorized', 'entity'],
  [list, 402, {}, 'payment-required', 'stream'],
  [list, 403, {}, 'forbidden', 'stream'],
  [detail, 403, {}, 'forbidden', 'stream'],
  [list, 302, '', 'redirected', 'stream'],
  [list, 404, {}, 'unexpected-status', 'stream'],
])('%#: a status that waiting does not help says what to park', (question, status, body, reason, parks) => {
  const error = failureOf(() => readList(question, reply(status, body)));
  expect(error).toMatchObject({ code: 'FATAL', reason, parks, status, entity: 'acme', stream: 'invoices' });
});

test.each<[number, unknown, Record<string, string>, number | undefined]>([
  [403, '<html>', {}, undefined],
  [500, '', {}, undefined],
  [429, {}, { 'retry-after': '300' }, 300_000],
])('%i with %j may pass', (status, body, headers, retryAfterMs) => {
  const error = failureOf(() => readList(list, reply(status, body, headers)));
  expect(error).toMatchObject({ code: 'TRANSIENT', status, retryAfterMs });
});

test('a Retry-After of more than five minutes counts as five', () => {
  const error = failureOf(() => readList(list, reply(503, {}, { 'retry-after': '301' })));
  expect(error).toMatchObject({ code: 'TRANSIENT', status: 503, retryAfterMs: 300_000 });
});

test("I5: a detail is a row with an id, or the API's own 404", () => {
  expect(readDetail(detail, reply(200, { id: 7 }))).toEqual({ status: 200, row: { id: 7 }, began: 1, ended: 2 });
  expect(readDetail(detail, reply(404, { error: 'x' }))).toEqual({ status: 404, began: 1, ended: 2 });
  expect(failureOf(() => readDetail(detail, reply(404, '<html>')))).toMatchObject({ reason: 'unexpected-status' });
  expect(failureOf(() => readDetail(detail, reply(200, { id: '7' })))).toBeInstanceOf(TransientError);
});

test('an account is its tax id, name and uuid, or refused', () => {
  const company = { tax_id: '5261040828', company_name: 'Alfa sp. z o.o.' };
  const body = { company_data: company, account_data: { uuid: 'a-1' } };
  expect(readAccount(account, reply(200, body))).toEqual({
    ...{ taxId: '5261040828', accountUuid: 'a-1', name: 'Alfa sp. z o.o.' },
  });
  const nothing = { taxId: null, accountUuid: null, name: null };
  expect(readAccount(account, reply(200, { account_data: { uuid: '' } }))).toEqual(nothing);
  expect([401, 402, 403, 404].map((status) => readAccount(account, reply(status, {})))).toEqual(
    Array.from({ length: 4 }, () => 'refused'),
  );
  expect(failureOf(() => readAccount(account, reply(200, {})))).toBeInstanceOf(TransientError);
});

test('a key that is another one by now parks the entity for no time at all', () => {
  expect(keyChanged(list)).toMatchObject({ reason: 'key-changed', parks: 'entity', parkMs: 0 });
});

test('an exchange that broke is a fault of the network, or of the answer once its head had come', () => {
  const lost = brokenExchange(list, new TransientError('lost', { networkFault: 'ECONNRESET' }));
  const cut = brokenExchange(list, new TransientError('cut', { status: 200 }));
  expect(lost.cause).toBeInstanceOf(TransientError);
  expect(cut.cause).toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
});
