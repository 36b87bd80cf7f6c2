import { createRandom, pick } from '../../simulator/random';
import { FatalError } from '../../src/errors';
import type { Row, StreamDeclaration } from '../../src/model';
import { ksefNameOf, ksefStreams } from '../../src/sources/streams/ksef';
import {
  cursorOfScan,
  idOf,
  itemStream,
  ledgerIn,
  rowOf,
  topicOf,
  type DetailAnswer,
  type Fate,
} from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { quiet, scene, when, type Running, type Scene, type Setting } from '../support/scene';

const invoices: StreamDeclaration = itemStream('invoices', { address: 'uuid' });
const KSEF = ksefNameOf('invoices');
const FROM = '2026-02-01';
const TODAY = new Date().toISOString().slice(0, 10);

const invoice = (id: number, more: Readonly<Record<string, unknown>> = {}): Row => ({
  id,
  uuid: `u-${id}`,
  content: `invoice ${id}`,
  invoice_date: TODAY,
  kind: 'vat',
  ...more,
});

interface InKsef extends Scene {
  readonly rows: Row[];
  /** What the detail of a document says of KSeF, by its uuid; nothing unless set. */
  readonly data: Map<string, unknown>;
  readonly begin: (readAfterMs?: readonly number[] | null) => Running;
  /** What was published of KSeF: the id, the number, and what the record is. */
  readonly told: () => readonly (readonly [id: number, number: unknown, op: string | undefined])[];
  /** How often a document was asked for by its address. */
  readonly asks: (id: number) => number;
}

function inKsef(
  rows: Row[],
  answer: (row: Row) => DetailAnswer = () => undefined,
  kafka: Setting['kafka'] = {},
): InKsef {
  const data = new Map<string, unknown>();
  const here = scene({
    rows: { alfa: { invoices: rows } },
    streams: [invoices],
    besides: ksefStreams,
    kafka,
    beforeDetail: ({ address }) => {
      const row = rows.find(({ uuid }) => uuid === address);
      return row === undefined ? null : (answer(row) ?? { ...row, ksef_data: data.get(address) ?? null });
    },
  });
  return {
    ...here,
    rows,
    data,
    begin: (readAfterMs = [1, 10, 20, 40]) =>
      here.start({ rhythm: everySecondRhythm, ksef: readAfterMs === null ? null : { from: FROM, readAfterMs } }),
    told: () =>
      here.kafka.records
        .filter(({ topic }) => topic === topicOf(KSEF))
        .map((record) => [
          idOf(record),
          record.value === null ? null : (rowOf(record)['ksef_number'] ?? null),
          record.headers['op'],
        ]),
    asks: (id) => here.askedAlone.filter(({ address }) => address === `u-${id}`).length,
  };
}

const cleared = (number: string) => ({ ksef_number: number, status: 'success' });
const recordsOfRows = ({ kafka }: Scene) => kafka.records.filter(({ topic }) => topic === topicOf('invoices'));

test('each document that KSeF concerns is told once with its number, and its own record does not change by it', async () => {
  const here = inKsef([invoice(1), invoice(2, { kind: 'proforma' }), invoice(3, { invoice_date: '2026-01-31' })]);
  here.data.set('u-1', cleared('number-1'));
  here.begin();
  await when(() => here.told().length === 1);
  here.rows.push(invoice(4));
  here.data.set('u-4', cleared('number-4'));
  await when(() => here.told().length === 2);
  await quiet();
  expect(here.told()).toEqual([
    [1, 'number-1', 'r'],
    [4, 'number-4', 'r'],
  ]);
  expect([1, 2, 3, 4].map((id) => here.asks(id))).toEqual([1, 0, 0, 1]);
  expect(recordsOfRows(here)).toHaveLength(4);
  expect(here.kafka.records.find(({ topic }) => topic === topicOf(KSEF))?.headers).toMatchObject({
    id: 'alfa/invoices/1',
    stream: 'ksef',
    scan: 'spot',
  });
});

test('documents dated before the first day that is set are not asked for', async () => {
  const here = inKsef([invoice(1, { invoice_date: '2026-03-31' }), invoice(2, { invoice_date: '2026-04-01' })]);
  here.start({ rhythm: everySecondRhythm, ksef: { from: '2026-04-01', readAfterMs: [1] } });
  await when(() => here.told().length === 1);
  await quiet();
  expect(here.told()).toEqual([[2, null, 'r']]);
  expect(here.asks(1)).toBe(0);
});

test('a document is read again until it has its number, and each state of it is told once', async () => {
  const here = inKsef([invoice(1)]);
  here.begin();
  await when(() => here.asks(1) === 2);
  here.data.set('u-1', { ksef_number: null, status: 'pending' });
  await when(() => here.told().length === 2);
  here.data.set('u-1', cleared('number-1'));
  await when(() => here.told().length === 3);
  const asks = here.asks(1);
  await quiet();
  expect(here.told()).toEqual([
    [1, null, 'r'],
    [1, null, 'u'],
    [1, 'number-1', 'u'],
  ]);
  expect(here.asks(1)).toBe(asks);
});

test('after a crash a settled document is not asked for, an open one is, and nothing is told twice', async () => {
  const here = inKsef([invoice(1), invoice(2)]);
  here.data.set('u-1', cleared('number-1'));
  const first = here.begin();
  await when(() => here.told().length === 2);
  first.kill();
  const before = here.asks(2);
  here.begin();
  await when(() => here.asks(2) > before + 1);
  here.data.set('u-2', cleared('number-2'));
  await when(() => here.told().length === 3);
  expect(here.told()).toEqual([
    [1, 'number-1', 'r'],
    [2, null, 'r'],
    [2, 'number-2', 'u'],
  ]);
  expect(here.asks(1)).toBe(1);
});

test.each([1, 2, 3])('every state is told once however transactions end, story %i', async (seed) => {
  const random = createRandom(seed);
  const ends = ['lost', 'lost-though-committed', 'lost-and-committed-late'] as const;
  let lost = 0;
  const fate = (): Fate => {
    if (random() < 0.6) return 'committed';
    lost += 1;
    return pick(random, ends);
  };
  const here = inKsef(
    Array.from({ length: 12 }, (_, index) => invoice(index + 1)),
    () => undefined,
    { fate },
  );
  const ids = here.rows.map(({ id }) => id);
  for (const id of ids) here.data.set(`u-${id}`, { ksef_number: null, status: 'pending' });
  const first = here.begin([1, 3, 5, 7, 9]);
  await when(() => new Set(here.told().map(([id]) => id)).size > 6);
  first.kill();
  here.begin([1, 3, 5, 7, 9]);
  for (const id of ids) here.data.set(`u-${id}`, cleared(`number-${id}`));
  const numbered = () => here.told().filter(([, number]) => number !== null);
  await when(() => new Set(numbered().map(([id]) => id)).size === ids.length);
  await quiet();
  expect(lost).toBeGreaterThan(5);
  expect(
    numbered()
      .map(([id]) => id)
      .toSorted((one, other) => one - other),
  ).toEqual(ids);
  for (const id of ids)
    expect([[`number-${id}`], [null, `number-${id}`]]).toContainEqual(
      here.told().flatMap(([told, number]) => (told === id ? [number] : [])),
    );
});

test('a settled document whose row changes is read again, and not before', async () => {
  const here = inKsef([invoice(1)]);
  here.data.set('u-1', cleared('number-1'));
  here.begin();
  await when(() => here.told().length === 1);
  here.data.set('u-1', cleared('number-2'));
  await quiet();
  expect(here.asks(1)).toBe(1);
  here.rows[0] = invoice(1, { content: 'corrected' });
  await when(() => here.told().length === 2);
  expect(here.told()[1]).toEqual([1, 'number-2', 'u']);
});

test('a document that is deleted takes with it what was told of it', async () => {
  const rows = [invoice(1), invoice(2), invoice(3)];
  const here = inKsef(rows);
  for (const id of [1, 2, 3]) here.data.set(`u-${id}`, cleared(`number-${id}`));
  here.start({
    rhythm: everySecondRhythm,
    ksef: { from: FROM, readAfterMs: [1] },
    deletions: { maxShare: 1, confirm: null },
  });
  await when(() => here.told().length === 3);
  rows.splice(1, 1);
  await when(() => here.told().length === 4);
  expect(here.told()[3]).toEqual([2, null, 'd']);
  const gone = here.kafka.records.filter(({ headers }) => headers['op'] === 'd');
  expect(gone.map(({ topic, headers }) => [topic, headers['id']])).toEqual([
    [topicOf('invoices'), 'alfa/2'],
    [topicOf(KSEF), 'alfa/invoices/2'],
  ]);
  expect(ledgerIn(here.kafka, 'alfa', KSEF).has(2)).toBe(false);
});

test('a document whose detail is refused holds up no other and parks nothing', async () => {
  const here = inKsef([invoice(1), invoice(2)], ({ id }) => {
    if (id !== 1) return undefined;
    throw new FatalError('500', { reason: 'unexpected-status', parks: 'stream', status: 422 });
  });
  here.data.set('u-2', cleared('number-2'));
  const run = here.begin();
  await when(() => here.told().length === 1 && here.asks(1) > 1);
  expect(here.told()).toEqual([[2, 'number-2', 'r']]);
  expect(run.of('parked')).toEqual([]);
});

test('nothing is asked of KSeF where nobody wants it', async () => {
  const here = inKsef([invoice(1)]);
  const run = here.begin(null);
  await when(() => run.of('swept').length > 0);
  await quiet();
  expect([
    here.asks(1),
    here.told(),
    cursorOfScan(here.kafka, { entity: 'alfa', stream: KSEF, scan: 'sweep' }),
  ]).toEqual([0, [], null]);
});

describe('lists that show what KSeF says', () => {
  const listed = (id: number, data: unknown, more = {}) => invoice(id, { ksef_data: data, ...more });
  const readFrom = (here: Scene) =>
    here.kafka.records
      .filter(({ topic, value }) => topic === topicOf(KSEF) && value !== null)
      .map((record) => rowOf(record)['read_from']);

  test('no document is asked for whose row has its data', async () => {
    const rows = [1, 2, 3, 4, 5, 6].map((id) => listed(id, cleared(`number-${id}`)));
    const here = inKsef(rows);
    const run = here.begin();
    await when(() => here.told().length === 6 && run.of('swept').length > 1);
    await quiet();
    const numbers = here.told().toSorted(([one], [other]) => one - other);
    expect(numbers.map(([id, number]) => [id, number])).toEqual(rows.map(({ id }) => [id, `number-${id}`]));
    expect([here.askedAlone, new Set(readFrom(here))]).toEqual([[], new Set(['list'])]);
    expect(recordsOfRows(here)).toHaveLength(6);
  });

  test('a list that has the field and no value in it proves nothing', async () => {
    const here = inKsef([listed(1, null, { ksef_number: null })]);
    here.data.set('u-1', cleared('number-1'));
    here.begin();
    await when(() => here.told().length === 1);
    expect([here.told(), readFrom(here)]).toEqual([[[1, 'number-1', 'r']], ['detail']]);
  });

  test('a row that contradicts itself has its document asked for', async () => {
    const here = inKsef([listed(1, cleared('number-2'), { ksef_number: 'number-1' })]);
    here.data.set('u-1', cleared('number-1'));
    here.begin();
    await when(() => here.told().length === 1);
    expect([here.told(), readFrom(here)]).toEqual([[[1, 'number-1', 'r']], ['detail']]);
  });

  test('a document that is pending is told of by its row, and its number by whichever shows it first', async () => {
    const here = inKsef([listed(1, { ksef_number: null, status: 'pending' })]);
    here.begin([3_600_000]);
    await when(() => here.told().length === 1);
    here.rows[0] = listed(1, cleared('number-1'));
    await when(() => here.told().length === 2);
    await quiet();
    expect(here.told()).toEqual([
      [1, null, 'r'],
      [1, 'number-1', 'u'],
    ]);
    expect(here.asks(1)).toBe(0);
  });

  test('a document that was given up gets the number that its changed row shows, over a restart', async () => {
    const old = { invoice_date: new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10) };
    const here = inKsef([listed(1, null, old)]);
    const first = here.begin();
    await when(() => here.told().length === 1);
    await quiet();
    const asked = here.asks(1);
    await when(() => first.of('swept').length > 2);
    expect([here.told(), here.asks(1)]).toEqual([[[1, null, 'r']], asked]);
    first.kill();
    here.rows[0] = listed(1, cleared('number-1'), { ...old, content: 'sent late' });
    here.data.set('u-1', cleared('number-1'));
    here.begin();
    await when(() => here.told().length === 2);
    expect(here.told()[1]).toEqual([1, 'number-1', 'u']);
  });

  test('the number alone is enough of a document that was never read, and of another has it read at once', async () => {
    const here = inKsef([invoice(1, { ksef_number: 'number-1' }), invoice(2)]);
    here.data.set('u-2', { ksef_number: null, status: 'pending' });
    here.begin([3_600_000]);
    await when(() => here.told().length === 2);
    here.data.set('u-2', cleared('number-2'));
    here.rows[1] = invoice(2, { ksef_number: 'number-2' });
    await when(() => here.told().length === 3);
    await quiet();
    expect(here.told().toSorted(([one], [other]) => one - other)).toEqual([
      [1, 'number-1', 'r'],
      [2, null, 'r'],
      [2, 'number-2', 'u'],
    ]);
    expect([here.asks(1), here.asks(2)]).toEqual([0, 2]);
    // A payment changes the rows, which show the number still.
    here.rows.splice(0, 2, ...here.rows.map((row) => ({ ...row, content: 'paid' })));
    await when(() => recordsOfRows(here).length === 5);
    await quiet();
    expect([here.told().length, here.asks(1), here.asks(2)]).toEqual([3, 0, 2]);
  });

  test('every number is told once however transactions end', async () => {
    const random = createRandom(7);
    const fate = (): Fate => (random() < 0.6 ? 'committed' : pick(random, ['lost', 'lost-and-committed-late']));
    const rows = Array.from({ length: 12 }, (_, index) => listed(index + 1, { status: 'pending' }));
    const here = inKsef(rows, () => undefined, { fate });
    for (const { id } of rows) here.data.set(`u-${id}`, { status: 'pending' });
    const first = here.begin([1, 3, 5]);
    await when(() => here.told().length > 6);
    first.kill();
    here.begin([1, 3, 5]);
    for (const { id } of [...rows]) {
      here.data.set(`u-${id}`, cleared(`number-${id}`));
      rows[id - 1] = id % 3 === 0 ? invoice(id) : listed(id, cleared(`number-${id}`));
    }
    const numbered = () => here.told().filter(([, number]) => number !== null);
    await when(() => new Set(numbered().map(([id]) => id)).size === rows.length);
    await quiet();
    expect(numbered()).toHaveLength(rows.length);
  });
});

test('a refused document that is corrected is read again, also where the process ended in between', async () => {
  const here = inKsef([invoice(1)]);
  here.data.set('u-1', { ksef_number: null, status: 'error' });
  const first = here.begin([3_600_000]);
  await when(() => here.told().length === 1);
  here.rows[0] = invoice(1, { content: 'corrected' });
  await when(() => recordsOfRows(here).length === 2);
  first.kill();
  here.data.set('u-1', cleared('number-1'));
  here.begin();
  await when(() => here.told().length === 2);
  expect(here.told()[1]).toEqual([1, 'number-1', 'u']);
});

describe('documents as users of KSeF have met them', () => {
  const duplicate = {
    ksef_number: null,
    status: 'error',
    status_description:
      'Duplikat faktury. Faktura o numerze KSeF: 1111111111-20260301-0E00E071034B-CF została już prawidłowo przesłana',
  };

  // CIRFMF/ksef-api#786, and #300 and #380 for where the other number stands.
  test('one that was refused as a duplicate and taken after all gets its number without a change of its own, and none out of the words', async () => {
    const here = inKsef([invoice(1)]);
    here.data.set('u-1', duplicate);
    here.begin();
    await when(() => here.told().length === 1);
    expect(here.told()).toEqual([[1, null, 'r']]);
    here.data.set('u-1', cleared('1111111111-20260301-0E00E071034B-CF'));
    await when(() => here.told().length === 2);
    expect(here.told()[1]).toEqual([1, '1111111111-20260301-0E00E071034B-CF', 'u']);
    expect(recordsOfRows(here)).toHaveLength(1);
  });

  // CIRFMF/ksef-api#410.
  test('one whose sending shows a number of its own gets the number of KSeF that comes later', async () => {
    const here = inKsef([invoice(1)]);
    here.data.set('u-1', { ksef_number: '20260301-EE-3177A16000-AF8B57869F-0D', status: 'sent' });
    here.begin();
    await when(() => here.told().length === 1);
    here.data.set('u-1', cleared('1111111111-20260301-0100A0078A36-ED'));
    await when(() => here.told().length === 2);
    expect(here.told()[1]).toEqual([1, '1111111111-20260301-0100A0078A36-ED', 'u']);
  });

  // CIRFMF/ksef-api#446.
  test('two of one invoice number that KSeF has both taken are told each with its own', async () => {
    const here = inKsef([invoice(1, { number: 'FV/003/11/2026' }), invoice(2, { number: 'FV/003/11/2026' })]);
    here.data.set('u-1', cleared('1111111111-20261120-0100605F504B-2F'));
    here.data.set('u-2', cleared('1111111111-20261208-010000D14D63-FE'));
    here.begin();
    await when(() => here.told().length === 2);
    expect(new Map(here.told().map(([id, number]) => [id, number]))).toEqual(
      new Map([
        [1, '1111111111-20261120-0100605F504B-2F'],
        [2, '1111111111-20261208-010000D14D63-FE'],
      ]),
    );
  });

  // toudi/ksef#20: hours between the number and the end of what goes on around it.
  test('one that is worked on for hours is told again when that has come to an end', async () => {
    const here = inKsef([invoice(1)]);
    here.data.set('u-1', { ksef_number: '1111111111-20260301-0100A0078A36-ED', status: 'pending' });
    here.begin();
    await when(() => here.told().length === 1);
    await when(() => here.asks(1) > 3);
    here.data.set('u-1', cleared('1111111111-20260301-0100A0078A36-ED'));
    await when(() => here.told().length === 2);
    const asked = here.asks(1);
    await quiet();
    expect(here.asks(1)).toBe(asked);
  });
});
