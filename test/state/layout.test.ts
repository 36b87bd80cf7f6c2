import { ConfigError } from '../../src/errors';
import { verifyLayout, withTopicsOf, type ExistingTopics } from '../../src/state/layout';
import type { Layout } from '../../src/state/state-topic';

const layout: Layout = {
  version: 1,
  statePartitions: 8,
  partitions: { 'p.clients': 3, 'p.former': 2, 'p.sweeps': 1 },
  keyFraming: 'single-object',
  keySchemas: { 'p.clients': 'abc' },
  definitions: [],
  lastOffsets: { 'p.clients': { 0: 9 }, 'p.former': { 0: 9 } },
  observedAt: 0,
};
const topics: ExistingTopics = {
  state: { name: 'p.state', partitions: 8 },
  sweeps: { name: 'p.sweeps', partitions: 1 },
  entities: { name: 'p.entities', partitions: 1 },
  data: new Map([['clients', { name: 'p.clients', partitions: 3 }]]),
  highWatermarks: new Map([['p.clients', [10, 0, 0]]]),
};

test('topics that are as they were pass, and those that are gone are not judged', () => {
  expect(() => verifyLayout(layout, topics, layout)).not.toThrow();
});

test.each<[string, Partial<Layout>, Partial<ExistingTopics>]>([
  ['p.state to have 8 partitions', {}, { state: { name: 'p.state', partitions: 9 } }],
  ['p.sweeps to have 1 partitions', {}, { sweeps: { name: 'p.sweeps', partitions: 2 } }],
  ['p.clients to have 3 partitions', {}, { data: new Map([['clients', { name: 'p.clients', partitions: 4 }]]) }],
  ['Take registry.url out again', { keyFraming: 'single-object' }, {}],
  ['Set registry.url back', { keyFraming: 'confluent' }, {}],
  ['key schemas are frozen', { keySchemas: { 'p.clients': 'other' } }, {}],
  ['to reach beyond offset 9', {}, { highWatermarks: new Map([['p.clients', [9]]]) }],
])('a difference is refused: %s', (words, before, now) => {
  const stored = { ...layout, ...before };
  const keyFraming = words.startsWith('Take') ? 'confluent' : 'single-object';
  const verify = () => verifyLayout(stored, { ...topics, ...now }, { ...layout, keyFraming });
  expect(verify).toThrow(ConfigError);
  expect(verify).toThrow(words);
});

test('another registry is told apart from a frozen schema', () => {
  const confluent = { ...layout, keyFraming: 'confluent' as const };
  const verify = () => verifyLayout(confluent, topics, { ...confluent, keySchemas: { 'p.clients': '7' } });
  expect(verify).toThrow('The registry is another one or lost its schemas');
});

test('a layout may name a released key schema, and no schema that this program does not know', () => {
  const newest = { ...layout, keySchemas: { 'p.clients': 'new' }, formerKeySchemas: { 'p.clients': ['abc'] } };
  expect(() => verifyLayout(layout, topics, newest)).not.toThrow();
  expect(() => verifyLayout({ ...layout, keySchemas: { 'p.clients': 'xyz' } }, topics, newest)).toThrow(
    'expected the key schema xyz of p.clients, got new; key schemas are frozen',
  );
});

test('topics that came later are added to a stored layout, and none of it is replaced', () => {
  const now = { ...layout, partitions: { 'p.clients': 99, 'p.new': 4 }, keySchemas: { 'p.new': 'n' }, observedAt: 5 };
  expect(withTopicsOf(layout, now)).toEqual({
    ...layout,
    partitions: { ...layout.partitions, 'p.new': 4 },
    keySchemas: { 'p.clients': 'abc', 'p.new': 'n' },
  });
});
