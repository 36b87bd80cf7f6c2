import { adviceOn } from '../../src/commands/advice';
import { factsOf } from '../../src/status/reasons';
import { FatalError, TransientError, type ParkReason } from '../../src/errors';

const parks = (reason: ParkReason): FatalError => new FatalError('expected 200', { reason, parks: 'entity' });

test('what a person is to do is in the words of the table of reasons, as part of a sentence', () => {
  expect(adviceOn(parks('unauthorized'))).toBe("set the entity's API key: it is missing, wrong or was withdrawn");
  for (const reason of ['unauthorized', 'payment-required', 'forbidden'] as const)
    expect(factsOf(reason).do.toLowerCase()).toBe(`${adviceOn(parks(reason)) ?? ''}.`.toLowerCase());
});

test('a refusal that a person can end has its advice', () => {
  expect(adviceOn(parks('unauthorized'))).toContain('API key');
  expect(adviceOn(parks('payment-required'))).toContain('plan');
  expect(adviceOn(parks('forbidden'))).toContain('api:invoices:read');
});

test('a refusal whose message says itself what to do has an empty advice', () => {
  expect(adviceOn(parks('identity-mismatch'))).toBe('');
});

test('what passes by itself has none', () => {
  expect(adviceOn(parks('unavailable'))).toBeNull();
  expect(adviceOn(new TransientError('expected 200, got 503'))).toBeNull();
  expect(adviceOn('no error')).toBeNull();
});
