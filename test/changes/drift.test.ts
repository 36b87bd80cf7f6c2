import { driftText, filterDrift, SeenDrift, type Drift, type FirstFinders } from '../../src/changes/drift';
import { ExactNumber } from '../../src/json';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';

function seenIn(stream = 'invoices', finders: FirstFinders = new Map(), entity = 'alfa'): SeenDrift {
  return new SeenDrift({ entity, stream, finders });
}

function textsOf(found: readonly Drift[]): readonly string[] {
  return found.map(driftText);
}

test('a difference is found once, by name and type', () => {
  const seen = seenIn();
  for (let time = 0; time < 3; time += 1) {
    seen.field('colour', 'red');
    seen.field('colour', 7);
    seen.field('services.size', [1]);
    seen.field('exact', new ExactNumber('0.10000000000000000001'));
    seen.value('status', 'archived');
  }
  expect(textsOf(seen.take())).toEqual([
    'field colour (string)',
    'field colour (number)',
    'field services.size (array)',
    'field exact (number)',
    'value archived of status',
  ]);
  expect(seen.take()).toEqual([]);
});

test.each(['Jan Kowalski', 'jan@example.pl', '5260250274 ', 'PL5260250274', 'x'.repeat(33), 'żółw', ''])(
  'a value that is no short lower-case word is not told: %j',
  (value) => {
    const seen = seenIn();
    seen.value('status', value);
    expect(textsOf(seen.take())).toEqual(['another value of status']);
  },
);

test('a field whose name may be what somebody typed is not named', () => {
  const seen = seenIn();
  seen.field('jan@example.pl', 1);
  seen.field('Jan Kowalski', 1);
  expect(textsOf(seen.take())).toEqual(['a field whose name is no word']);
});

test('however many differences there are, a hundred are named and the others are told of once', () => {
  const seen = seenIn();
  for (let index = 0; index < 1_000; index += 1) seen.field(`field${index}`, 1);
  const found = textsOf(seen.take());
  expect([found.length, found.at(-1)]).toEqual([101, 'further differences, too many to name']);
  seen.field('another', 1);
  expect(seen.take()).toEqual([]);
});

test('pages of fewer rows than asked for are told once, however many rows each has', () => {
  const seen = seenIn();
  for (const detail of ['50', '49']) seen.note({ what: 'page-size', name: 'limit', detail });
  expect(textsOf(seen.take())).toEqual(['pages of 50 rows, fewer than asked for']);
});

test('a filter is named by its field, and a list without one by its scope', () => {
  const names = [filterDrift(invoices, 'open'), filterDrift(invoices, 'recent'), filterDrift(clients, 'sweep')];
  expect(textsOf(names)).toEqual([
    'the filter by paid_date has no effect',
    'the filter by invoice_date has no effect',
    'the filter by scope has no effect',
  ]);
});

test('what was seen outlives a restart, and what was found and not stored is found again', () => {
  const first = seenIn();
  first.learn({ number: 1, hasBegun: false });
  first.field('colour', 'red');
  const stored = first.stored();
  const second = seenIn();
  second.restore(stored);
  second.field('colour', 'blue');
  second.field('size', 1);
  expect(textsOf(second.take())).toEqual(['field size (number)']);
  second.restore(stored);
  second.field('size', 1);
  expect(textsOf(second.take())).toEqual(['field size (number)']);
});

test('what is there is learned to the end of a whole sweep, again where the count of sweeps begins anew', () => {
  const seen = seenIn();
  const settled = () => [0, 1, 2, 3, 7, 8].filter((finished) => seen.isSettled(finished));
  expect(settled()).toEqual([]);
  seen.learn({ number: 1, hasBegun: false });
  expect(settled()).toEqual([1, 2, 3, 7, 8]);
  // A state that an older program wrote, in the middle of its seventh sweep.
  seen.restore(undefined);
  seen.learn({ number: 7, hasBegun: true });
  seen.learn({ number: 8, hasBegun: false });
  expect(settled()).toEqual([8]);
  seen.learn({ number: 1, hasBegun: false });
  expect(settled()).toEqual([1, 2, 3, 7, 8]);
});

test('a difference that several streams show is told by the first, again only where that one forgets it', () => {
  const finders: FirstFinders = new Map();
  const streams = [seenIn('invoices', finders), seenIn('invoices', finders, 'beta'), seenIn('corrections', finders)];
  const showAll = () => {
    for (const seen of streams) {
      seen.field('colour', 'red');
      seen.note({ what: 'filter', name: 'paid_date', detail: null });
    }
    return streams.map((seen) => textsOf(seen.take()));
  };
  const filter = 'the filter by paid_date has no effect';
  expect(showAll()).toEqual([['field colour (string)', filter], [], [filter]]);
  // Its transaction was lost.
  streams[0]?.restore(undefined);
  expect(showAll()).toEqual([['field colour (string)', filter], [], []]);
});
