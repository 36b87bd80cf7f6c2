import { createCodecs, layoutOf, subjectsOf } from '../../src/service/codecs';
import { loadSchema, createSingleObjectDecoder } from '../../src/sinks/avro';
import { confluent, singleObject } from '../../src/sinks/framing';
import type { Topic, Topics } from '../../src/sinks/topics';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';

const topic = (name: string, partitions = 6): Topic => ({ name: `t.${name}`, partitions, maxMessageBytes: 1_000_000 });

function topicsOf(...names: readonly string[]): Topics {
  return {
    data: new Map(names.map((name) => [name, topic(name)])),
    sweeps: topic('sweeps'),
    deadLetters: topic('dead-letters'),
    state: topic('state', 12),
    highWatermarks: new Map(),
    warnings: [],
  };
}

const plain = { projections: [], volatileFields: [] };
const codecs = createCodecs(plain, topicsOf('clients', 'invoices'), singleObject);

test('compiles the codec of a stream once, for every entity that is read', () => {
  expect(codecs.streamCodec(clients)).toBe(codecs.streamCodec(clients));
  expect(codecs.streamCodec(clients)).not.toBe(codecs.streamCodec(invoices));
  const { definition, fingerprintUnder } = codecs.streamCodec(clients);
  expect(fingerprintUnder(definition)).toBe(fingerprintUnder({ ...definition }));
});

test('one codec writes the records of two entities, each with the entity that it is given', () => {
  const { decode, encode, encodeKey } = codecs.streamCodec(clients);
  const read = createSingleObjectDecoder();
  for (const entity of ['alfa', 'beta']) {
    const record = decode({ id: 7, company_name: entity.toUpperCase() }, entity, 0);
    expect(read(encode(record))).toMatchObject({ entity, id: 7, company_name: entity.toUpperCase() });
    expect(read(encodeKey({ entity, id: 7 }))).toEqual({ entity, id: 7 });
  }
});

test('a stream whose topic is not there is a bug', () => {
  expect(() => createCodecs(plain, topicsOf('clients'), singleObject).streamCodec(invoices)).toThrow(
    'no topic for stream invoices; this is a bug',
  );
});

test.each([
  ['asked for, and there', ['invoice-lines'], ['invoices', 'invoice-lines'], true, true],
  ['asked for no longer, and still there', [], ['invoices', 'invoice-lines'], false, true],
  ['never asked for', [], ['invoices'], false, false],
])('lines that are %s', (_case, asked, names, published, takenBack) => {
  const { lines, formerLines } = createCodecs(
    { ...plain, projections: asked },
    topicsOf(...names),
    singleObject,
  ).streamCodec(invoices);
  expect(lines !== null).toBe(published);
  expect(formerLines !== null).toBe(takenBack);
});

test('volatile fields of the configuration are added to those of their stream alone', () => {
  const volatileFields = ['invoices.notes', 'invoices.services.id', 'clients.note'];
  const { streamCodec } = createCodecs({ ...plain, volatileFields }, topicsOf('clients', 'invoices'), singleObject);
  expect(streamCodec(invoices).definition.volatileFields).toEqual(
    [...new Set([...invoices.volatileFields, 'notes', 'services.id'])].sort(),
  );
  expect(streamCodec(clients).definition.volatileFields).toEqual([...clients.volatileFields, 'note'].sort());
});

test('no fingerprint is computed under a definition of another version of the program', () => {
  const { definition, fingerprintUnder } = codecs.streamCodec(clients);
  expect(fingerprintUnder({ ...definition, hashVersion: definition.hashVersion + 1 })).toBeUndefined();
  expect(fingerprintUnder({ ...definition, normalisationVersion: 99 })).toBeUndefined();
});

test('the date of a row is that of its scope, and none where the stream or the row has none', () => {
  const none = codecs.streamCodec(clients).dateOf({ id: 1, invoice_date: '2026-03-08' });
  const { dateOf } = codecs.streamCodec(invoices);
  expect(dateOf({ id: 1, invoice_date: '2026-03-08' })).toBe(Date.UTC(2026, 2, 8) / 86_400_000);
  expect([dateOf({ id: 1 }), dateOf({ id: 1, invoice_date: 'soon' })]).toEqual([none, none]);
});

test('a registry must know the key and the value of every topic in Avro, the sweeps included', () => {
  const subjects = subjectsOf({ data: new Map([['clients', { name: 't.clients' }]]), sweeps: { name: 't.sweeps' } });
  expect(subjects.map(({ name }) => name)).toEqual([
    't.clients-key',
    't.clients-value',
    't.sweeps-key',
    't.sweeps-value',
  ]);
  expect(subjects[1]?.schemaText).toBe(loadSchema('client'));
  expect(() => subjectsOf({ data: new Map([['birds', { name: 't.birds' }]]), sweeps: { name: 's' } })).toThrow(
    'no stream or projection is called birds',
  );
});

test('the layout says how keys are framed and how many partitions each topic has', () => {
  const ids = new Map(['t.clients', 't.sweeps'].map((name, at) => [`${name}-key`, at + 1]));
  expect(layoutOf(topicsOf('clients'), confluent(ids))).toMatchObject({
    statePartitions: 12,
    partitions: { 't.clients': 6, 't.sweeps': 6 },
    keyFraming: 'confluent',
    keySchemas: { 't.clients': '1', 't.sweeps': '2' },
  });
});
