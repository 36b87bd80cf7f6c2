import { type BearerToken, keepToken } from '../../src/sinks/bearer-token';

let now: number;
let asked: number;
let answers: ((number: number) => Promise<BearerToken>)[];

/** A token of so many seconds, whose value is the number of the question. */
const lasting =
  (seconds: number) =>
  (number: number): Promise<BearerToken> =>
    Promise.resolve({ value: `token ${number}`, endsAt: now + seconds * 1_000 });
const failing = (): Promise<BearerToken> => Promise.reject(new Error('endpoint is down'));

const token = (): (() => Promise<string>) =>
  keepToken(
    () => {
      asked += 1;
      return (answers[asked - 1] ?? answers.at(-1) ?? failing)(asked);
    },
    () => now,
  );

beforeEach(() => {
  now = 1_000_000;
  asked = 0;
  answers = [lasting(3_600)];
});

test('all sign-ins share one token, also those that come while it is asked for', async () => {
  const get = token();
  expect(await Promise.all([get(), get()])).toEqual(['token 1', 'token 1']);
  expect(await get()).toBe('token 1');
  expect(asked).toBe(1);
});

test('it is renewed when a fifth of its life is left', async () => {
  const get = token();
  await get();
  now += 2_879_000;
  expect(await get()).toBe('token 1');
  now += 1_000;
  expect(await get()).toBe('token 2');
});

test('a short one is renewed before a broker would ask for another', async () => {
  answers = [lasting(60)];
  const get = token();
  await get();
  now += 44_000;
  expect(await get()).toBe('token 1');
  now += 1_000;
  expect(await get()).toBe('token 2');
});

test('one that does not say how long it is good is used once', async () => {
  answers = [lasting(0)];
  const get = token();
  expect([await get(), await get()]).toEqual(['token 1', 'token 2']);
});

test('the old one serves while it cannot be renewed and is good for another sign-in, and the endpoint is asked every two seconds', async () => {
  answers = [lasting(100), failing];
  const get = token();
  await get();
  now += 80_000;
  expect([await get(), await get()]).toEqual(['token 1', 'token 1']);
  expect(asked).toBe(2);
  now += 2_000;
  expect(await get()).toBe('token 1');
  expect(asked).toBe(3);
  now += 5_000;
  expect(await get()).toBe('token 1');
  now += 2_000;
  await expect(get()).rejects.toThrow('endpoint is down');
});

test('a failure of the first one is told, and the next sign-in asks again', async () => {
  answers = [failing, lasting(100)];
  const get = token();
  await expect(get()).rejects.toThrow('endpoint is down');
  expect(await get()).toBe('token 2');
});
