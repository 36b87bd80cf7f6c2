import fc from 'fast-check';

import { isRounded } from '../src/changes/kinds';
import { ExactNumber, isObject, jsonText, parseJson, textOrNull } from '../src/json';

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

describe('parsing JSON', () => {
  test.each([
    '{"x":1234567890123456789}',
    '[1234567890123456789]',
    '-1234567890123456789',
    '{"quantity":12345678901234567890.25,"other":1}',
    '{"quantity":0.12345678901234567891}',
    '{"a":[{"b":10038000307000729},{"c":1e999}],"d":"1234567890123456789"}',
    '{"a": [ 1234567890123456789 , 2 ]}',
    '{"\\"":1234567890123456789,"b\\\\":"c:1234567890123456789"}',
    '{"__proto__":{"a":1234567890123456789}}',
    '{"=":"=","==":"=1","a":1234567890123456789}',
    `${'[1,'.repeat(20_000)}1234567890123456789${']'.repeat(20_000)}`,
    `["${'7'.repeat(1_000_000)}",1234567890123456789]`,
  ])('I6: keeps every digit of %.70s', (text) => {
    expect(jsonText(parseJson(text, isRounded))).toBe(text.replaceAll(' ', ''));
  });

  test('I6: takes no text for a number, however the text is escaped', () => {
    const text = String.raw`{"a":"\u003d1","b":"=\u003D2","c":"==3","n":1234567890123456789}`;
    expect(parseJson(text, isRounded)).toEqual({
      a: '=1',
      b: '==2',
      c: '==3',
      n: new ExactNumber('1234567890123456789'),
    });
  });

  test.each([
    '{"account":"61109010140000071219812874","x":1}',
    '{"x":1.0,"y":-0,"z":9007199254740991,"u":0.1}',
    '{"x":1e2,"y":0.30000000000000004,"z":12345678.50000000000000}',
    '[]',
    'null',
    '{"a":1,"a":1e3}',
  ])('gives plain numbers where a double holds them: %s', (text) => {
    expect(parseJson(text, isRounded)).toEqual(JSON.parse(text));
  });

  test.each([
    '{"x":12345678901234567890',
    '[01234567890123456789]',
    '["1234567890123456789]',
    '[1234567890123456789.]',
    '[-]',
  ])('refuses what is no JSON: %s', (text) => {
    expect(() => parseJson(text, isRounded)).toThrow(SyntaxError);
  });

  test('I6: keeps the digits of exactly those numbers that a double rounds, however they are written and wherever they stand', () => {
    const digits = (maxLength: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${maxLength}}$`));
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits(19).map((whole) => whole.replace(/^0+(?=\d)/, '')),
        fc.option(digits(19), { nil: '' }),
        fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-', 'e-'), digits(5)), { nil: ['', ''] as const }),
      )
      .map(([sign, whole, fraction, [e, exponent]]) => `${sign}${whole}${fraction && `.${fraction}`}${e}${exponent}`);
    const space = fc.constantFrom('', ' ', '\n  ', '\r\n\t');
    const around = fc.constantFrom(
      ['', ''],
      ['[', ']'],
      ['["61109010140000071219812874",', ',"1e400,"]'],
      ['[1,', ']'],
      ['{"a":', '}'],
      ['{"PL 61109010140000071219812874":"-61109010140000071219812874","a":', ',"b":[]}'],
    );
    fc.assert(
      fc.property(number, around, space, space, (text, [before, after], left, right) => {
        const parsed = jsonText(parseJson(`${before}${left}${text}${right}${after}`, isRounded));
        const shown = isRounded(text) ? text : JSON.stringify(Number(text));
        expect(parsed).toBe(`${before}${shown}${after}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('agrees with JSON.parse on everything but rounded numbers', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const text = `{"long":1234567890123456789,"rest":${json}}`;
        const plain: unknown = JSON.parse(text, (_name, value: unknown) => value);
        const parsed: unknown = parseJson(text, isRounded);
        const { rest } = Object(parsed) as { readonly rest: unknown };
        expect(jsonText(rest)).toBe(JSON.stringify((Object(plain) as { readonly rest: unknown }).rest));
      }),
    );
  });
});
