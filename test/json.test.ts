import { isObject, textOrNull } from '../src/json';

test.each<[unknown, boolean]>([
  [{}, true],
  [{ a: 1 }, true],
  [[], false],
  [null, false],
  ['{}', false],
  [undefined, false],
])('%j is a JSON object: %p', (value, is) => {
  expect(isObject(value)).toBe(is);
});

test.each([
  ['text', 'text'],
  ['', null],
  [null, null],
  [7, null],
])('the text of %j is %j', (value, text) => {
  expect(textOrNull(value)).toBe(text);
});
