import { createHmac } from 'node:crypto';

/** The body of a delivery as inFakt sends it without confidential data. */
export function deliveryOf(name: string, resource: Readonly<Record<string, unknown>>, event = 'e-1'): string {
  return JSON.stringify({
    event: { name, uuid: event, created_at: '2026-01-07T10:00:00.123+01:00', retry_counter: 0 },
    resource,
  });
}

/** The signature of a body. */
export function signatureOf(body: string | Buffer, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** Posts a body to a webhook's address, signed with a secret unless that is null. */
export function post(
  url: string,
  body: string | Buffer,
  secret: string | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const signed = secret === null ? {} : { 'X-Infakt-Signature': signatureOf(body, secret) };
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { ...signed, ...headers },
  });
}
