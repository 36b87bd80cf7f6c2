import { PassThrough } from 'node:stream';

import { createQuestions } from '../../src/commands/questions';

function questionsOf(isTerminal: boolean) {
  const input = new PassThrough();
  let shown = '';
  const questions = createQuestions({ input: () => input, isTerminal, show: (text) => void (shown += text) });
  return { input, questions, shown: () => shown };
}

test('a person sees the questions and what is typed, but for what is hidden', async () => {
  const { input, questions, shown } = questionsOf(true);
  const entity = questions.ask('Id: ');
  input.write('alfa\r');
  expect(await entity).toBe('alfa');
  const key = questions.ask('Key: ', { hidden: true });
  input.write('very-secret');
  input.write('\r');
  expect(await key).toBe('very-secret');
  const after = questions.ask('Again: ');
  input.write('seen\r');
  expect(await after).toBe('seen');
  expect(shown()).toMatch(/Id: .*alfa/s);
  expect(shown()).toContain('Key: ');
  expect(shown()).not.toMatch(/secret|ver/);
  expect(shown()).toContain('seen');
  questions.close();
});

test('of a pipe the lines are taken one by one, and nothing is shown', async () => {
  const { input, questions, shown } = questionsOf(false);
  const first = questions.ask('Key: ', { hidden: true });
  input.end('one\ntwo\n');
  expect([await first, await questions.ask('more')]).toEqual(['one', 'two']);
  expect(shown()).toBe('');
  await expect(questions.ask('and more')).rejects.toThrow('expected an answer on stdin, got its end');
});

test('Ctrl-C ends a question', async () => {
  const { input, questions } = questionsOf(true);
  const answer = questions.ask('Key: ', { hidden: true });
  input.write('\u0003');
  await expect(answer).rejects.toThrow('stopped before anything was written');
});
