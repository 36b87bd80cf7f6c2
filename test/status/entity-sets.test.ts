import { EntitySets, SPREAD_MS } from '../../src/status/entity-sets';
import type { StreamStatus } from '../../src/status/stream-status';
import { START_MS } from '../support/service-events';

const told = (owner: string, entitySet: string | null, changes: Partial<StreamStatus> = {}): StreamStatus => ({
  ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS, untilMs: null },
  ...{
    sweep: null,
    completeMs: null,
    staleAfterMs: null,
    firstSweep: null,
    newestMs: null,
    filters: null,
    toldMs: START_MS,
  },
  ...{ owner, version: '0.2.0', entitySet, ...changes },
});

/** What differs, by replica, to one whose files are `new`; looked at twice, so long apart. */
function differing(seen: readonly StreamStatus[], afterMs = SPREAD_MS): Record<string, string> | null {
  const sets = new EntitySets('one');
  sets.look('new', seen, START_MS);
  const disagreement = sets.look('new', seen, START_MS + afterMs);
  return disagreement === null ? null : Object.fromEntries(disagreement.sets);
}

test('replicas whose files are the same agree, and nobody else is there at first', () => {
  expect([differing([]), differing([told('other', 'new'), told('third', 'new')])]).toEqual([null, null]);
});

test('files that differ are told with the digest of each replica, once they have for longer than a change takes to spread', () => {
  expect(differing([told('other', 'old')], SPREAD_MS - 1)).toBeNull();
  expect(differing([told('other', 'old'), told('third', 'new')])).toEqual({ one: 'new', other: 'old', third: 'new' });
});

test('a difference that ended and comes again began when it came again', () => {
  const sets = new EntitySets('one');
  const old = [told('other', 'old')];
  sets.look('new', old, START_MS);
  expect(sets.look('new', [], START_MS + SPREAD_MS)).toBeNull();
  sets.look('new', old, START_MS + 2 * SPREAD_MS);
  expect(sets.look('new', old, START_MS + 3 * SPREAD_MS)?.sinceMs).toBe(START_MS + 2 * SPREAD_MS);
});

test.each<[string, readonly StreamStatus[]]>([
  ['an earlier version tells', [told('other', null)]],
  ['a replica has told last', [told('other', 'old', { state: 'stopped' })]],
  ['was only asked for', [told('other', 'old', { state: 'unknown' })]],
  ['this replica has told before its files changed', [told('one', 'old')]],
  ['a replica told before its files changed', [told('other', 'new', { toldMs: START_MS + 1 }), told('other', 'old')]],
])('what %s is no difference', (_what, seen) => {
  expect(differing(seen)).toBeNull();
});
