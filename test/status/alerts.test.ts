import { createAlerts, type Alert } from '../../src/status/alerts';
import { factsOf, type StatusReason } from '../../src/status/reasons';
import type { StreamStatus } from '../../src/status/stream-status';
import { drifted, iso, START_MS } from '../support/service-events';

const well: StreamStatus = {
  entity: 'alfa',
  stream: 'clients',
  state: 'reading',
  reason: null,
  also: [],
  sinceMs: START_MS + 1,
  untilMs: null,
  sweep: null,
  completeMs: null,
  staleAfterMs: null,
  firstSweep: null,
  newestMs: null,
  filters: null,
  toldMs: START_MS + 1,
  owner: 'one',
  version: '0.2.0',
  entitySet: 'e1',
};
const bad = (reason: StatusReason, changes: Partial<StreamStatus> = {}): StreamStatus => ({
  ...well,
  reason,
  ...changes,
});

/** What is sent after each of these steps, in short. */
function sent(...steps: readonly (readonly StreamStatus[])[]): readonly string[][] {
  const alerts = createAlerts(START_MS, 'one');
  const last = new Map<string, StreamStatus>();
  return steps.map((step) => {
    for (const now of step) {
      const name = `${now.entity} ${now.stream}`;
      alerts.tell([{ before: last.get(name) ?? null, now }]);
      last.set(name, now);
    }
    return alerts.due().map(inShort);
  });
}

function inShort({ kind, entity, streams, reason }: Alert): string {
  return `${kind}: ${entity} ${streams.join('+')} ${reason}`;
}

test('a trouble that needs a person is told once while it lasts, and once when it is over', () => {
  const steps = [[well], [bad('unauthorized')], [bad('unauthorized', { state: 'parked' })], [well], [well]];
  expect(sent(...steps)).toEqual([
    [],
    ['problem: alfa clients unauthorized'],
    [],
    ['recovery: alfa clients unauthorized'],
    [],
  ]);
});

test('streams of one entity with one reason are one alert, other entities and reasons are others', () => {
  const everything = [
    bad('held'),
    bad('held', { stream: 'invoices' }),
    bad('held', { entity: 'beta' }),
    bad('dead-letters', { stream: 'corrections' }),
  ];
  expect(sent(everything)).toEqual([
    ['problem: alfa clients+invoices held', 'problem: beta clients held', 'problem: alfa corrections dead-letters'],
  ]);
});

test('what passes by itself is told by nobody until it makes the stream stale', () => {
  const away = bad('unavailable');
  expect(sent([away], [{ ...away, also: ['stale'] }], [bad('stale')], [well])).toEqual([
    [],
    ['problem: alfa clients stale'],
    [],
    ['recovery: alfa clients stale'],
  ]);
});

test('what came and went between two looks is not told', () => {
  expect(sent([well], [bad('shape-changed'), well])).toEqual([[], []]);
});

test('a further reason is told, and recovery only when nothing is left that needs a person', () => {
  const both = bad('held', { also: ['dead-letters'] });
  expect(sent([bad('dead-letters')], [both], [bad('held')], [bad('misfits')])).toEqual([
    ['problem: alfa clients dead-letters'],
    ['problem: alfa clients held'],
    [],
    ['recovery: alfa clients held'],
  ]);
});

test('a replica that takes over a known trouble does not tell it again, but tells of its end', () => {
  const known = bad('unauthorized', { sinceMs: START_MS - 1 });
  expect(sent([known], [well])).toEqual([[], ['recovery: alfa clients unauthorized']]);
});

test('a replica that stops, and a file that is removed, are no news', () => {
  const stopped = bad('held', { state: 'stopped' });
  const removed: StreamStatus = { ...well, state: 'not-read' };
  expect(sent([bad('held')], [stopped])).toEqual([['problem: alfa clients held'], []]);
  expect(sent([well], [removed])).toEqual([[], []]);
});

test('an alert says in one line what is wrong with which company, since when, and what to do', () => {
  const alerts = createAlerts(START_MS, 'one');
  alerts.tell([{ before: well, now: bad('unauthorized', { sinceMs: START_MS + 60_000 }) }]);
  const todo = "Set the entity's API key: it is missing, wrong or was withdrawn.";
  expect(alerts.due()).toEqual([
    {
      text: `alfa (clients): unauthorized since ${iso(START_MS + 60_000)}. ${todo}`,
      kind: 'problem',
      entity: 'alfa',
      streams: ['clients'],
      reason: 'unauthorized',
      do: todo,
      since: iso(START_MS + 60_000),
      owner: 'one',
    },
  ]);
  alerts.tell([{ before: null, now: well }]);
  expect(alerts.due()).toMatchObject([{ text: 'alfa (clients) is well again, was unauthorized', do: null }]);
});

test('a change of the API is one notice of all that was found, whichever entities show it, and no recovery follows', () => {
  const alerts = createAlerts(START_MS, 'one');
  alerts.note(drifted(false, { name: 'known' }), START_MS + 1_000);
  alerts.note(drifted(), START_MS + 2_000);
  alerts.note(drifted(true, { stream: 'invoices', name: 'size' }), START_MS + 3_000);
  alerts.note(drifted(true, { entity: 'beta' }), START_MS + 4_000);
  const { do: todo } = factsOf('drift');
  const since = iso(START_MS + 2_000);
  expect(alerts.due()).toEqual([
    {
      text: `The API differs, as alfa shows since ${since}: clients: field colour (string); invoices: field size (string). ${todo}`,
      kind: 'notice',
      entity: 'alfa',
      streams: ['clients', 'invoices'],
      reason: 'drift',
      do: todo,
      since,
      owner: 'one',
      differences: ['clients: field colour (string)', 'invoices: field size (string)'],
    },
  ]);
  alerts.note(drifted(true, { entity: 'beta' }), START_MS + 5_000);
  alerts.tell([{ before: well, now: bad('drift') }]);
  alerts.tell([{ before: bad('drift'), now: well }]);
  expect(alerts.due()).toEqual([]);
});
