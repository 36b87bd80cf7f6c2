import { misfitsText } from '../../src/commands/misfits-text';

test('fields are named with how many records they did not fit in, and nothing else is said', () => {
  expect(misfitsText({ notes: 3, 'services.unit': 1 })).toBe('notes (3 records), services.unit (1 record)');
  expect(misfitsText({})).toBe('');
});
