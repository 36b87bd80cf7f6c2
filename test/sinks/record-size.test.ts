import { encodedBytes } from '../../src/sinks/record-size';

test.each([
  ['nothing but a tombstone', { key: null, value: null }, 32],
  ['a key and a value', { key: Buffer.from('key'), value: Buffer.alloc(100) }, 135],
  ['text, whose bytes count and not its characters', { key: 'ź', value: null }, 34],
  ['headers', { key: null, value: null, headers: { op: 'u', id: Buffer.from('a/1') } }, 32 + 12 + 1 + 12 + 3],
])('the bound of %s', (_title, record, bytes) => {
  expect(encodedBytes(record)).toBe(bytes);
});
