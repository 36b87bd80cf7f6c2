import { createCodecs, layoutOf, subjectsOf, withNewShardsLike } from '../../src/service/codecs';
import { loadSchema, createSingleObjectDecoder, releasedSchemas, singleObjectPrefix } from '../../src/sinks/avro';
import { confluent, singleObject } from '../../src/sinks/framing';
import type { Topic, Topics } from '../../src/sinks/topics';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';

const topic = (name: string, partitions = 6): Topic => ({ name: `t.${name}`, partitions, maxMessageBytes: 1_000_000 });

function topicsOf(...names: readonly string[]): Topics {
  return {
    data: new Map(names.map((name) => [name, topic(name)])),
    sweeps: topic('sweeps'),
    entities: topic('entities'),
    deadLetters: topic('dead-letters'),
    state: topic('state', 12),
    status: topic('status', 1),
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
    const { record } = decode({ id: 7, company_name: entity.toUpperCase() }, entity, 0);
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

test('what KSeF says of two streams goes to one topic, under keys that name the stream', () => {
  const { ksefCodec } = createCodecs(plain, topicsOf('invoices', 'ksef'), singleObject);
  const read = createSingleObjectDecoder();
  const keys = ['invoices', 'corrective-invoices'].map((stream) => {
    const codec = ksefCodec(stream);
    expect(codec?.topic.name).toBe('t.ksef');
    return read(codec?.encodeKey({ entity: 'alfa', id: 7 }) ?? Buffer.alloc(0));
  });
  expect(keys).toEqual([
    { entity: 'alfa', stream: 'invoices', id: 7 },
    { entity: 'alfa', stream: 'corrective-invoices', id: 7 },
  ]);
  expect(ksefCodec('clients')).toBeNull();
  expect(codecs.ksefCodec('invoices')).toBeNull();
});

test('the entries of all dictionaries go to one topic, under keys that name the dictionary', () => {
  const read = createSingleObjectDecoder();
  const found = createCodecs(plain, topicsOf('dictionaries'), singleObject).dictionaryCodecs();
  expect(new Set(found.map(({ topic }) => topic.name))).toEqual(new Set(['t.dictionaries']));
  expect(found.map(({ encodeKey }) => read(encodeKey({ entity: 'alfa', id: 7 })))).toEqual(
    ['gtus', 'documents_markings', 'vat_rates', 'vat_exemptions'].map((kind) => ({ entity: 'alfa', kind, id: 7 })),
  );
  expect(codecs.dictionaryCodecs()).toEqual([]);
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

test('a registry must know the key and the value of every topic in Avro, sweeps, entities and status included', () => {
  const reports = { sweeps: { name: 't.sweeps' }, entities: { name: 't.entities' }, status: { name: 't.status' } };
  const subjects = subjectsOf({ data: new Map([['clients', { name: 't.clients' }]]), ...reports });
  expect(subjects.map(({ name }) => name)).toEqual([
    't.clients-key',
    't.clients-value',
    't.sweeps-key',
    't.sweeps-value',
    't.entities-key',
    't.entities-value',
    't.status-key',
    't.status-value',
  ]);
  expect(subjects[1]?.schemaText).toBe(loadSchema('client'));
  expect(() => subjectsOf({ data: new Map([['birds', { name: 't.birds' }]]), ...reports })).toThrow(
    'no stream or projection is called birds',
  );
});

test('the layout says how keys are framed and how many partitions each topic has', () => {
  const ids = new Map(['t.clients', 't.sweeps', 't.entities'].map((name, at) => [`${name}-key`, at + 1]));
  expect(layoutOf(topicsOf('clients'), confluent(ids))).toMatchObject({
    statePartitions: 12,
    partitions: { 't.clients': 6, 't.sweeps': 6, 't.entities': 6 },
    keyFraming: 'confluent',
    keySchemas: { 't.clients': '1', 't.sweeps': '2', 't.entities': '3' },
  });
});

describe('a layout that names a released key schema keeps its keys', () => {
  const topics = topicsOf('clients', 'invoices', 'invoice-lines');
  const { streamCodec, sweeps, layout, formerKeySchemas } = createCodecs(plain, topics, singleObject);
  const schemas = {
    't.clients': 'client',
    't.invoices': 'invoice',
    't.invoice-lines': 'invoice-line',
    't.sweeps': 'sweep',
  };
  const former = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const [first = ''] = releasedSchemas(`${schema}-key`);
      return [name, singleObjectPrefix(first).toString('hex')];
    }),
  );

  test('a new layout names the newest key schemas, and a layout of 0.1.0 those that were released first', () => {
    for (const [name, schema] of Object.entries(schemas)) {
      expect(layout.keySchemas[name]).toBe(singleObjectPrefix(loadSchema(`${schema}-key`)).toString('hex'));
      expect(formerKeySchemas[name]).toEqual([former[name]]);
      expect(former[name]).not.toBe(layout.keySchemas[name]);
    }
    expect(former['t.clients']).toBe('c3013867b9aa55e2d32c');
  });

  test('keys of rows, lines and sweeps have other first bytes and the same ones behind', () => {
    const keysUnder = (keySchemas: Readonly<Record<string, string>>): readonly string[] => {
      const codec = streamCodec(invoices).withKeysOf(keySchemas);
      const line = codec.formerLines?.encodeKey({ entity: 'alfa', invoice_id: 7, line_no: 1 });
      const sweep = sweeps.withKeysOf(keySchemas).encodeKey({ entity: 'alfa', stream: 'invoices' });
      return [codec.encodeKey({ entity: 'alfa', id: 7 }), line, sweep].map((key) => key?.toString('hex') ?? '');
    };
    const now = keysUnder(layout.keySchemas);
    const before = keysUnder(former);
    const order = ['t.invoices', 't.invoice-lines', 't.sweeps'];
    expect(now.map((key) => key.slice(0, 20))).toEqual(order.map((name) => layout.keySchemas[name]));
    expect(before.map((key) => key.slice(0, 20))).toEqual(order.map((name) => former[name]));
    expect(before.map((key) => key.slice(20))).toEqual(now.map((key) => key.slice(20)));
    // A topic that the layout does not name yet has no keys yet.
    expect(keysUnder({})).toEqual(now);
  });

  test('values are written by the newest schema whatever the layout names, and one codec serves every layout', () => {
    const codec = streamCodec(invoices);
    const record = codec.decode({ id: 7 }, 'alfa', 0).record;
    const under = codec.withKeysOf(former);
    expect(under.encode(record)).toEqual(codec.encode(record));
    expect(under.withKeysOf(layout.keySchemas).encodeKey({ entity: 'alfa', id: 7 })).toEqual(
      codec.encodeKey({ entity: 'alfa', id: 7 }),
    );
  });

  test('a new shard of a service whose other shards write former keys writes those too', () => {
    const used = { keySchemas: { 't.invoices': former['t.invoices'] ?? '', 't.gone': 'abc' } };
    const shared = withNewShardsLike(createCodecs(plain, topics, singleObject), used);
    expect(shared.layout).toEqual({
      ...layout,
      keySchemas: { ...layout.keySchemas, 't.invoices': former['t.invoices'] },
    });
  });

  test('a registry is asked for the released key schemas before the newest', () => {
    const topic = (name: string) => ({ name: `t.${name}` });
    const data = new Map([['clients', topic('clients')]]);
    const subjects = subjectsOf({
      data,
      sweeps: topic('sweeps'),
      entities: topic('entities'),
      status: topic('status'),
    });
    expect(subjects.map(({ formerTexts }) => formerTexts)).toEqual([
      [releasedSchemas('client-key')[0]],
      undefined,
      [releasedSchemas('sweep-key')[0]],
      undefined,
      [],
      undefined,
      [],
      undefined,
    ]);
  });
});
