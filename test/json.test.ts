import fc from 'fast-check';

import { ExactNumber, isObject, jsonText, textOrNull } from '../src/json';

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

describe('the JSON text of a value', () => {
  test('is what JSON.stringify says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonText(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  test.each([
    ['{"__proto__":{"id":1},"constructor":[]}'],
    ['{"note":"\\ud800"}'],
    [`${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    [`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['[{},[],"",0,null]'],
  ])('is the text that it was parsed from: %.40s', (text) => {
    expect(jsonText(JSON.parse(text))).toBe(text);
  });

  test('leaves out members that are undefined, and keeps the digits of exact numbers', () => {
    expect(jsonText({ a: undefined, b: [new ExactNumber('1234567890123456789.0'), undefined] })).toBe(
      '{"b":[1234567890123456789.0,null]}',
    );
  });
});
