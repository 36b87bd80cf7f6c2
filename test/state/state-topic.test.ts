import { ConfigError } from '../../src/errors';
import { parseStateKey, parseStateValue, stateKey, type StateKey } from '../../src/state/state-topic';

test.each<[string, StateKey]>([
  ['["s",{"layout":true}]', { layout: true }],
  ['["s",{"session":true}]', { session: true }],
  ['["s",{"entity":"alfa","account":true}]', { entity: 'alfa', account: true }],
  ['["s",{"entity":"alfa","stream":"clients","scan":"sweep"}]', { entity: 'alfa', stream: 'clients', scan: 'sweep' }],
  ['["s",{"entity":"alfa","stream":"clients","block":0}]', { entity: 'alfa', stream: 'clients', block: 0 }],
  ['["s",{"entity":"alfa","stream":"clients","strays":true}]', { entity: 'alfa', stream: 'clients', strays: true }],
  ['["s",{"entity":"alfa","stream":"clients","hold":true}]', { entity: 'alfa', stream: 'clients', hold: true }],
])('the key %s is written and read', (text, key) => {
  expect(stateKey('s', key)).toBe(text);
  expect(parseStateKey('s', text, 'here')).toEqual(key);
});

test.each([
  ['', 'that are not JSON'],
  ['"s"', 'another shape'],
  ['["s"]', 'another shape'],
  ['[1,{"layout":true}]', 'another shape'],
  ['["other",{"layout":true}]', 'got one of "other"'],
  ['["s",null]', 'a known kind of state key'],
  ['["s",{"entity":1,"account":true}]', 'a known kind of state key'],
  ['["s",{"entity":"alfa","stream":"clients","scan":1}]', 'a known kind of state key'],
  ['["s",{"entity":"alfa","stream":"clients","block":"0"}]', 'a known kind of state key'],
  ['["s",{"entity":"alfa","stream":"clients"}]', 'a known kind of state key'],
])('the key %j is refused, and the message says where it stands', (text, words) => {
  const read = () => parseStateKey('s', text, 'topic t, offset 3');
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(words);
  expect(read).toThrow('reading topic t, offset 3');
});

test('a value is read as it was written', () => {
  const hold = { id: 'a', reason: 'many', since: '2026-01-01T00:00:00.000Z', sweep: 3 };
  expect(parseStateValue('hold', Buffer.from(JSON.stringify(hold)))).toEqual(hold);
});
