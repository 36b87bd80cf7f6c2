import { ksefNameOf, ksefStreams } from '../../src/sources/streams/ksef';
import type { Row } from '../../src/model';
import { idOf, itemStream, rowOf, topicOf } from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { quiet, scene, when } from '../support/scene';

const invoices = itemStream('invoices', { address: 'uuid' });
const document = (id: number, invoice_date: string, content = 'first'): Row => ({
  id,
  uuid: `u-${id}`,
  content,
  invoice_date,
  kind: 'vat',
});

/** Documents of which inFakt shows no data of KSeF unless they are set. */
function documents(rows: Row[]) {
  const data = new Map<string, unknown>();
  const here = scene({
    rows: { alfa: { invoices: rows } },
    streams: [invoices],
    besides: ksefStreams,
    beforeDetail: ({ address }) => {
      const row = rows.find(({ uuid }) => uuid === address);
      return row === undefined ? null : { ...row, ksef_data: data.get(address) ?? null };
    },
  });
  const asks = (id: number) => here.askedAlone.filter(({ address }) => address === `u-${id}`).length;
  const told = () =>
    here.kafka.records
      .filter(({ topic }) => topic === topicOf(ksefNameOf('invoices')))
      .map((record) => [idOf(record), rowOf(record)['ksef_number'] ?? null]);
  const begin = () => here.start({ rhythm: everySecondRhythm, ksef: { from: '2020-01-01', readAfterMs: [1] } });
  return { ...here, data, asks, told, begin };
}

const today = new Date().toISOString().slice(0, 10);

test('a document that is too old to be followed is asked for once, also over a restart, and again when its row changes', async () => {
  const rows = [document(1, '2020-02-01'), document(2, today)];
  const here = documents(rows);
  const first = here.begin();
  await when(() => here.asks(1) === 1 && here.asks(2) > 1);
  first.kill();
  const second = here.begin();
  const before = here.asks(2);
  await when(() => here.asks(2) > before && second.of('swept').length > 1);
  expect([here.asks(1), here.told()]).toEqual([
    1,
    [
      [1, null],
      [2, null],
    ],
  ]);
  second.kill();
  here.data.set('u-1', { ksef_number: 'number-1' });
  rows[0] = document(1, '2020-02-01', 'changed');
  here.begin();
  await when(() => here.told().length === 3);
  await quiet();
  expect([here.told()[2], here.asks(1)]).toEqual([[1, 'number-1'], 2]);
});

test('what was read of a document that is gone meanwhile is neither told nor asked for again', async () => {
  const rows = [document(1, today), document(2, today)];
  const here = documents(rows);
  here.start({
    rhythm: everySecondRhythm,
    ksef: { from: '2020-01-01', readAfterMs: [1] },
    deletions: { maxShare: 1, confirm: null },
  });
  await when(() => here.asks(1) > 0 && here.asks(2) > 0);
  rows.shift();
  const isGone = () => here.kafka.records.some(({ value, topic }) => value === null && topic === topicOf('invoices'));
  await when(isGone);
  const before = here.asks(1);
  const others = here.asks(2);
  await when(() => here.asks(2) > others + 1);
  // One request may have been under way.
  expect(here.asks(1) - before).toBeLessThanOrEqual(1);
  expect(here.kafka.records.filter(({ value }) => value === null)).toHaveLength(2);
});
