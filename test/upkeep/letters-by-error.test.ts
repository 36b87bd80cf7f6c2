import { countedByError, lettersByError, LETTER_GONE } from '../../src/upkeep/letters-by-error';

test('dead letters are counted by where and what was expected, the most frequent first, whatever was got in which line', () => {
  const letter = (errorPath: string, got: string) => ({
    errorPath,
    error: `normalise ${errorPath}: expected an integer of minor units, got ${got}`,
  });
  expect(
    countedByError([
      letter('gross_price', 'a text of 4 characters'),
      letter('services[0].net_price', 'a text of 2 characters'),
      letter('services[12].net_price', 'true'),
      {
        errorPath: '',
        error: 'publishing invoices 7 of alfa: expected at most 100 bytes (max.message.bytes), got 200',
      },
      { errorPath: '', error: 'told otherwise' },
      null,
    ]),
  ).toEqual([
    { path: 'services.net_price', expected: 'expected an integer of minor units', rows: 2 },
    { path: '', expected: 'expected at most 100 bytes (max.message.bytes)', rows: 1 },
    { path: '', expected: 'told otherwise', rows: 1 },
    { path: '', expected: LETTER_GONE, rows: 1 },
    { path: 'gross_price', expected: 'expected an integer of minor units', rows: 1 },
  ]);
});

test('where no dead letter stands the topic is not read', async () => {
  const topics = new Proxy({} as Parameters<typeof lettersByError>[0], {
    get: () => {
      throw new Error('the topic was to be read');
    },
  });
  const none = { entity: 'alfa', stream: 'invoices', ids: [] };
  expect((await lettersByError(topics, [none]))?.(none)).toEqual([]);
  await expect(lettersByError(topics, [{ ...none, ids: [1] }])).rejects.toThrow('the topic was to be read');
});
