import { createApiKey } from '../../src/sources/api-key';

test('a key stays the one whose account was asked for until it is renewed', () => {
  let inFile = 'one';
  const key = createApiKey(() => inFile);
  expect([key.value(), key.changed()]).toEqual(['one', false]);
  inFile = 'two';
  expect([key.value(), key.changed()]).toEqual(['one', true]);
  key.renew();
  expect([key.value(), key.changed()]).toEqual(['two', false]);
});
