import { AGAIN_MS, createHintSilence, readDelivery, shows } from '../../src/rules/hints';
import type { HintKind } from '../../src/model';

const uuid = '5f1c0e2a-8d3b-4a53-9c7e-0b1d2e3f4a5b';
const delivery = (name: unknown, resource: unknown = { uuid }): unknown => ({
  event: { name, uuid: 'e-1', created_at: '2026-01-07T10:00:00.123+01:00', retry_counter: 0 },
  resource,
});

describe('what a delivery is about', () => {
  test.each<readonly [string, HintKind | 'no-document']>([
    // As the documentation names them.
    ['draft_invoice_created', 'created'],
    ['invoice_deleted', 'deleted'],
    ['invoice_paid', 'paid'],
    ['send_to_ksef_success', 'ksef'],
    ['send_to_ksef_error', 'ksef'],
    ['invoice_processed_in_ksef', 'ksef'],
    ['async_invoice_creation_success', 'created'],
    ['async_invoice_creation_error', 'no-document'],
    // As the web application lists them.
    ['invoice_marked_as_paid', 'paid'],
    ['invoice_marked_as_paid_via_async_api', 'paid'],
    ['invoice_marking_as_paid_error_via_async_api', 'no-document'],
    ['invoice_created_via_async_api', 'created'],
    ['invoice_creation_error_via_async_api', 'no-document'],
  ])('%s is %s', (event, kind) => {
    expect(readDelivery(delivery(event))).toEqual(kind === 'no-document' ? kind : { kind, event, uuid });
  });

  test('is named by another field in events of KSeF, also where these come under the name of a new draft', () => {
    for (const event of ['send_to_ksef_success', 'draft_invoice_created'])
      expect(readDelivery(delivery(event, { invoice_uuid: uuid }))).toEqual({ kind: 'ksef', event, uuid });
  });

  test('is found in a whole invoice as in its uuid alone', () => {
    const whole = { number: '1/01/2026', uuid, client: { uuid: 'another' }, services: [] };
    expect(readDelivery(delivery('invoice_paid', whole))).toEqual({ kind: 'paid', event: 'invoice_paid', uuid });
  });

  test.each([
    ['an unknown name', delivery('invoice_edited'), 'unknown-event'],
    ['a name that every object has', delivery('constructor'), 'unknown-event'],
    ['no name', delivery(7), 'unknown-event'],
    ['no event', { resource: { uuid } }, 'unreadable'],
    ['no object', [], 'unreadable'],
    ['no JSON', undefined, 'unreadable'],
    ['no resource', delivery('invoice_paid', null), 'no-document'],
    ['no uuid', delivery('invoice_paid', { id: 5 }), 'no-document'],
    ['a uuid that is null', delivery('invoice_paid', { uuid: null }), 'no-document'],
    ['a uuid that leads elsewhere', delivery('invoice_paid', { uuid: '../pdf' }), 'no-document'],
  ])('is not known of a delivery with %s', (_, body, outcome) => {
    expect(readDelivery(body)).toBe(outcome);
  });
});

test.each<readonly [HintKind, string | null, boolean]>([
  ['paid', '2026-01-07', true],
  ['paid', null, false],
  ['paid', '', false],
  ['paid', 'gone', false],
  ['created', null, true],
  ['created', 'gone', false],
  ['ksef', null, true],
  ['ksef', 'gone', false],
  ['deleted', 'gone', true],
  ['deleted', null, false],
])('a hint that says %s of a row paid on %s: shown is %s', (kind, paidDate, shown) => {
  const row = paidDate === 'gone' ? null : { id: 1, paid_date: paidDate };
  expect(shows({ kind, event: kind, uuid }, { openField: 'paid_date' }, row)).toBe(shown);
});

test('a row is read again after 2, 10 and 60 s', () => {
  expect(AGAIN_MS).toEqual([2_000, 10_000, 60_000]);
});

describe('hints have stopped', () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;

  test('once, where three payments of an hour were not brought up and no delivery has come for a day', () => {
    const silence = createHintSilence(0);
    expect(silence.foundUnhinted(5, DAY - 1)).toBe(false);
    expect(silence.foundUnhinted(1, DAY)).toBe(true);
    expect(silence.foundUnhinted(9, DAY + HOUR)).toBe(false);
  });

  test('not where the payments are fewer, or further apart', () => {
    const silence = createHintSilence(0);
    for (let at = DAY; at < 2 * DAY; at += HOUR / 2 + 1) expect(silence.foundUnhinted(1, at)).toBe(false);
  });

  test('not where a delivery came, after which they may stop again', () => {
    const silence = createHintSilence(0);
    silence.hinted(DAY);
    expect(silence.foundUnhinted(3, 2 * DAY - 1)).toBe(false);
    expect(silence.foundUnhinted(3, 2 * DAY)).toBe(true);
    silence.hinted(2 * DAY);
    expect(silence.foundUnhinted(3, 3 * DAY)).toBe(true);
  });
});
