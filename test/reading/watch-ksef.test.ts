import { setImmediate as turn } from 'node:timers/promises';

import type { Row, StreamDeclaration } from '../../src/model';
import { ksefNameOf, ksefStreams } from '../../src/sources/streams/ksef';
import { idOf, itemStream, rowOf, topicOf, type ListRequest } from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { createTestHints } from '../support/hints';
import { quiet, scene, when } from '../support/scene';

const clients: StreamDeclaration = itemStream('clients', { address: 'uuid' });
const invoices: StreamDeclaration = itemStream('invoices', { address: 'uuid' });
const corrections: StreamDeclaration = itemStream('corrective-invoices', { address: 'uuid' });
const document = (id: number): Row => ({
  id,
  uuid: `u-${id}`,
  content: 'first',
  invoice_date: '2026-03-01',
  kind: 'vat',
});

test('documents of every page are noted, those of two streams apart, and of other streams none', async () => {
  const rows = Array.from({ length: 9 }, (_, index) => document(index + 1));
  const here = scene({
    rows: { alfa: { clients: [document(1)], invoices: rows, 'corrective-invoices': [document(4)] } },
    streams: [clients, invoices, corrections],
    besides: ksefStreams,
  });
  here.start({ rhythm: everySecondRhythm, ksef: { from: '2026-02-01', readAfterMs: [1] } });
  const told = (stream: string) =>
    here.kafka.records.filter(({ topic }) => topic === topicOf(ksefNameOf(stream))).map((record) => idOf(record));
  await when(() => told('invoices').length === 9 && told('corrective-invoices').length === 1);
  expect(told('invoices').toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(here.askedAlone.filter(({ stream }) => stream === 'clients')).toEqual([]);
  const headers = here.kafka.records.flatMap(({ headers: { id = '', stream } }) => (stream === 'ksef' ? [id] : []));
  expect(headers).toContain('alfa/corrective-invoices/4');
});

test('a page that was asked for before a document was read says nothing of it that is newer', async () => {
  const day = new Date().toISOString().slice(0, 10);
  // What is read of the second one makes nothing be forgotten of the first.
  const rows = [1, 2].map((id): Row => ({ ...document(id), invoice_date: day }));
  const isSweep = ({ params }: ListRequest): boolean => params['order'] === 'id asc';
  let isHeld = false;
  let isLate = false;
  let status = 'pending';
  const here = scene({
    rows: { alfa: { invoices: rows } },
    streams: [invoices],
    besides: ksefStreams,
    before: async (request) => {
      // A later sweep is asked for before the detail, and answered after it.
      while (isHeld && isSweep(request)) {
        isLate = true;
        await turn();
      }
    },
    falsify: (answer, request) =>
      isLate && isSweep(request)
        ? { ...answer, rows: answer.rows.map((row) => ({ ...(row as Row), ksef_data: { status: 'pending' } })) }
        : answer,
    beforeDetail: ({ address }) => ({
      ...document(address === 'u-1' ? 1 : 2),
      ksef_data: { status, request_uuid: 'r' },
    }),
  });
  const states = () =>
    here.kafka.records
      .filter(({ topic }) => topic === topicOf(ksefNameOf('invoices')))
      .map((record) => rowOf(record)['status']);
  here.start({ rhythm: everySecondRhythm, ksef: { from: '2026-02-01', readAfterMs: [1, 1_500] } });
  await when(() => states().length === 2);
  isHeld = true;
  await when(() => isLate);
  status = 'sent';
  await when(() => states().length === 4);
  isHeld = false;
  await when(() => here.kafka.records.filter(({ topic }) => topic === topicOf('invoices')).length === 4);
  await quiet();
  expect(states().slice(0, 4)).toEqual(['pending', 'pending', 'sent', 'sent']);
  expect(states().filter((state) => state === 'pending')).toHaveLength(2);
});

test('a webhook of KSeF has its document read at once, and no other webhook does', async () => {
  const day = new Date().toISOString().slice(0, 10);
  const here = scene({
    rows: { alfa: { invoices: [1, 2].map((id) => ({ ...document(id), invoice_date: day })) } },
    streams: [invoices],
    besides: ksefStreams,
  });
  const hints = createTestHints();
  const asks = (id: number) => here.askedAlone.filter(({ address }) => address === `u-${id}`).length;
  here.start({
    rhythm: everySecondRhythm,
    ksef: { from: '2026-02-01', readAfterMs: [3_600_000] },
    hints: hints.source,
  });
  await when(() => hints.takers.size === 1 && asks(1) === 1 && asks(2) === 1);
  hints.give('alfa invoices', { kind: 'paid', uuid: 'u-2' });
  hints.give('alfa invoices', { kind: 'ksef', uuid: 'u-1' });
  await when(() => asks(1) === 2);
  await quiet();
  expect([asks(1), asks(2)]).toEqual([2, 1]);
});
