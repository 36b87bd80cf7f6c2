import { ConfigError } from '../../src/errors';
import { addressed, Memory, placeName } from '../../src/shard/memory';
import { stateKey, type Layout } from '../../src/state/state-topic';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart } from '../support/pages';

const options = memoryShard(createMemoryKafka(), [
  { entity: 'alfa', declaration: itemStream('items', { address: 'uuid' }) },
]);
const layout = (definitions: Layout['definitions'] = []): Layout => ({ ...options.layout, definitions, observedAt: 5 });
const record = (key: Parameters<typeof stateKey>[1], value: unknown, offset: number) => ({
  key: stateKey('memory', key),
  value: Buffer.from(JSON.stringify(value)),
  offset,
});

test('memory is put to what was read, values of streams that are not configured left out', () => {
  const memory = new Memory(options);
  memory.beginReading();
  memory.apply(record({ layout: true }, layout(), 0));
  memory.apply(record({ entity: 'alfa', stream: 'items', scan: 'sweep' }, cursorAtStart({ number: 4 }), 1));
  memory.apply(record({ entity: 'alfa', stream: 'former', scan: 'sweep' }, cursorAtStart(), 2));
  memory.apply(record({ entity: 'alfa', stream: 'items', strays: true }, { fingerprints: ['f'] }, 3));
  memory.apply(record({ entity: 'alfa', account: true }, { taxId: '1', accountUuid: null, firstRun: '2026-01-01' }, 4));
  memory.restored();
  const state = memory.streamOf('alfa', 'items');
  expect(state.walks.get('sweep')?.cursor.number).toBe(4);
  expect(state.strays).toEqual(['f']);
  expect(memory.accounts.get('alfa')?.taxId).toBe('1');
  expect(memory.find('alfa', 'former')).toBeUndefined();
  expect(() => memory.streamOf('alfa', 'former')).toThrow('this is a bug');
});

test('what was not committed is forgotten by the next restore', () => {
  const memory = new Memory(options);
  memory.beginReading();
  memory.apply(record({ layout: true }, layout(), 0));
  memory.restored();
  const state = memory.streamOf('alfa', 'items');
  state.strays = ['new'];
  state.requests.add(1);
  memory.accounts.set('alfa', { taxId: '1', accountUuid: null, firstRun: '2026-01-01' });
  expect(memory.beginReading()).toBe(1);
  memory.restored();
  expect(state.strays).toEqual([]);
  expect(state.requests.size).toBe(0);
  expect(memory.accounts.size).toBe(0);
});

test('records without a layout are refused: the beginning of the partition was lost', () => {
  const memory = new Memory(options);
  memory.beginReading();
  memory.apply(record({ entity: 'alfa', stream: 'items', strays: true }, { fingerprints: [] }, 7));
  expect(() => memory.restored()).toThrow(ConfigError);
});

test('a new shard takes the layout of its surroundings, each definition with the next number', () => {
  const memory = new Memory(options);
  memory.beginReading();
  expect(memory.restored().definitions).toEqual([options.streams[0]?.codec.definition]);
  expect(memory.streamOf('alfa', 'items').definition).toBe(0);

  const other = { stream: 'items', hashVersion: 1, normalisationVersion: 1, volatileFields: ['before'] };
  const later = new Memory(options);
  later.beginReading();
  later.apply(record({ layout: true }, layout([other]), 0));
  later.restored();
  expect(later.streamOf('alfa', 'items').definition).toBe(1);
});

test('the time of records never goes back, whatever the clock says', () => {
  let now = 10;
  const memory = new Memory({ ...options, now: () => now });
  memory.observed(memory.observe());
  now = 3;
  expect(memory.observe()).toBe(10);
});

test('offsets of data topics are pending until the next layout is written, those of sweeps never', () => {
  const sweeps = options.sweeps.topic.name;
  const memory = new Memory({ ...options, layout: { ...layout(), partitions: { 'memory.items': 3, [sweeps]: 1 } } });
  memory.beginReading();
  memory.restored();
  memory.committed([], new Map([[sweeps, new Map([[0, 8]])]]));
  expect(memory.offsetsPending).toBe(false);
  memory.committed([], new Map([['memory.items', new Map([[2, 41]])]]));
  expect(memory.offsetsPending).toBe(true);
  expect(memory.layoutToWrite().lastOffsets).toEqual({ 'memory.items': { 2: 41 } });
  expect(memory.offsetsPending).toBe(false);
});

describe('a topic that was made anew while the service ran (I1)', () => {
  const partitions = { 'memory.items': 3 };
  const start = () => {
    const memory = new Memory({ ...options, layout: { ...layout(), partitions } });
    memory.beginReading();
    memory.restored();
    memory.committed([], offsets('memory.items', 2, 41));
    return memory;
  };
  const offsets = (topic: string, partition: number, last: number) => new Map([[topic, new Map([[partition, last]])]]);

  test.each([
    ['below', 3],
    ['at', 41],
  ])('is noticed by a commit that ends %s the offset of an earlier one', (_where, last) => {
    const memory = start();
    expect(() => memory.committed([], offsets('memory.items', 2, last))).toThrow(ConfigError);
    expect(() => memory.committed([], offsets('memory.items', 2, last))).toThrow(
      /partition 2 of memory.items.*41.*see docs/,
    );
    expect(memory.layoutToWrite().lastOffsets).toEqual({ 'memory.items': { 2: 41 } });
  });

  test('is noticed where it is the state topic', () => {
    const memory = start();
    memory.committed([], offsets(options.stateTopic, options.number, 700));
    expect(() => memory.committed([], offsets(options.stateTopic, options.number, 4))).toThrow('memory.state');
    expect(memory.layoutToWrite().lastOffsets).toMatchObject({ [options.stateTopic]: { [options.number]: 700 } });
  });

  test('is no other partition, and no commit that goes on', () => {
    const memory = start();
    memory.committed([], offsets('memory.items', 1, 3));
    memory.committed([], offsets('memory.items', 2, 42));
    expect(memory.layoutToWrite().lastOffsets).toEqual({ 'memory.items': { 1: 3, 2: 42 } });
  });

  test('is told at the next restore: the offsets that a session knew of do not go down with what was stored', () => {
    const memory = start();
    memory.beginReading();
    memory.apply(record({ layout: true }, { ...layout(), partitions, lastOffsets: { 'memory.items': { 2: 20 } } }, 9));
    expect(memory.restored().lastOffsets).toEqual({ 'memory.items': { 2: 41 } });
  });
});

test('an entry is addressed by its uuid where the stream says so, and by nothing where it has none', () => {
  const state = new Memory(options).streamOf('alfa', 'items');
  expect(addressed(state, 1)).toBeNull();
  expect(placeName({ state, scan: 'newest' })).toBe('alfa items newest');
});
