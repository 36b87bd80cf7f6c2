import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';

import { createRandom, integer, pick, type Random } from '../../simulator/random';
import type { Row, StreamDeclaration } from '../../src/model';
import { isWanted } from '../../src/rules/stream-schedule';
import type { Rest } from '../../src/sources/rest';
import { ksefNameOf, ksefStreams } from '../../src/sources/streams/ksef';
import { idOf, itemStream, rowOf, topicOf, type Fate, type ListRequest } from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { quiet, scene, when, type Running, type Scene } from '../support/scene';

/** Raise it to search longer: `KSEF_RUNS=500`. */
const runs = Number(process.env['KSEF_RUNS'] ?? 3);
const CRASHES = 21;
const invoices: StreamDeclaration = {
  ...itemStream('invoices', { address: 'uuid' }),
  detailOnlyFields: ['detail', 'ksef_data'],
};
const TODAY = new Date().toISOString().slice(0, 10);

/** What lists show of KSeF: of themselves, and asked by name. */
const listModes = ['absent', 'data', 'number', 'some', 'nulls'] as const;
const fieldModes = ['ignored', 'works', 'some', 'nulls'] as const;

interface Story {
  readonly seed: number;
  readonly list: (typeof listModes)[number];
  readonly fields: (typeof fieldModes)[number];
}

const stories: fc.Arbitrary<Story> = fc.record({
  seed: fc.nat(1_000_000),
  list: fc.constantFrom(...listModes),
  fields: fc.constantFrom(...fieldModes),
});

/** A document and what became of it in KSeF. */
interface Document {
  readonly id: number;
  edits: number;
  state: 'none' | 'pending' | 'error' | 'cleared';
}

/** What the detail of a document says of KSeF. */
function dataOf({ id, state }: Document): Readonly<Record<string, unknown>> | null {
  if (state === 'none') return null;
  const number = state === 'cleared' ? `number-${id}` : null;
  return { ksef_number: number, status: state === 'cleared' ? 'success' : state, request_uuid: `r-${id}` };
}

/** One company whose documents come, are paid, cleared, refused and corrected while its service crashes again and again. */
class Company {
  readonly random: Random;
  readonly documents: Document[] = [];
  readonly here: Scene;
  /** Requests and transactions by the process that runs. */
  steps = 0;
  calm = false;
  readonly #rows: Row[] = [];
  #proofs = 0;
  #fieldsWork = false;

  constructor(private readonly story: Story) {
    this.random = createRandom(story.seed);
    this.here = scene({
      rows: { alfa: { invoices: this.#rows } },
      streams: [invoices],
      besides: ksefStreams,
      kafka: { fate: () => this.fate() },
      leave: this.leave,
      before: () => void (this.steps += 1),
      falsify: (answer, request) => this.falsify(answer, request),
      beforeDetail: ({ address }) => {
        this.steps += 1;
        const document = this.documents.find(({ id }) => `u-${id}` === address);
        return document === undefined ? null : { ...this.plain(document), ksef_data: dataOf(document) };
      },
    });
  }

  plain({ id, edits }: Document): Row {
    const content = `invoice ${id}, edit ${edits}`;
    return { id, uuid: `u-${id}`, number: `${id}/2026`, content, invoice_date: TODAY, kind: 'vat' };
  }

  listed(document: Document): Row {
    const { list } = this.story;
    const row = this.plain(document);
    const data = dataOf(document);
    const number = data?.['ksef_number'] ?? null;
    if (list === 'absent' || (list === 'some' && document.id % 2 === 0)) return row;
    if (list === 'nulls') return { ...row, ksef_number: null, ksef_data: null };
    return list === 'number' ? { ...row, ksef_number: number } : { ...row, ksef_number: number, ksef_data: data };
  }

  falsify<T extends { readonly rows: readonly unknown[] }>(answer: T, { params }: ListRequest): T {
    const fields = this.#fieldsWork && this.story.fields !== 'ignored' ? this.story.fields : 'works';
    if (params['fields'] === undefined || this.story.fields === 'ignored') return answer;
    // The first answer is the proof's.
    this.#fieldsWork = true;
    const rows = (answer.rows as readonly Row[]).map(({ id, uuid, number }) => {
      const document = this.documents.find((each) => each.id === id);
      const data = document === undefined ? null : dataOf(document);
      if (fields === 'some' && id % 3 === 0) return { id, uuid, number };
      if (fields === 'nulls') return { id, uuid, number, ksef_number: null, ksef_data: null };
      return { id, uuid, number, ksef_number: data?.['ksef_number'] ?? null, ksef_data: data };
    });
    return { ...answer, rows };
  }

  fate(): Fate {
    this.steps += 1;
    if (this.calm || this.random() < 0.85) return 'committed';
    return pick(this.random, ['lost', 'lost-though-committed', 'lost-and-committed-late']);
  }

  leave: Rest['leave'] = (grant, turnOf) => {
    let isOut = false;
    const gone = (): boolean => isOut;
    const may = (): boolean => {
      const asked = turnOf?.();
      if (asked?.scan === 'proof') return (this.#proofs -= 1) >= 0;
      return asked?.urgency.kind !== 'scheduled' || isWanted(asked.urgency.worth());
    };
    void (async () => {
      while (!gone() && !may()) await turn();
      if (!gone()) grant({ done: () => undefined });
    })();
    return () => {
      isOut = true;
    };
  };

  start(): Running {
    this.steps = 0;
    this.#proofs = 1;
    this.#fieldsWork = false;
    return this.here.start({
      rhythm: { ...everySecondRhythm, provesFilters: true },
      ksef: { from: '2026-02-01', readAfterMs: [1, 5, 10, 20, 40] },
      limit: 8,
    });
  }

  /** Something happens in the company. */
  happen(): void {
    const { random, documents } = this;
    const some = (state: Document['state']) => pick(random, [null, ...documents.filter((one) => one.state === state)]);
    const id = (documents.at(-1)?.id ?? 0) + 1;
    if (random() < 0.5) documents.push({ id, edits: 0, state: pick(random, ['none', 'pending', 'cleared']) });
    const sent = some('none');
    if (sent !== null) sent.state = 'pending';
    const answered = some('pending');
    if (answered !== null) answered.state = random() < 0.3 ? 'error' : 'cleared';
    const corrected = some('error');
    if (corrected !== null) Object.assign(corrected, { state: 'pending', edits: corrected.edits + 1 });
    const paid = some('cleared');
    if (paid !== null) paid.edits += 1;
    this.#list();
  }

  /** In the end every document has its number; refused ones were corrected. */
  settle(): void {
    for (const document of this.documents) {
      if (document.state === 'error') document.edits += 1;
      document.state = 'cleared';
    }
    this.#list();
  }

  #list(): void {
    this.#rows.splice(0, this.#rows.length, ...this.documents.map((document) => this.listed(document)));
  }

  numbers(): { readonly id: number; readonly number: unknown }[] {
    return this.here.kafka.records
      .filter(({ topic, value }) => topic === topicOf(ksefNameOf('invoices')) && value !== null)
      .map((record) => ({ id: idOf(record), number: rowOf(record)['ksef_number'] ?? null }))
      .filter(({ number }) => number !== null);
  }
}

test(`every number is told once and none is missing after ${CRASHES} crashes, whatever lists show of it`, async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const company = new Company(story);
      for (let id = 1; id <= 10; id++) company.happen();
      for (let crash = 0; crash < CRASHES; crash++) {
        const process = company.start();
        const crashAt = 3 + integer(company.random, 57);
        for (let step = 0; company.steps < crashAt && step < 150; step++) {
          if (company.random() < 0.03) company.happen();
          await turn();
        }
        process.kill();
      }
      company.settle();
      company.calm = true;
      company.start();
      const wanted = company.documents.map(({ id }) => ({ id, number: `number-${id}` }));
      await when(() => new Set(company.numbers().map(({ id }) => id)).size === wanted.length);
      await quiet();
      told += wanted.length;
      expect(company.numbers().toSorted((one, other) => one.id - other.id)).toEqual(wanted);
    }),
    { numRuns: runs, endOnFailure: true },
  );
  expect(told).toBeGreaterThan(10 * runs);
}, 600_000);
