import { firstValueFrom, of, throwError, type Observable } from 'rxjs';

import { FatalError, TransientError } from '../../src/errors';
import { createLastAnswers, ofStreamAlone } from '../../src/reading/stream-trouble';

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
