import { firstValueFrom, of, throwError, type Observable } from 'rxjs';

import { FatalError, TransientError } from '../../src/errors';
import { asNotAvailable, createLastAnswers, ofStreamAlone } from '../../src/reading/stream-trouble';

interface Answered {
  readonly ended: number;
}
const invoices = { entity: 'alfa', stream: 'invoices' };
const failing = (error: unknown): Observable<Answered> => throwError(() => error);

test('an outage is the stream alone where another stream of the entity was answered since, and keeps its cause', async () => {
  const answers = createLastAnswers();
  await firstValueFrom(of({ ended: 7 }).pipe(ofStreamAlone(answers, { entity: 'alfa', stream: 'clients' }, 1)));
  const outage = new TransientError('asking', { status: 503, retryAfterMs: 120_000 });
  const fault: unknown = await firstValueFrom(failing(outage).pipe(ofStreamAlone(answers, invoices, 6))).catch(
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(FatalError);
  expect(fault).toMatchObject({ ...invoices, parks: 'stream', reason: 'unavailable', parkMs: 120_000, cause: outage });
});

test.each([
  ['an earlier answer of another stream', 'clients', new TransientError('asking')],
  ['a later answer of the stream itself', 'invoices', new TransientError('asking')],
  ['a fault that does not pass', 'clients', new TypeError('a bug')],
])('%s leaves the fault as it is', async (_what, stream, error) => {
  const answers = createLastAnswers();
  answers.note(stream, error instanceof TypeError || stream === 'invoices' ? 9 : 6);
  await expect(firstValueFrom(failing(error).pipe(ofStreamAlone(answers, invoices, 6)))).rejects.toBe(error);
});

describe('a list that is refused', () => {
  const margins = { name: 'margin-invoices', isOptional: true } as const;
  const refusal = (status: number, parks: 'stream' | 'entity' = 'stream') =>
    new FatalError(`expected 200, got ${status}`, { reason: 'forbidden', parks, status });

  test.each([401, 403, 404])(
    'with %i, of an optional stream that was never read, is one that the account does not have',
    (status) => {
      const error = refusal(status);
      const found = asNotAvailable(error, margins, { entity: 'alfa', wasEverRead: false });
      expect(found).toBeInstanceOf(FatalError);
      expect(found).toMatchObject({
        entity: 'alfa',
        stream: 'margin-invoices',
        status,
        reason: 'not-available',
        parks: 'stream',
        parkMs: 86_400_000,
        message: error.message,
        cause: error,
      });
    },
  );

  test.each<[string, Error, boolean, boolean]>([
    ['of a stream that every account has', refusal(403), false, false],
    ['of a stream that was read before', refusal(404), true, true],
    ['with another status', refusal(402), true, false],
    ['of the whole entity', refusal(403, 'entity'), true, false],
    ['as the key of the whole entity is', refusal(401, 'entity'), true, false],
    ['by an outage', new TransientError('expected 200, got 403', { status: 403 }), true, false],
  ])('%s is what it is', (_what, error, isOptional, wasEverRead) => {
    const stream = { name: 'items', ...(isOptional ? { isOptional: true as const } : {}) };
    expect(asNotAvailable(error, stream, { entity: 'alfa', wasEverRead })).toBe(error);
  });
});
