import type { TakenHint } from '../../src/reading/hint-source';
import type { HintOutcome } from '../../src/rules/hints';
import { createHintChannel } from '../../src/service/hint-channel';

const DAY = 24 * 3_600_000;

/** A channel, and what came of what it was handed. */
function channel({ listens = true } = {}) {
  const outcomes: string[] = [];
  const silent: string[] = [];
  const taken: TakenHint[] = [];
  let nowMs = 0;
  let bursts = 0;
  const hints = createHintChannel({
    now: () => nowMs,
    listensFor: () => listens,
    onOutcome: (entity: string, outcome: HintOutcome) => void outcomes.push(`${entity} ${outcome}`),
    onSilence: (entity) => void silent.push(entity),
  });
  return {
    ...hints,
    outcomes,
    silent,
    taken,
    bursts: () => bursts,
    pass: (ms: number) => void (nowMs += ms),
    event: (uuid: string, name = 'invoice_paid', entity = 'alfa') =>
      hints.deliver(entity, { event: { name }, resource: { uuid } }),
    /** A stream that knows these uuids, and expects hints of these kinds about new ones. */
    read: (stream: string, known: readonly string[], expected: readonly string[] = []) =>
      hints.join('alfa', {
        stream,
        knows: (uuid) => known.includes(uuid),
        expects: ({ kind }) => expected.includes(kind),
        take: (hint) => void taken.push(hint),
        burst: () => void (bursts += 1),
      }),
  };
}

test('a hint goes to the stream that remembers its row, else to the first that may have it as a new one', () => {
  const here = channel();
  here.own(['alfa']);
  const seen: string[] = [];
  for (const [stream, known] of [
    ['invoices', 'u-1'],
    ['corrective-invoices', 'u-2'],
  ] as const)
    here.join('alfa', {
      stream,
      knows: (uuid) => uuid === known,
      expects: ({ kind }) => kind === 'created' || (kind === 'ksef' && stream === 'corrective-invoices'),
      take: ({ uuid }) => void seen.push(`${stream} ${uuid}`),
      burst: () => undefined,
    });
  for (const uuid of ['u-1', 'u-2']) here.event(uuid);
  here.event('u-3', 'draft_invoice_created');
  here.event('u-4', 'send_to_ksef_success');
  here.event('u-5', 'invoice_deleted');
  expect(seen).toEqual(['invoices u-1', 'corrective-invoices u-2', 'invoices u-3', 'corrective-invoices u-4']);
  expect(here.outcomes).toEqual(['alfa not-followed']);
});

test('a thousand hints that say the same of one row come to one read', () => {
  const here = channel();
  here.own(['alfa']);
  here.read('invoices', ['u-1']);
  for (let n = 0; n < 500; n++) here.event('u-1');
  expect(here.taken).toHaveLength(1);
  here.taken[0]?.settle('read');
  here.taken[0]?.settle('parked');
  for (let n = 0; n < 500; n++) here.event('u-1');
  expect(here.taken).toHaveLength(1);
  expect(here.outcomes.filter((outcome) => outcome === 'alfa read')).toHaveLength(1);
  expect(here.outcomes.filter((outcome) => outcome === 'alfa known')).toHaveLength(999);
  here.pass(60_000);
  here.event('u-1');
  expect(here.taken).toHaveLength(2);
});

test('a hint that says something else of a row, or that no read has shown, is read again', () => {
  const here = channel();
  here.own(['alfa']);
  here.read('invoices', ['u-1']);
  here.event('u-1', 'send_to_ksef_error');
  here.taken[0]?.settle('read');
  here.event('u-1', 'send_to_ksef_success');
  here.taken[1]?.settle('unconfirmed');
  here.event('u-1', 'send_to_ksef_success');
  expect(here.taken).toHaveLength(3);
});

test('a thousand hints about different rows are read one by one up to fifty, and are a burst from then on', () => {
  const here = channel();
  here.own(['alfa']);
  here.read('invoices', [], ['paid']);
  for (let n = 0; n < 1_000; n++) here.event(`u-${n}`);
  expect([here.taken.length, here.bursts()]).toEqual([50, 1]);
  expect(here.outcomes).toEqual(Array<string>(950).fill('alfa full'));
  here.taken[0]?.settle('read');
  here.event('u-1000');
  expect(here.taken).toHaveLength(51);
  here.pass(10_000);
  for (let n = 0; n < 10; n++) here.event(`v-${n}`);
  expect(here.bursts()).toBe(2);
});

test('a hint about an entity that another replica reads, or that is parked, is dropped and counted', () => {
  const here = channel();
  here.event('u-1');
  const disown = here.own(['alfa']);
  here.event('u-1');
  const leave = here.read('invoices', ['u-1']);
  here.event('u-1');
  leave();
  here.event('u-1');
  disown();
  here.event('u-1');
  expect(here.outcomes).toEqual(['alfa elsewhere', 'alfa parked', 'alfa parked', 'alfa elsewhere']);
  expect(here.taken).toHaveLength(1);
});

test('a delivery that is about no document is counted as what it is', () => {
  const here = channel();
  here.own(['alfa']);
  here.read('invoices', ['u-1']);
  here.event('u-1', 'async_invoice_creation_error');
  here.event('u-1', 'invoice_edited');
  here.deliver('alfa', undefined);
  expect(here.outcomes).toEqual(['alfa no-document', 'alfa unknown-event', 'alfa unreadable']);
});

describe('hints that have stopped', () => {
  test('are told once, where scans find payments by themselves for which an entity has a secret', () => {
    const here = channel();
    here.deliver('alfa', undefined);
    here.pass(DAY);
    here.foundUnhinted('alfa', 3);
    here.foundUnhinted('alfa', 3);
    expect(here.silent).toEqual(['alfa']);
  });

  test('are nothing where an entity has none', () => {
    const here = channel({ listens: false });
    here.foundUnhinted('alfa', 3);
    here.pass(DAY);
    here.foundUnhinted('alfa', 3);
    expect(here.silent).toEqual([]);
  });
});
