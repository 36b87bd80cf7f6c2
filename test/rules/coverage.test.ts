import { CoverageWatch, type SweepEvidence } from '../../src/rules/coverage';

const INSTANT = 1_000;

const sweep = (stream: string, startedAtMs: number, complete = true, entity = 'alfa'): SweepEvidence => ({
  entity,
  stream,
  number: 1,
  startedAtMs,
  finishedAtMs: startedAtMs + 10,
  complete,
  lacks: complete ? '' : '1 dead letters standing',
});

function coverageOf(...sweeps: readonly SweepEvidence[]) {
  const watch = new CoverageWatch({ entity: 'alfa', streams: ['clients', 'invoices'], instantMs: INSTANT });
  for (const each of sweeps) watch.add(each);
  const { kind, streams } = watch.coverage();
  return [kind, ...streams.map((each) => each.kind)];
}

test.each<[string, readonly SweepEvidence[], readonly string[]]>([
  ['nothing yet', [], ['waiting', 'none', 'none']],
  ['one of two streams', [sweep('clients', 1_001)], ['waiting', 'covered', 'none']],
  ['both', [sweep('clients', 1_001), sweep('invoices', 2_000)], ['covered', 'covered', 'covered']],
  [
    'a sweep that began at the very instant may have read before',
    [sweep('clients', 1_001), sweep('invoices', 1_000)],
    ['waiting', 'covered', 'earlier'],
  ],
  [
    'one that is not complete',
    [sweep('clients', 1_001, false), sweep('invoices', 900)],
    ['incomplete', 'incomplete', 'earlier'],
  ],
  [
    'one that lacked something, and a complete one after it',
    [sweep('clients', 1_001, false), sweep('clients', 1_500), sweep('invoices', 1_001)],
    ['covered', 'covered', 'covered'],
  ],
  [
    'a complete one, and a later one that lacks something',
    [sweep('clients', 1_001), sweep('clients', 1_500, false), sweep('invoices', 1_001)],
    ['incomplete', 'incomplete', 'covered'],
  ],
  [
    'a reading that is begun anew',
    [sweep('clients', 1_001, false), sweep('clients', 1_500), sweep('clients', 1_001, false)],
    ['waiting', 'covered', 'none'],
  ],
  [
    'another entity, and a stream that nobody waits for',
    [sweep('clients', 1_001, true, 'beta'), sweep('corrective-invoices', 1_001)],
    ['waiting', 'none', 'none'],
  ],
])('after %s', (_, sweeps, expected) => {
  expect(coverageOf(...sweeps)).toEqual(expected);
});
