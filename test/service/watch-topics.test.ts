import { firstValueFrom, lastValueFrom, Subject, takeUntil } from 'rxjs';

import { ConfigError, TransientError } from '../../src/errors';
import { watchTopics, type SeenTopics } from '../../src/service/watch-topics';
import { memoryTopics } from '../support/service';

const NAME = 'memory.invoices';
const topics = (ends: readonly number[], partitions = 1): SeenTopics => ({
  ...memoryTopics,
  data: new Map([['invoices', { name: NAME, partitions, maxMessageBytes: 1 }]]),
  highWatermarks: new Map([[NAME, ends]]),
});

/** Looks that find these one after the other, the last again and again. */
function watch(first: SeenTopics, ...looks: (SeenTopics | Error)[]) {
  let number = 0;
  const lookedAtAll = new Subject<void>();
  const watched = watchTopics({
    first,
    everyMs: 1,
    look: () => {
      const found = looks[Math.min(number, looks.length - 1)];
      number += 1;
      if (number > looks.length) lookedAtAll.next();
      return found instanceof Error || found === undefined
        ? Promise.reject(found ?? new Error('none'))
        : Promise.resolve(found);
    },
  });
  return {
    failure: () => firstValueFrom(watched).catch((error: unknown) => error),
    /** Resolves once all of them were found, and the last one twice, without a failure. */
    quiet: () => lastValueFrom(watched.pipe(takeUntil(lookedAtAll)), { defaultValue: 'quiet' }),
  };
}

test('I1: a topic that was made anew while nothing was written is noticed by the end of a partition', async () => {
  const failure = await watch(topics([143]), topics([150]), topics([12])).failure();
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure).toMatchObject({
    message: expect.stringMatching(/partition 0 of memory.invoices to reach offset 150.*12/) as string,
  });
});

test('I1: a topic that has more partitions than at the start is noticed', async () => {
  const failure = await watch(topics([1]), topics([1]), topics([1, 0], 2)).failure();
  expect(failure).toMatchObject({ code: 'CONFIG', message: expect.stringContaining('to have 1 partitions') as string });
});

test('I1: a topic that was made anew with fewer partitions is noticed', async () => {
  const failure = await watch(topics([5, 7], 2), topics([9], 1)).failure();
  expect(failure).toMatchObject({ message: expect.stringContaining('2 partitions as at the start, got 1') as string });
});

test('I1: a topic that is gone is told as the look tells it', async () => {
  const gone = new ConfigError('gone');
  expect(await watch(topics([1]), gone).failure()).toBe(gone);
});

test.each<[string, (SeenTopics | Error)[]]>([
  ['a broker that lags behind once', [topics([3]), topics([9])]],
  ['a broker that is away', [new TransientError('away'), topics([9])]],
  ['a right that is missing for a while', [new ConfigError('no right', { mayPass: true }), topics([9])]],
])('%s is no reason to end', async (_what, looks) => {
  expect(await watch(topics([5]), ...looks).quiet()).toBe('quiet');
});
