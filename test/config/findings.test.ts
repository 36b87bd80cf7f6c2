import { lineOf, nothing, notShown, show } from '../../config/findings';

const none: ReadonlySet<string> = new Set();

describe('the line of a fault', () => {
  test('names file and key, what was expected, and what was got', () => {
    const fault = { file: 'service.json', key: 'log.level', expected: 'one of debug, info', got: { value: 'loud' } };
    expect(lineOf(fault, none)).toBe('service.json: log.level: expected one of debug, info, got "loud"');
  });

  test('names no key where the whole file is at fault', () => {
    expect(lineOf({ file: 'alfa.json', expected: 'a readable file', got: nothing }, none)).toBe(
      'alfa.json: expected a readable file, got nothing',
    );
  });

  test('says words of the program as they are', () => {
    expect(lineOf({ file: 'a', key: 'b', expected: 'c', got: notShown }, none)).toBe(
      'a: b: expected c, got a value that is not shown',
    );
  });
});

describe('a value in a message', () => {
  test.each<[unknown, string]>([
    [null, 'nothing'],
    [undefined, 'nothing'],
    [12, '12'],
    [false, 'false'],
    ['a', '"a"'],
    [['a', 1, null], '["a", 1, nothing]'],
    [{ a: 1 }, 'an object'],
  ])('%j is shown as %s', (value, shown) => {
    expect(show(value, none)).toBe(shown);
  });

  test('has no secret in it, the longest masked first, in numbers and lists too (I11)', () => {
    const secrets = new Set(['s3cret', 's3cret-and-more', '4711']);
    expect(show('x s3cret-and-more s3cret', secrets)).toBe('"x *** ***"');
    expect(show(47110, secrets)).toBe('***0');
    expect(show(['s3cret'], secrets)).toBe('["***"]');
  });

  test('has none of what may be credentials: before an @, after a ? or a # (I11)', () => {
    expect(show('https://user:pass@host/path?token=a#b', none)).toBe('"***@host/path?***"');
    expect(show('one@two@host', none)).toBe('"***@host"');
  });

  test('is cut after 120 characters', () => {
    expect(show('a'.repeat(121), none)).toBe(`"${'a'.repeat(120)}..."`);
    expect(show('a'.repeat(120), none)).toBe(`"${'a'.repeat(120)}"`);
  });
});
