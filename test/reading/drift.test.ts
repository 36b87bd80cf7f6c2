import { driftText } from '../../src/changes/drift';
import { FatalError } from '../../src/errors';
import type { Rhythm } from '../../src/reading/stream-reading';
import { isoDay } from '../../src/rules/scope';
import { itemStream, type ListRequest } from '../support/memory';
import { items, scene, type Running, type Scene, type Setting, when } from '../support/scene';

// What a stream shows of the API that is new, told by processes that follow each other.

const HOUR = 60 * 60 * 1_000;

/** The sweep over and over, and what else is wanted. */
const often: Rhythm = {
  guarantees: () => {
    return { newest: 1, open: 1, recent: HOUR, sweep: 1 };
  },
  recentDays: 45,
};

function news({ told }: Running): readonly string[] {
  return told.flatMap((each) => (each.kind === 'drift' && each.isNews ? each.found.map(driftText) : []));
}

interface Trouble {
  /** Nothing of it is so until it is set. */
  on: boolean;
}

/** What two processes tell as news, the first of which meets the trouble after a sweep that shows nothing of it. */
async function toldByTwo(trouble: Trouble, setting: Partial<Setting>, seen: (run: Running) => boolean) {
  const date = isoDay(Date.now());
  const rows = items(20).map((row) => ({ ...row, date, closed: row.id > 10 ? date : null }));
  const streams = [itemStream('items', { opens: true, scoped: true })];
  const here: Scene = scene({ rows: { alfa: { items: rows } }, streams, ...setting });
  const start = () => here.start({ rhythm: often, limit: 10, idleCommitMs: 1, parkMs: () => 1 });
  const first = start();
  await when(() => first.of('swept').length > 1);
  expect(news(first)).toEqual([]);
  trouble.on = true;
  await when(() => news(first).length > 0 && seen(first));
  const written = here.kafka.state.length;
  await when(() => here.kafka.state.length > written || first.of('parked').length > 3);
  trouble.on = false;
  const swept = first.of('swept').length;
  await when(() => first.of('swept').length > swept + 1);
  first.stop();
  await first.ended;
  const second = start();
  // By then whatever it shows at first is no news of its own any more.
  await when(() => second.of('swept').length > 2);
  trouble.on = true;
  await when(() => seen(second));
  second.stop();
  await second.ended;
  return [news(first), news(second)];
}

test('pages that become smaller are told once, a restart included', async () => {
  const trouble: Trouble = { on: false };
  const falsify: Setting['falsify'] = (answer) => (trouble.on ? { ...answer, rows: answer.rows.slice(0, 5) } : answer);
  const sweeps = (run: Running): boolean => run.of('swept').length > 3;
  expect(await toldByTwo(trouble, { falsify }, sweeps)).toEqual([['pages of 5 rows, fewer than asked for'], []]);
});

test('a list that is no longer in order is told once, a restart included, and parks the stream as before', async () => {
  const trouble: Trouble = { on: false };
  const falsify: Setting['falsify'] = (answer) => (trouble.on ? { ...answer, rows: answer.rows.toReversed() } : answer);
  const parks = (run: Running): boolean => run.of('parked').length > 1;
  expect(await toldByTwo(trouble, { falsify }, parks)).toEqual([
    ['a list is not in the order by id that was asked for'],
    [],
  ]);
});

test.each<[string, (trouble: Trouble) => Partial<Setting>]>([
  ['ignores', (trouble) => ({ heeds: (name) => !trouble.on || name !== 'q[closed_null]' })],
  [
    'refuses',
    (trouble) => ({
      before: ({ params }: ListRequest) => {
        if (!trouble.on || !('q[closed_null]' in params)) return;
        throw new FatalError('expected 200, got 422', { reason: 'unexpected-status', parks: 'stream', status: 422 });
      },
    }),
  ],
])('a filter that the API %s from now on is told once, a restart included', async (_does, settingOf) => {
  const trouble: Trouble = { on: false };
  const warned = (run: Running): boolean => run.of('warning').length > 0;
  expect(await toldByTwo(trouble, settingOf(trouble), warned)).toEqual([['the filter by closed has no effect'], []]);
});
