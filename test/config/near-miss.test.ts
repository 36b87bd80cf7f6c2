import { didYouMean, nearMiss } from '../../config/near-miss';

const keys = ['start_date', 'end_date', 'api_key', 'api_key_file', 'enabled', 'nip'];

test.each([
  ['startDate', 'start_date'],
  ['START-DATE', 'start_date'],
  ['star_date', 'start_date'],
  ['api_kye', 'api_key'],
  ['enable', 'enabled'],
  ['NIP', 'nip'],
])('%s is taken for a slip of %s', (word, meant) => {
  expect(nearMiss(word, keys)).toBe(meant);
  expect(didYouMean(word, keys)).toBe(`: did you mean ${meant}?`);
});

test.each(['', 'colour', 'nit', 'date', 'toString'])('%j is near to nothing', (word) => {
  expect(nearMiss(word, keys)).toBeNull();
  expect(didYouMean(word, keys)).toBe('');
});

test('nothing is near where nothing is known', () => {
  expect(nearMiss('x', [])).toBeNull();
});
