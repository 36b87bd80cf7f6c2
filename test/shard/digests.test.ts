import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { companyStory, delaysOf } from '../support/company-story';
import { playCompanies, playWorld } from '../support/digest-scene';
import { digestOfBatches, digestOfOutcome, digestOfStory, type OutRecord, type Played } from '../support/digests';

// What is written, byte for byte, over many stories with crashes, faults and takeovers: a change that means to change nothing leaves all of
// it as it was. `DIGEST_SEEDS=120` plays all stories that the file has expectations of. After a change that is meant to be seen,
// `DIGESTS=write DIGEST_SEEDS=120` writes the file anew.

interface Digests {
  /** What happened outside the program. If it differs, the test itself is another one. */
  readonly story: string;
  /** A: every batch in its order. */
  readonly batches: string;
  /** B: records of each key, cursors and state in the end. Only where these do not depend on how long things take. */
  readonly outcome?: string;
}

type Expected = Readonly<Record<'worlds' | 'companies', Readonly<Record<string, Digests>>>>;

const FILE = join(__dirname, '../fixtures/digests.json');
const WRITES = process.env['DIGESTS'] === 'write';
const seeds = Number(process.env['DIGEST_SEEDS'] ?? 10);
/** A company costs as much as ten worlds. */
const SHARE = 10;

const expected = WRITES ? null : (JSON.parse(readFileSync(FILE, 'utf8')) as Expected);
const written = { worlds: {} as Record<string, Digests>, companies: {} as Record<string, Digests> };

afterAll(() => {
  if (WRITES) writeFileSync(FILE, `${JSON.stringify(written, null, 1)}\n`);
});

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
/** Companies that were played, as each costs seconds and several tests look at the first. */
const playedAsTold = new Map<number, Promise<Played>>();

function playAsTold(seed: number): Promise<Played> {
  const played = playedAsTold.get(seed) ?? playCompanies(seed, companyStory(seed), delaysOf(seed));
  playedAsTold.set(seed, played);
  return played;
}

test('every batch of made-up rows is the one that it was, byte for byte, whatever fails', async () => {
  for (const seed of upTo(seeds)) {
    const played = await playWorld(seed);
    const digests = { story: digestOfStory(played), batches: digestOfBatches(played) };
    if (expected === null) written.worlds[seed] = digests;
    else expect({ seed, ...digests }).toEqual({ seed, ...expected.worlds[seed] });
  }
}, 900_000);

test('every batch of real rows, and what it comes to in the end, is as it was, whatever fails', async () => {
  for (const seed of upTo(Math.ceil(seeds / SHARE))) {
    const played = await playAsTold(seed);
    const digests = {
      story: digestOfStory(played),
      batches: digestOfBatches(played),
      outcome: digestOfOutcome(played),
    };
    if (expected === null) written.companies[seed] = digests;
    else expect({ seed, ...digests }).toEqual({ seed, ...expected.companies[seed] });
  }
}, 900_000);

test('what it comes to in the end does not depend on how long requests and commits take, nor on what fails when', async () => {
  for (const seed of upTo(Math.ceil(seeds / 60))) {
    const [played, otherwise] = [
      await playAsTold(seed),
      await playCompanies(seed, companyStory(seed), delaysOf(seed + 1_000)),
    ];
    expect(digestOfOutcome(otherwise)).toBe(digestOfOutcome(played));
    expect(digestOfBatches(otherwise)).not.toBe(digestOfBatches(played));
  }
}, 300_000);

describe('one byte that differs shows', () => {
  let played: Played;
  beforeAll(async () => {
    played = await playAsTold(1);
  }, 300_000);

  test.each([3, -3])('in the batches, in a record of the batch at %p', (at) => {
    const index = at < 0 ? played.batches.length + at : at;
    const batches = played.batches.map((batch, n) => {
      const [first, ...others] = batch.state;
      if (n !== index || first === undefined) return batch;
      return { ...batch, state: [{ ...first, value: withOtherByte(first.value) }, ...others] };
    });
    expect(digestOfBatches({ ...played, batches })).not.toBe(digestOfBatches(played));
  });

  test('in the end, in any record of an invoice', () => {
    const at = played.records.findIndex(({ topic, value }) => topic.endsWith('.invoices') && value !== null);
    const change = (record: OutRecord): OutRecord => ({ ...record, value: withOtherByte(record.value, 'PLN') });
    const records = played.records.map((record, index) => (index === at ? change(record) : record));
    expect(digestOfOutcome({ ...played, records })).not.toBe(digestOfOutcome(played));
  });

  test('in the end, in any entry of the ledger', () => {
    const at = played.state.findLastIndex(({ key }) => key.includes('"block"'));
    const state = played.state.map((record, index) =>
      index === at ? { ...record, value: withOtherByte(record.value) } : record,
    );
    expect(digestOfOutcome({ ...played, state })).not.toBe(digestOfOutcome(played));
  });

  test('in the end, in the order of two records of one key', () => {
    const twice = played.records.findIndex(({ topic, key }, index) =>
      played.records.some((other, after) => after > index && other.topic === topic && other.key === key),
    );
    const { topic, key } = played.records[twice] ?? {};
    const of = (record: OutRecord): boolean => record.topic === topic && record.key === key;
    const turned = played.records.filter(of).reverse();
    const records = played.records.map((record) => (of(record) ? (turned.shift() ?? record) : record));
    expect(digestOfOutcome({ ...played, records })).not.toBe(digestOfOutcome(played));
  });
});

/** Another byte at the end, which in a ledger block counts lines, or where a text begins. */
function withOtherByte(value: string | null, text?: string): string | null {
  if (value === null) return null;
  const bytes = Buffer.from(value, 'base64');
  const at = text === undefined ? bytes.length - 1 : bytes.indexOf(text);
  bytes[at] = (bytes[at] ?? 0) ^ 0b10;
  return bytes.toString('base64');
}
