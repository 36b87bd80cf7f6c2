import { of, throwError } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { checkEntity, requestsFor, type EntityBefore } from '../../src/commands/check-entity';
import { createFindings, findingLine, findingsJson } from '../../src/commands/check-findings';
import { FatalError } from '../../src/errors';
import type { StreamToday } from '../../src/rules/forecast';
import type { Rest } from '../../src/sources/rest';
import { entityOf } from '../support/service';

const entity: EntityConfig = {
  ...entityOf('alfa'),
  name: 'Alfa',
  nip: '1111111111',
  apiKey: 'key',
  startDate: '2020-01-01',
  streams: ['clients', 'invoices'],
};

type Asked = Readonly<Record<string, string>>;

/** An API whose lists give these rows to a question, and the account of the entity. */
function api(rowsFor: (path: string, asked: Asked) => readonly unknown[]): Pick<Rest, 'accountDetails' | 'list'> {
  return {
    accountDetails: () => of({ taxId: '1111111111', accountUuid: null, name: null }),
    list: (_stream, path, asked) => {
      const rows = rowsFor(path, asked);
      return of({ rows, totalCount: rows.length, began: 1, ended: 2 });
    },
  };
}

async function check(
  rest: Pick<Rest, 'accountDetails' | 'list'>,
  nip = entity.nip,
  startDate = entity.startDate,
  ksef: EntityBefore['ksef'] = null,
): Promise<{ readonly lines: readonly string[]; readonly streams: readonly StreamToday[]; readonly json: unknown }> {
  const lines: string[] = [];
  const findings = createFindings((finding) => void lines.push(findingLine(finding)));
  const streams = await checkEntity(
    { ...entity, nip, startDate },
    rest,
    { before: null, recentDays: 45, ksef },
    findings.attempt,
  );
  return { lines, streams, json: findingsJson(findings) };
}

/** Ten rows by id, the date filter and the order in effect. */
function sound(path: string, { order, 'q[invoice_date_gteq]': from }: Asked): readonly unknown[] {
  if (from === '2999-01-01') return [];
  const ids = [...Array(path === '/clients.json' ? 3 : 10).keys()].map((index) => index + 1);
  return (order === 'id desc' ? ids.reverse() : ids).map((id) => ({ id, paid_date: null }));
}

test('an entity whose key, order and filters are as they should be can be read, stream by stream', async () => {
  const { lines, streams } = await check(api(sound));
  expect(lines.filter((line) => !line.includes(' fields of '))).toEqual([
    'ok   key alfa: belongs to NIP 1111111111, as configured',
    'ok   stream clients alfa: 3 rows, order by id is kept',
    'ok   stream invoices alfa: 10 rows from 2020-01-01 to now and beyond, order by id is kept, the date filter works, the filter of open documents works (10)',
    'ok   filters of invoices alfa: q[paid_date_gteq] ignored, q[updated_at_gteq] ignored, q[created_at_gteq] ignored, q[id_gt] ignored, fields ignored',
  ]);
  expect(streams.map(({ declaration, rows }) => [declaration.name, rows])).toEqual([
    ['clients', { sweep: 3, open: 0, recent: 0 }],
    ['invoices', { sweep: 10, open: 10, recent: 10 }],
  ]);
});

test('a list in another order than asked for cannot be read, the other lists can', async () => {
  const shuffled = (path: string, asked: Asked): readonly unknown[] =>
    path === '/clients.json' ? sound(path, { ...asked, order: 'id desc' }) : sound(path, asked);
  const { lines, streams } = await check(api(shuffled));
  expect(lines[1]).toBe(
    'FAIL stream clients alfa: expected rows by ascending id with order=id asc, got another order; the stream cannot be read',
  );
  expect(streams.map(({ declaration }) => declaration.name)).toEqual(['invoices']);
});

test('an entity without a nip is read, and its line says that nothing shows whose key it is (I7)', async () => {
  const { lines } = await check(api(sound), null);
  expect(lines[0]).toBe(
    'ok   key alfa: belongs to NIP 1111111111, which will be remembered; without nip in its file nothing shows that this is the right company',
  );
});

test('filters without effect are named, and are no fault', async () => {
  const ids = [...Array(10).keys()].map((index) => index + 1);
  const paid = (_path: string, { order }: Asked): readonly unknown[] =>
    (order === 'id desc' ? ids.toReversed() : ids).map((id) => ({ id, paid_date: '2026-01-01' }));
  const { lines, streams } = await check(api(paid));
  expect(lines[3]).toContain('the date filter has NO effect: all rows are read and those outside the scope left out');
  expect(lines[3]).toContain('the filter of open documents has NO effect: the sweep finds what they come to');
  expect(streams).toHaveLength(2);
});

test.each([400, 404, 422])(
  'filters that are refused with %i are named, and are no fault, as a run rests those scans alone',
  async (status) => {
    const today = new Date().toISOString().slice(0, 10);
    const rest = api(sound);
    const refusing: Pick<Rest, 'accountDetails' | 'list'> = {
      ...rest,
      list: (stream, path, asked, offset, limit) => {
        const from = asked['q[invoice_date_gteq]'];
        const isRecent = from !== undefined && from > '2020-01-01' && from < today;
        if (!isRecent && asked['q[paid_date_null]'] === undefined) return rest.list(stream, path, asked, offset, limit);
        return throwError(() => new FatalError('refused', { reason: 'unexpected-status', parks: 'stream', status }));
      },
    };
    const { lines, streams } = await check(refusing);
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
    expect(lines[3]).toContain('the filter of recent documents is refused: the sweep finds what they come to');
    expect(lines[3]).toContain('the filter of open documents is refused: the sweep finds what they come to');
    expect(streams.map(({ rows }) => rows)[1]).toEqual({ sweep: 10, open: 0, recent: 0 });
  },
);

test.each([403, 404])(
  'a list that the account does not have is no fault of a stream that the file names (%i)',
  async (status) => {
    const rest = api(sound);
    const refusing: Pick<Rest, 'accountDetails' | 'list'> = {
      ...rest,
      list: (stream, path, asked, offset, limit) =>
        path === '/clients.json'
          ? rest.list(stream, path, asked, offset, limit)
          : throwError(() => new FatalError('refused', { reason: 'forbidden', parks: 'stream', status })),
    };
    const lines: string[] = [];
    const findings = createFindings((finding) => void lines.push(findingLine(finding)));
    const of = { ...entity, streams: ['clients', 'invoices', 'margin-invoices'] };
    const streams = await checkEntity(of, refusing, { before: null, recentDays: 45, ksef: null }, findings.attempt);
    expect(lines.filter((line) => line.includes('-invoices'))).toEqual([
      expect.stringMatching(/^ok {3}stream margin-invoices alfa: not available: refused; .* once a day$/),
    ]);
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([expect.stringContaining('stream invoices alfa')]);
    expect(streams.map(({ declaration }) => declaration.name)).toEqual(['clients']);
  },
);

test('what the totals of final invoices contain is told by what the account shows', async () => {
  const row = {
    id: 1,
    paid_date: null,
    previous_advances: [{ advance_price: 60_000 }],
    paid_price: 0,
    left_to_pay: 63_000,
  };
  const textOf = async (gross: number): Promise<string | undefined> => {
    const rest = api((_path, { 'q[invoice_date_gteq]': from }) =>
      from === '2999-01-01' ? [] : [{ ...row, gross_price: gross }],
    );
    const lines: string[] = [];
    const findings = createFindings((finding) => void lines.push(findingLine(finding)));
    const of = { ...entity, streams: ['final-invoices'] };
    await checkEntity(of, rest, { before: null, recentDays: 45, ksef: null }, findings.attempt);
    return lines.find((line) => line.includes('totals of final-invoices'));
  };
  expect(await textOf(123_000)).toMatch(/^ok .* the totals contain the advances, by 1 of the newest documents/);
  expect(await textOf(63_000)).toMatch(/^ok .* the totals do not contain the advances, by 1 of the newest documents/);
  expect(await textOf(1)).toMatch(/^ok .* no final invoice shows whether/);
});

test('a row without an id says nothing about the order', async () => {
  const { lines } = await check(api((path, asked) => ['stray', ...sound(path, asked), { id: 'x' }]));
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
});

test('streams are not looked at where the key belongs to another account', async () => {
  const rest = { ...api(sound), accountDetails: () => of({ taxId: '2222222222', accountUuid: null, name: null }) };
  const { lines, streams } = await check(rest);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^FAIL key alfa: .*another one/);
  expect(streams).toEqual([]);
});

test('I6: the newest page of each stream is held against its schema, without a value being told', async () => {
  const odd: typeof sound = (path, asked) =>
    sound(path, asked).map((row) => Object.assign({}, row, { notes: ['Secret-4711'], new_field: 'Secret-4711' }));
  const { lines, json } = await check(api(odd));
  const about = lines.filter((line) => line.includes('fields of invoices'));
  expect(about).toHaveLength(1);
  expect(about[0]).toMatch(
    /^ok {3}fields of invoices alfa: 10 rows looked at; values that do not fit: notes \(array\); fields that the schema does not know: new_field \(string\); fields that no row has: /,
  );
  expect(json).toMatchObject({
    fields: [
      { entity: 'alfa', stream: 'clients', rows: 3 },
      {
        entity: 'alfa',
        stream: 'invoices',
        rows: 10,
        misfits: [{ field: 'notes', types: ['array'], strict: false }],
        unknown: [{ field: 'new_field', types: ['string'] }],
        absent: expect.arrayContaining(['currency']) as string[],
      },
    ],
  });
  expect(lines.join() + JSON.stringify(json)).not.toContain('Secret');
});

describe('filters that may or may not work', () => {
  const days = ['2026-01-05', '2026-01-06', null];
  const rows = [3, 2, 1].map((id) => ({ id, paid_date: days[id - 1] ?? null, notes: '' }));
  /** A list whose filter by the day of the payment works, and which knows nothing of the others. */
  const paying: typeof sound = (_path, asked) => {
    if (asked['q[invoice_date_gteq]'] === '2999-01-01') return [];
    const since = asked['q[paid_date_gteq]'];
    const found = rows.filter(
      ({ paid_date: paid }) =>
        (since === undefined || (paid !== null && paid >= since)) &&
        (asked['q[paid_date_null]'] === undefined || paid === null),
    );
    return asked['order'] === 'id desc' ? found : found.toReversed();
  };

  test('are told of the first list whose rows are paid, with the reason where the verdict alone says little', async () => {
    const { lines, json } = await check(api(paying));
    expect(lines.filter((line) => line.includes('filters of'))).toEqual([
      'ok   filters of invoices alfa: q[paid_date_gteq] works, q[updated_at_gteq] ignored, q[created_at_gteq] ignored, q[id_gt] ignored, fields ignored',
    ]);
    expect(json).toMatchObject({
      filters: [{ stream: 'invoices', filter: 'q[paid_date_gteq]', verdict: 'works' }, {}, {}, {}, {}],
    });
    const odd: typeof sound = (path, asked) =>
      asked['q[id_gt]'] === undefined ? sound(path, asked) : sound(path, asked).slice(0, 1);
    const told = (await check(api(odd))).lines.find((line) => line.includes('filters of'));
    expect(told).toContain('q[id_gt] wrong (q[id_gt]=2147483647 gave 1 rows and was to give none)');
  });

  test('are not asked of a list without rows', async () => {
    const { lines } = await check(api(() => []));
    expect(lines.filter((line) => line.includes('filters of'))).toEqual([]);
  });
});

describe('requests', () => {
  /** The questions that a check asks, and what it says of invoices. */
  async function asked(rowsFor: typeof sound, startDate = entity.startDate) {
    const questions: string[] = [];
    const counting = api((path, question) => {
      questions.push(`${path} ${JSON.stringify(question)}`);
      return rowsFor(path, question);
    });
    const { lines } = await check(counting, entity.nip, startDate);
    return { questions, line: lines.find((line) => line.includes('stream invoices')) };
  }
  const since = (from: string | undefined): boolean => from !== undefined && from > '2020-01-01';

  test('one is enough for a list without rows', async () => {
    const { questions, line } = await asked(() => []);
    expect(questions).toHaveLength(2);
    expect(line).toBe('ok   stream invoices alfa: 0 rows from 2020-01-01 to now and beyond');
  });

  test('recent documents show that the date filter works where they are fewer', async () => {
    const few: typeof sound = (path, question) =>
      since(question['q[invoice_date_gteq]']) ? [] : sound(path, question);
    const { questions, line } = await asked(few);
    expect(questions.filter((question) => question.includes('"q[invoice_date_gteq]":"2999'))).toEqual([]);
    expect(line).toContain('the date filter works');
  });

  test('without start_date the line says how many rows of all are in scope', async () => {
    const some: typeof sound = (path, question) =>
      question['q[invoice_date_gteq]'] === undefined ? sound(path, question) : sound(path, question).slice(0, 3);
    const { questions, line } = await asked(some, null);
    expect(line).toMatch(
      /^ok {3}stream invoices alfa: 3 of 10 invoices: start_date not set, 90 days, from \d{4}-\d\d-\d\d, order by id is kept, the date filter works/,
    );
    expect(questions.filter((question) => question.includes('"q[invoice_date_gteq]":"2999'))).toEqual([]);
  });

  test('are never more than what is said before', async () => {
    for (const startDate of ['2020-01-01', null, 'all']) {
      const { questions } = await asked(sound, startDate);
      expect(questions.length + 1).toBeLessThanOrEqual(requestsFor({ ...entity, startDate }, null));
    }
  });
});
