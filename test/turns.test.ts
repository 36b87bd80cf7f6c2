import { createTurns } from '../src/turns';

/** Numbers the turns of the event loop from now on. */
function countTurns() {
  let number = 0;
  let goesOn = true;
  const next = (): void => {
    number += 1;
    if (goesOn) setImmediate(next);
  };
  setImmediate(next);
  return { now: () => number, end: () => (goesOn = false) };
}

test('calls that come at once go on one a turn of the event loop, in their order', async () => {
  const turns = countTurns();
  const turn = createTurns();
  const went: { readonly call: string; readonly turn: number }[] = [];
  const calls = ['a', 'b', 'c', 'd'].map(async (call) => {
    await turn();
    went.push({ call, turn: turns.now() });
  });
  await Promise.all(calls);
  turns.end();
  expect(went.map(({ call }) => call)).toEqual(['a', 'b', 'c', 'd']);
  expect(new Set(went.map((each) => each.turn)).size).toBe(4);
});

test('a call made by one that goes on waits behind those that wait already', async () => {
  const turn = createTurns();
  const went: string[] = [];
  const first = turn().then(async () => {
    went.push('first');
    await turn();
    went.push('first again');
  });
  const second = turn().then(() => went.push('second'));
  await Promise.all([first, second]);
  expect(went).toEqual(['first', 'second', 'first again']);
});

test('a call after a rest goes on as well', async () => {
  const turn = createTurns();
  await turn();
  await turn();
});
