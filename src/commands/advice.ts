import { FatalError, type ParkReason } from '../errors';

/** What a person can do about a refusal of the API; "" = the message of the error says so itself. */
const ADVICE: Partial<Record<ParkReason, string>> = {
  unauthorized: "set the entity's API key: it is missing, wrong or was withdrawn",
  'payment-required': "the account's plan does not include the API: see to it in inFakt",
  forbidden: 'the plan or the permissions of the key do not allow this: give it the scope api:invoices:read',
  'identity-mismatch': '',
  'identity-unreadable': '',
};

/** What a person is to do about an error, where a person is to do something; "" = its message says so itself. */
export function adviceOn(error: unknown): string | null {
  return error instanceof FatalError ? (ADVICE[error.reason] ?? null) : null;
}
