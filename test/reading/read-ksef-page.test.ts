import { setImmediate as turn } from 'node:timers/promises';

import { createRandom, pick } from '../../simulator/random';
import { FatalError, TransientError } from '../../src/errors';
import type { Row, StreamDeclaration } from '../../src/model';
import { isWanted } from '../../src/rules/stream-schedule';
import type { Rest } from '../../src/sources/rest';
import { ksefNameOf, ksefStreams } from '../../src/sources/streams/ksef';
import { idOf, itemStream, rowOf, topicOf, type Fate, type ListRequest } from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { quiet, scene, when } from '../support/scene';

const invoices: StreamDeclaration = {
  ...itemStream('invoices', { address: 'uuid' }),
  detailOnlyFields: ['detail', 'ksef_data'],
};
const KSEF = ksefNameOf('invoices');
const TODAY = new Date().toISOString().slice(0, 10);
const COUNT = 12;

/** What a list does with `fields=`, from the proof on. */
type Mode =
  'works' | 'ignored' | 'some' | 'nulls' | 'foreign' | 'other-uuids' | 'shuffled' | 'few-rows' | 'refused' | 'down';

const invoice = (id: number): Row => ({
  id,
  uuid: `u-${id}`,
  number: `${id}/2026`,
  content: `invoice ${id}`,
  invoice_date: TODAY,
  kind: 'vat',
});
const cleared = (id: number) => ({ ksef_number: `number-${id}`, status: 'success', request_uuid: `r-${id}` });

/** A list whose filters are proven once; its documents are asked for by themselves only then. */
function company({ fate }: { readonly fate?: () => Fate } = {}) {
  const rows = Array.from({ length: COUNT }, (_, index) => invoice(index + 1));
  const data = new Map<number, unknown>(rows.map(({ id }) => [id, cleared(id)]));
  const random = createRandom(1);
  let mode: Mode = 'works';
  let proofs = 1;
  let isProven = false;
  const named = (row: unknown, index: number, all: readonly unknown[]): unknown => {
    const { id, uuid, number } = row as Row;
    const other = all[(index + 1) % all.length] as Row;
    const shown = { id, uuid, number };
    const whole = { ...shown, ksef_data: data.get(id) ?? null };
    if (mode === 'ignored' || (mode === 'some' && id % 2 === 0)) return row;
    if (mode === 'nulls') return { ...shown, ksef_number: null, ksef_data: null };
    if (mode === 'foreign') return { ...whole, ksef_number: `number-${id}`, ksef_data: data.get(other.id) };
    return mode === 'other-uuids' ? { ...whole, uuid: other['uuid'] } : whole;
  };
  const leave: Rest['leave'] = (grant, turnOf) => {
    let isOut = false;
    const ask = async (): Promise<void> => {
      const asker = (): string | undefined => turnOf?.()?.scan;
      const may = (): boolean => {
        if (asker() === 'proof') return proofs-- > 0;
        const urgency = turnOf?.()?.urgency;
        return urgency?.kind !== 'scheduled' || isWanted(urgency.worth());
      };
      while (!isOut && !may()) await turn();
      if (!isOut) grant({ done: () => undefined });
    };
    void ask();
    return () => {
      isOut = true;
    };
  };
  const isNamed = ({ params }: ListRequest): boolean => params['fields'] !== undefined;
  const here = scene({
    rows: { alfa: { invoices: rows } },
    streams: [invoices],
    besides: ksefStreams,
    kafka: fate === undefined ? {} : { fate },
    leave,
    before: (request) => {
      if (!isNamed(request) || !isProven) return;
      if (mode === 'refused')
        throw new FatalError('400', { reason: 'unexpected-status', parks: 'stream', status: 400 });
      if (mode === 'down') throw new TransientError('503', { status: 503 });
    },
    falsify: (answer, request) => {
      if (!isNamed(request)) return answer;
      const shown = answer.rows.map(named);
      const isOdd = isProven && (mode === 'shuffled' || mode === 'few-rows');
      if (!isOdd) return { ...answer, rows: shown };
      if (mode === 'shuffled') return { ...answer, rows: shown.toSorted(() => random() - 0.5) };
      return { ...answer, rows: [shown[0], shown.at(-1)] };
    },
    beforeDetail: async ({ address }) => {
      while (!isProven) await turn();
      const row = rows.find(({ uuid }) => uuid === address);
      return row === undefined ? null : { ...row, ksef_data: data.get(row.id) ?? null };
    },
  });
  const told = () =>
    here.kafka.records
      .filter(({ topic, value }) => topic === topicOf(KSEF) && value !== null)
      .map((record) => ({ id: idOf(record), row: rowOf(record), op: record.headers['op'] }));
  return {
    ...here,
    rows,
    data,
    told,
    /** The documents whose number was published, in the order of that. */
    numbered: () => told().flatMap(({ id, row }) => ((row['ksef_number'] ?? null) === null ? [] : [id])),
    pages: () => here.asked.filter(isNamed).length,
    set: (next: Mode) => {
      mode = next;
    },
    begin: async (readAfterMs: readonly number[] = [1, 20, 40, 80], limit = 8) => {
      const run = here.start({
        rhythm: { ...everySecondRhythm, provesFilters: true },
        ksef: { from: '2026-02-01', readAfterMs },
        limit,
      });
      const warnings = (): string[] => run.told.flatMap((each) => (each.kind === 'warning' ? [each.message] : []));
      await when(() => run.of('filters').length > 0);
      return { ...run, warnings };
    },
    proven: () => {
      isProven = true;
    },
  };
}

const all = Array.from({ length: COUNT }, (_, index) => index + 1);
const ascending = (ids: readonly number[]) => ids.toSorted((one, other) => one - other);

test('where lists tell it, documents are read by pages, and each number is told once as its detail would', async () => {
  const here = company();
  await here.begin();
  here.proven();
  await when(() => here.numbered().length === COUNT);
  await quiet();
  expect(ascending(here.numbered())).toEqual(all);
  // The proof and two pages; the first document had been asked for before.
  expect(here.pages()).toBeLessThanOrEqual(4);
  expect(here.askedAlone.length).toBeLessThanOrEqual(1);
  expect(here.told().map(({ row }) => row['read_from'])).toContain('list');
  for (const { id, row } of here.told())
    expect(row).toMatchObject({ uuid: `u-${id}`, number: `${id}/2026`, ...cleared(id) });
  expect(here.kafka.records.filter(({ topic }) => topic === topicOf('invoices'))).toHaveLength(COUNT);
});

test('one document that is due alone is asked for by itself', async () => {
  const here = company();
  await here.begin([5, 50]);
  here.proven();
  await when(() => here.numbered().length === COUNT);
  const before = [here.pages(), here.askedAlone.length];
  here.rows.push(invoice(13));
  here.data.set(13, cleared(13));
  await when(() => here.numbered().includes(13));
  expect([here.pages(), here.askedAlone.length]).toEqual([before[0], (before[1] ?? 0) + 1]);
});

test('what a page does not show is asked for by itself, and a document without data is read by pages once its detail said the same', async () => {
  const here = company();
  const without = [2, 3, 5, 8, 9, 12];
  for (const id of without) here.data.delete(id);
  const run = await here.begin([1, 20, 40, 80, 160, 320]);
  here.proven();
  await when(() => new Set(here.told().map(({ id }) => id)).size === COUNT);
  expect(ascending(here.numbered())).toEqual(all.filter((id) => !without.includes(id)));
  const asks = (id: number) => here.askedAlone.filter(({ address }) => address === `u-${id}`).length;
  await when(() => here.pages() > 6);
  expect(without.every((id) => asks(id) >= 1)).toBe(true);
  expect(here.told()).toHaveLength(COUNT);
  for (const id of without) here.data.set(id, cleared(id));
  await when(() => here.numbered().length === COUNT);
  expect(run.warnings()).toEqual([]);
});

test.each<[Mode, string | null]>([
  ['ignored', 'rows came without ksef_data'],
  ['some', null],
  ['nulls', null],
  ['foreign', 'came with another ksef_data than its own'],
  ['other-uuids', 'came with another uuid'],
  ['shuffled', 'rows came in another order than was asked for'],
  ['few-rows', '6 of 6 rows did not come that the list has'],
  ['refused', 'the API refuses such a list'],
  ['down', null],
])('%s after the proof loses, doubles and falsifies nothing', async (mode, notice) => {
  const here = company();
  const run = await here.begin();
  here.set(mode);
  here.proven();
  await when(() => new Set(here.numbered()).size === COUNT);
  await quiet();
  expect(ascending(here.numbered())).toEqual(all);
  for (const { id, row } of here.told()) expect(row).toMatchObject({ uuid: `u-${id}`, ...cleared(id) });
  const retired = run.warnings().filter((text) => text.includes('fields='));
  expect(retired).toEqual(notice === null ? [] : [expect.stringContaining(notice)]);
  const standing = run.told.findLast((each) => each.kind === 'filters')?.standings;
  const verdict = standing?.find(({ candidate }) => candidate.kind === 'fields')?.verdict;
  expect(verdict).toBe(notice === null ? 'works' : 'retired');
  expect(run.of('parked')).toEqual([]);
});

test('a page that shows none of the data that a document had is a surprise', async () => {
  const here = company();
  for (const id of all) here.data.set(id, { status: 'pending', request_uuid: `r-${id}` });
  const run = await here.begin([1, 100, 200, 400]);
  here.proven();
  await when(() => new Set(here.told().map(({ id }) => id)).size === COUNT);
  here.set('nulls');
  await when(() => run.warnings().some((text) => text.includes('came without data of KSeF that it had')));
  for (const id of all) here.data.set(id, cleared(id));
  await when(() => here.numbered().length === COUNT);
  await quiet();
  expect(here.told()).toHaveLength(2 * COUNT);
});

test.each([1, 2])('every number is told once however transactions end and the list behaves, story %i', async (seed) => {
  const random = createRandom(seed);
  const ends = ['lost', 'lost-though-committed', 'lost-and-committed-late'] as const;
  const here = company({ fate: () => (random() < 0.7 ? 'committed' : pick(random, ends)) });
  for (const id of all) here.data.set(id, { status: 'pending', request_uuid: `r-${id}` });
  const run = await here.begin([1, 3, 5, 7, 9]);
  here.proven();
  await when(() => here.told().length > 3);
  for (const id of all) {
    here.set(pick(random, ['works', 'some', 'nulls', 'down']));
    here.data.set(id, cleared(id));
    await turn();
  }
  here.set('works');
  await when(() => new Set(here.numbered()).size === COUNT);
  await quiet();
  expect(ascending(here.numbered())).toEqual(all);
  expect(run.of('parked')).toEqual([]);
});
