import { createFingerprint } from '../../src/changes/fingerprint';
import { ConfigError } from '../../src/errors';
import { createShard } from '../../src/shard/shard';
import type { ShardOptions } from '../../src/shard/shard-options';
import { stateKey, type Definition, type Layout } from '../../src/state/state-topic';
import { createMemoryKafka, itemStream, memoryShard, stateOf, type MemoryKafka } from '../support/memory';
import { cursorAtStart, wholePage } from '../support/pages';

const declaration = itemStream('items');
const schemaText = JSON.stringify({ type: 'record', name: 'item', fields: [{ name: 'id', type: 'long' }] });
const rows = [1, 2, 3].map((id) => ({ id, content: `row ${id}` }));

/** A program that tells rows apart by these versions; each version sees other fingerprints. */
function program(kafka: MemoryKafka, versions: Partial<Definition>, writtenBy?: string): ShardOptions {
  const options = memoryShard(kafka, [{ entity: 'alfa', declaration }]);
  const [stream] = options.streams;
  if (stream === undefined) throw new Error('expected a stream');
  const definition = { ...stream.codec.definition, ...versions };
  const codec: typeof stream.codec = {
    ...stream.codec,
    definition,
    fingerprintUnder(wanted) {
      const { hashVersion, normalisationVersion } = wanted;
      if (hashVersion !== definition.hashVersion || normalisationVersion !== definition.normalisationVersion)
        return undefined;
      const fingerprint = createFingerprint({ schemaText, volatileFields: wanted.volatileFields });
      return (row, out) => {
        fingerprint(row, out);
        out[0] = (out[0] ?? 0) + 16 * hashVersion + normalisationVersion;
      };
    },
  };
  const layout: Layout = writtenBy === undefined ? options.layout : { ...options.layout, writtenBy };
  return { ...options, layout, streams: [{ entity: 'alfa', codec }] };
}

/** Reads everything once; returns how many records that published. */
async function sweep(kafka: MemoryKafka, options: ShardOptions): Promise<number> {
  const before = kafka.records.length;
  const session = await createShard(options).open();
  session.stream('alfa', 'items').begin('sweep', cursorAtStart());
  await session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: wholePage(rows) });
  await session.flush();
  await session.close();
  return kafka.records.length - before;
}

test.each<[string, Partial<Definition>, string]>([
  ['hash version', { hashVersion: 2 }, 'got 2 and 1'],
  ['normalisation version', { normalisationVersion: 2 }, 'got 1 and 2'],
  [
    'hash version, the other one as before, and other volatile fields',
    { hashVersion: 3, volatileFields: ['x'] },
    '3 and 1',
  ],
])(
  'a shard that moves to a program of a newer %s and back is left alone by the older one (I2)',
  async (_what, newer, got) => {
    const kafka = createMemoryKafka();
    expect(await sweep(kafka, program(kafka, {}))).toBe(3);
    expect(await sweep(kafka, program(kafka, newer, '9.8.0'))).toBe(3);
    const written = kafka.records.length;
    const older = sweep(kafka, program(kafka, {}));
    await expect(older).rejects.toThrow(ConfigError);
    await expect(older).rejects.toMatchObject({ concerns: 'shard' });
    await expect(older).rejects.toThrow(got);
    await expect(older).rejects.toThrow('this needs infakt-kafka 9.8.0 or newer');
    expect(kafka.records).toHaveLength(written);
    expect(await sweep(kafka, program(kafka, newer))).toBe(0);
  },
);

test('other volatile fields alone are no newer program: the row is compared under the definition before (I2)', async () => {
  const kafka = createMemoryKafka();
  await sweep(kafka, program(kafka, { volatileFields: ['x'] }));
  expect(await sweep(kafka, program(kafka, {}))).toBe(0);
  expect(await sweep(kafka, program(kafka, { volatileFields: ['x'] }))).toBe(0);
});

test('a newer definition of a stream that is not read here keeps nobody from the shard', async () => {
  const kafka = createMemoryKafka();
  const other = { stream: 'former', hashVersion: 7, normalisationVersion: 7, volatileFields: [] };
  const layout = { ...program(kafka, {}).layout, definitions: [other] };
  const stored = [{ key: stateKey('memory', { layout: true }), value: Buffer.from(JSON.stringify(layout)) }];
  const used = createMemoryKafka({ stored });
  expect(await sweep(used, program(used, {}))).toBe(3);
});

test('a layout of a version above its own is left alone, whatever else it says', async () => {
  const kafka = createMemoryKafka();
  const layout = { version: 2, shape: 'another' };
  const stored = [{ key: stateKey('memory', { layout: true }), value: Buffer.from(JSON.stringify(layout)) }];
  const newer = createMemoryKafka({ stored });
  const opened = createShard(program(newer, {})).open();
  await expect(opened).rejects.toMatchObject({ concerns: 'shard' });
  await expect(opened).rejects.toThrow('a layout of version 1 at most, got 2; this needs a newer infakt-kafka');
  expect(newer.records).toEqual(kafka.records);
});

test('the layout says which program wrote it', async () => {
  const kafka = createMemoryKafka();
  await sweep(kafka, program(kafka, {}, '1.0.0'));
  await sweep(kafka, program(kafka, { volatileFields: ['x'] }, '1.1.0'));
  const layouts = stateOf(kafka).filter(({ key }) => 'layout' in key);
  expect(JSON.parse(layouts.at(-1)?.value.toString() ?? '')).toMatchObject({ writtenBy: '1.1.0' });
});
