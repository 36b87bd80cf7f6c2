import { TransientError } from '../../src/errors';
import type { ServiceEvent } from '../../src/service/events';
import { NO_COUNTS } from '../../src/rules/cursor';
import { createBoard, type Board, type BoardSetting } from '../../src/status/board';
import type { StreamStatus } from '../../src/status/stream-status';
import { LEAST_TARGET_MS, streamName } from '../../src/status/targets';
import {
  drifted,
  iso,
  lostFor,
  pageRead,
  parkedFor,
  restored,
  shardGone,
  shardReady,
  shardsOwned,
  START_MS,
  sweptAt,
} from '../support/service-events';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const targets = { sweepMs: HOUR, newestMs: HOUR };

function boardOf(changes: Partial<BoardSetting> = {}): Board {
  return createBoard({
    entities: [
      { id: 'alfa', enabled: true, streams: ['clients', 'invoices'] },
      { id: 'asleep', enabled: false, streams: ['clients'] },
    ],
    owner: 'one',
    entitySet: 'e1',
    version: '0.2.0',
    startMs: START_MS,
    targetsOf: (read) => new Map(read.map(({ entity, stream }) => [streamName(entity, stream), targets])),
    ...changes,
  });
}

/** Something that happens, at minutes after the start. */
type At = readonly [minute: number, event: ServiceEvent];

const known = { isFirst: false, sweptAt: iso(START_MS - MINUTE), live: 40 };
const opened: readonly At[] = [
  [0, shardsOwned([0])],
  [0, shardReady(0, restored('clients', known), restored('invoices', known))],
  [0, pageRead('sweep')],
  [0, pageRead('sweep', { stream: 'invoices' })],
];
const first: readonly At[] = [
  [0, shardsOwned([0])],
  [0, shardReady(0, restored('clients'), restored('invoices'))],
];
const held: ServiceEvent = {
  kind: 'held',
  entity: 'alfa',
  stream: 'clients',
  hold: { id: '0a1b', since: iso(START_MS), reason: '12 of 40 rows are gone', sweep: 2 },
};
const filterIgnored: ServiceEvent = {
  kind: 'warning',
  entity: 'alfa',
  stream: 'clients',
  message: 'ignored',
  about: 'filter-ignored',
};
const silent: ServiceEvent = { kind: 'contact', failure: new TransientError('no sign of life') };

function play(events: readonly At[], board = boardOf()): Board {
  for (const [minute, event] of events) board.tell(event, START_MS + minute * MINUTE);
  return board;
}

/** Where alfa's clients stand: state, reason, and what else is wrong. */
function standing(board: Board, minute: number): string {
  const status = board.statuses(START_MS + minute * MINUTE).find(({ stream }) => stream === 'clients');
  return [status?.state, status?.reason ?? 'well', ...(status?.also ?? [])].join(' ');
}

test.each<[string, readonly At[], number, string]>([
  ['is configured and that nobody tells of', [], 1, 'unknown well'],
  ['is configured and that nobody tells of for long', [], 31, 'unknown stale'],
  ['is not read as Kafka is away from the start', [[0, lostFor(null)]], 1, 'unknown kafka-lost'],
  ['was restored', first, 1, 'starting well'],
  ['is read for the first time', [...first, [1, pageRead('sweep', { anchor: 9 })]], 1, 'first-sweep well'],
  [
    'is read for the first time and comes on',
    [...first, ...[50, 100, 150].map((at): At => [at, pageRead('sweep', { anchor: at })])],
    200,
    'first-sweep well',
  ],
  [
    'is read for the first time and whose list repeats itself',
    [...first, ...[50, 100, 150].map((at): At => [at, pageRead('sweep', { anchor: 9 })])],
    151,
    'first-sweep stale',
  ],
  ['is read for the first time and whose list hangs', first, 61, 'starting stale'],
  ['was swept', [...first, [5, sweptAt(START_MS + 5 * MINUTE)]], 6, 'starting well'],
  ['is read over and over', opened, 1, 'reading well'],
  ['was swept long ago', opened, 60, 'reading stale'],
  [
    'was swept long ago although newest is read',
    [...opened, [59, pageRead('newest', { ended: 1 })]],
    60,
    'reading stale',
  ],
  [
    'is swept and whose newest rows are not looked at',
    [...opened, ...[30, 60, 90].map((at): At => [at, sweptAt(START_MS + at * MINUTE)])],
    91,
    'reading stale',
  ],
  [
    'is swept and looked at',
    [...opened, [50, sweptAt(START_MS + 50 * MINUTE)], [80, pageRead('newest', { ended: 1 })]],
    91,
    'reading well',
  ],
  ['is parked', [...opened, [1, parkedFor('shape-changed', 'clients')]], 2, 'parked shape-changed'],
  ['belongs to an entity that is parked', [...opened, [1, parkedFor('unauthorized')]], 2, 'parked unauthorized'],
  [
    'is tried again and not read yet',
    [...opened, [1, parkedFor('unauthorized')], [2, { kind: 'retrying', entity: 'alfa', stream: null }]],
    3,
    'parked unauthorized',
  ],
  ['is read again', [...opened, [1, parkedFor('unauthorized')], [2, pageRead('newest')]], 3, 'reading well'],
  [
    'is parked beside a stream that is read',
    [...opened, [1, parkedFor('shape-changed', 'clients')], [2, pageRead('newest', { stream: 'invoices' })]],
    3,
    'parked shape-changed',
  ],
  [
    'is parked for so long that it is stale too',
    [...opened, [1, parkedFor('unavailable')]],
    61,
    'parked unavailable stale',
  ],
  ['has deletions that wait for a person', [...opened, [1, held]], 2, 'reading held'],
  ['has none any more', [...opened, [1, held], [2, sweptAt(START_MS + 2 * MINUTE)]], 3, 'reading well'],
  [
    'has dead letters and rows that could not be read',
    [...opened, [1, sweptAt(START_MS, { complete: false, reasons: ['unreadable', 'dead-letters'] })]],
    2,
    'reading dead-letters unreadable',
  ],
  [
    'had dead letters when it was restored',
    [[0, shardReady(0, restored('clients', { ...known, reasons: ['dead-letters'] }))]],
    1,
    'starting dead-letters',
  ],
  ['has a filter that the API ignores', [...opened, [1, filterIgnored]], 2, 'reading filter-ignored'],
  [
    'had one, and no more',
    [...opened, [1, filterIgnored], [119, sweptAt(START_MS + 119 * MINUTE)], [119, pageRead('newest', { ended: 1 })]],
    122,
    'reading well',
  ],
  ['has shown a change of the API', [...opened, [1, pageRead('newest')], [1, drifted()]], 2, 'reading drift'],
  ['has shown what was there before', [...opened, [1, pageRead('newest')], [1, drifted(false)]], 2, 'reading well'],
  ['has misfits', [...opened, [1, pageRead('newest', { misfits: { notes: 2 } })]], 2, 'reading misfits'],
  ['has lost its shard a moment ago', [...opened, [1, lostFor(0)]], 1, 'lost well'],
  ['has lost its shard', [...opened, [1, lostFor(0)]], 2, 'lost kafka-lost'],
  ['lost its shard again and again', [...opened, [1, lostFor(0)], [2, lostFor(0)]], 2, 'lost kafka-lost'],
  [
    'has its shard back',
    [...opened, [1, lostFor(0)], [2, shardReady(0, restored('clients', known))]],
    3,
    'reading well',
  ],
  ['has another shard lost', [...opened, [1, lostFor(3)]], 2, 'reading well'],
  ['was handed over', [...opened, [1, lostFor(0, 'lost', 'hand-over')]], 2, 'reading well'],
  ['had a batch refused', [...opened, [1, lostFor(0, 'refused')]], 2, 'reading well'],
  ['has a shard with a fault of its own', [...opened, [1, lostFor(0, 'parked')]], 1, 'lost shard-fault'],
  [
    'has a shard that a newer program wrote',
    [...opened, [1, lostFor(0, 'parked', 'newer-version')]],
    1,
    'lost unknown-version',
  ],
  ['is read while the group is silent', [...opened, [1, silent]], 2, 'lost kafka-lost'],
  [
    'is read and the group is heard again',
    [...opened, [1, silent], [2, { kind: 'contact', failure: null }]],
    3,
    'reading well',
  ],
  ['was given to another replica that says nothing', [...opened, [1, shardGone(0)]], 2, 'unknown well'],
])('a stream that %s is told to be so (I10)', (_which, events, minute, expected) => {
  expect(standing(play(events), minute)).toBe(expected);
});

test('a stream says when its trouble began, and by when it is tried again', () => {
  const board = play([...opened, [1, parkedFor('unauthorized')], [2, parkedFor('unauthorized')]]);
  expect(board.statuses(START_MS + 3 * MINUTE)[0]).toMatchObject({
    sinceMs: START_MS + MINUTE,
    untilMs: START_MS + 3 * MINUTE,
  });
});

test('the progress of a first sweep is told until it is over', () => {
  const cursor = { totalCount: 900, counts: { ...NO_COUNTS, rows: 300 } };
  const board = play([...first, [1, pageRead('sweep', { cursor })]]);
  expect(board.statuses(START_MS + MINUTE)[0]?.firstSweep).toEqual({ rows: 300, total: 900 });
  play([[2, sweptAt(START_MS + 2 * MINUTE)]], board);
  expect(board.statuses(START_MS + 2 * MINUTE)[0]).toMatchObject({
    firstSweep: null,
    completeMs: START_MS + 2 * MINUTE,
    sweep: { beganMs: START_MS + MINUTE, endedMs: START_MS + 2 * MINUTE, rows: 250, complete: true },
  });
});

describe('what is new', () => {
  test('is each change of state or reason and each sweep, and nothing else', () => {
    const board = boardOf();
    const news = (minute: number, event: ServiceEvent): string[] =>
      board
        .tell(event, START_MS + minute * MINUTE)
        .map(
          ({ before, now }) => `${now.stream}: ${before?.state ?? 'nothing'}, now ${now.state} ${now.reason ?? 'well'}`,
        );
    expect(news(0, shardsOwned([0]))).toEqual([]);
    expect(news(0, shardReady(0, restored('clients', known)))).toEqual(['clients: nothing, now starting well']);
    expect(news(0, pageRead('sweep'))).toEqual(['clients: starting, now reading well']);
    expect(news(1, pageRead('newest'))).toEqual([]);
    expect(news(1, sweptAt(START_MS + MINUTE))).toEqual(['clients: reading, now reading well']);
    expect(news(2, parkedFor('forbidden', 'clients'))).toEqual(['clients: reading, now parked forbidden']);
    expect(news(3, pageRead('newest'))).toEqual(['clients: parked, now reading well']);
    expect(board.look(START_MS + 4 * MINUTE)).toEqual([]);
    expect(board.look(START_MS + 62 * MINUTE)).toMatchObject([{ before: { reason: null }, now: { reason: 'stale' } }]);
    expect(board.look(START_MS + 63 * MINUTE)).toEqual([]);
  });

  test('is the progress of a first sweep, once a minute', () => {
    const board = play(first);
    const told = [1, 1.4, 1.8, 2.2, 2.6].map((minute, at) => {
      const counts = { ...NO_COUNTS, rows: 100 * at };
      return board.tell(pageRead('sweep', { anchor: at + 1, cursor: { counts } }), START_MS + minute * MINUTE).length;
    });
    expect(told).toEqual([1, 0, 0, 1, 0]);
  });

  test('is all of an entity once one of its streams is read after it was parked', () => {
    const board = play([...opened, [1, parkedFor('unauthorized')]]);
    const news = board.tell(pageRead('newest'), START_MS + 2 * MINUTE);
    expect(news.map(({ now: { stream, state } }) => `${stream} ${state}`)).toEqual([
      'clients reading',
      'invoices reading',
    ]);
  });
});

describe('other replicas', () => {
  const shown: StreamStatus = {
    ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS },
    ...{
      untilMs: null,
      sweep: null,
      completeMs: START_MS,
      staleAfterMs: HOUR,
      firstSweep: null,
      newestMs: null,
      filters: null,
    },
    ...{ toldMs: START_MS, owner: 'other', version: '0.1.9', entitySet: 'e1' },
  };
  const seen = (status: StreamStatus, shard = 3): ServiceEvent => ({
    ...{ kind: 'status', entity: status.entity, stream: status.stream, shard },
    status,
  });
  const clients = (board: Board, minute: number): StreamStatus | undefined =>
    board.statuses(START_MS + minute * MINUTE).find(({ stream }) => stream === 'clients');

  test('are believed of what they read', () => {
    const board = play([[0, seen({ ...shown, state: 'parked', reason: 'unavailable' })]]);
    expect(clients(board, 1)).toMatchObject({ owner: 'other', state: 'parked', reason: 'unavailable' });
    play([[2, seen(shown)]], board);
    expect(clients(board, 3)).toMatchObject({ reason: null });
  });

  test('that have not been heard of for too long leave a stream stale (I10)', () => {
    const board = play([[0, seen(shown)]]);
    expect([clients(board, 59)?.reason, clients(board, 61)?.reason]).toEqual([null, 'stale']);
    const parked = play([[0, seen({ ...shown, state: 'parked', reason: 'forbidden' })]]);
    expect(clients(parked, 61)).toMatchObject({ reason: 'forbidden', also: ['stale'] });
    const absent = play([[0, seen({ ...shown, state: 'parked', reason: 'not-available' })]]);
    expect(clients(absent, 6_100)).toMatchObject({ reason: 'not-available', also: [] });
  });

  test('are not believed of what this replica reads', () => {
    const board = play([...opened, [1, seen({ ...shown, state: 'stopped' }, 0)]]);
    expect(clients(board, 2)).toMatchObject({ owner: 'one', state: 'reading' });
  });

  test('leave behind since when a trouble lasts', () => {
    const before = { ...shown, state: 'parked', reason: 'unauthorized', sinceMs: START_MS - HOUR } as const;
    const board = play([[0, seen(before, 0)], ...opened, [1, parkedFor('unauthorized')]]);
    expect(clients(board, 2)).toMatchObject({ owner: 'one', reason: 'unauthorized', sinceMs: START_MS - HOUR });
  });

  test('that this replica knows no file of have their streams told as not read, once, where their shard is its own', () => {
    const stranger = { ...shown, entity: 'beta' };
    const board = boardOf();
    expect(board.tell(seen(stranger), START_MS)).toEqual([]);
    const [news, ...more] = board.tell(shardsOwned([3]), START_MS);
    expect(more).toEqual([]);
    expect(news?.now).toMatchObject({ entity: 'beta', state: 'not-read', reason: 'not-configured-here', owner: 'one' });
    expect(board.tell(seen(news?.now ?? stranger), START_MS)).toEqual([]);
    expect(board.statuses(START_MS + 5 * HOUR).find(({ entity }) => entity === 'beta')).toMatchObject({
      reason: 'not-configured-here',
      also: [],
    });
  });

  test('have nothing wrong with a stream that its file switches off', () => {
    const board = play([[0, shardsOwned([3])]]);
    const news = board.tell(seen({ ...shown, entity: 'asleep' }), START_MS);
    expect(news).toMatchObject([{ now: { entity: 'asleep', state: 'not-read', reason: null } }]);
  });

  test('whose files change are told of by the files of now', () => {
    const alfa = { id: 'alfa', enabled: true, streams: ['clients'] };
    const board = play(opened);
    board.tell(seen({ ...shown, entity: 'alfa', stream: 'invoices' }, 0), START_MS);
    const change = { kind: 'entities', added: [], changed: [], removed: [], entitySet: 'e1' } as const;
    const news = board.tell({ ...change, configured: [alfa, { ...alfa, id: 'beta' }] }, START_MS);
    expect(news).toMatchObject([{ now: { entity: 'alfa', stream: 'invoices', state: 'not-read', reason: null } }]);
    expect(board.isConfigured('beta', 'clients')).toBe(true);
    expect(board.own(START_MS).map(({ stream }) => stream)).toEqual(['clients']);
    expect(board.statuses(START_MS).map(({ entity, stream, state }) => `${entity} ${stream} ${state}`)).toEqual([
      'alfa clients reading',
      'alfa invoices reading',
      'beta clients unknown',
    ]);
  });

  test('have new files told of with every stream that is read here', () => {
    const board = play(opened);
    const configured = [{ id: 'alfa', enabled: true, streams: ['clients', 'invoices'] }];
    const change = { kind: 'entities', added: [], changed: [], removed: [], configured } as const;
    const news = (entitySet: string) =>
      board.tell({ ...change, entitySet }, START_MS).map(({ now }) => `${now.stream} ${now.entitySet}`);
    expect([news('e1'), news('e2'), news('e2')]).toEqual([[], ['clients e2', 'invoices e2'], []]);
  });

  test('are asked once for a stream that nobody tells of, once the topic is read to the present, and answer if they have no file for it', () => {
    const asking = boardOf();
    const beta = { ...shown, entity: 'beta' };
    const asks = (minute: number): string[] =>
      asking
        .look(START_MS + minute * MINUTE)
        .map(({ now: { entity, stream, state } }) => `${entity} ${stream} ${state}`);
    expect([asks(0), asks(5)]).toEqual([[], []]);
    play([[5, seen({ ...beta, toldMs: START_MS - 1 })]], asking);
    expect([asks(6), asks(7)]).toEqual([[], []]);
    play([[7, seen(beta)]], asking);
    play([[7, seen({ ...shown, stream: 'invoices' })]], asking);
    expect([asks(8), asks(8.4), asks(8.5), asks(9)]).toEqual([[], [], ['alfa clients unknown'], []]);

    const owner = boardOf({ entities: [], owner: 'other', entitySet: 'e2' });
    owner.tell(shardsOwned([3]), START_MS);
    const asked = seen({ ...shown, state: 'unknown', owner: 'one' });
    const [answer] = owner.tell(asked, START_MS + 9 * MINUTE);
    expect(answer?.now).toMatchObject({
      state: 'not-read',
      reason: 'not-configured-here',
      owner: 'other',
      entitySet: 'e2',
    });
    expect(owner.tell(asked, START_MS + 10 * MINUTE)).toEqual([]);
    play([[9, seen(answer?.now ?? shown)]], asking);
    expect(clients(asking, 10)).toMatchObject({ reason: 'not-configured-here', owner: 'other' });
    expect(asks(11)).toEqual([]);
  });

  test('that ask for a stream which is read here are told again how it stands', () => {
    const board = play(opened);
    const news = board.tell(seen({ ...shown, state: 'unknown' }, 0), START_MS + MINUTE);
    expect(news).toMatchObject([
      { before: { state: 'reading' }, now: { stream: 'clients', state: 'reading', owner: 'one' } },
    ]);
    expect(board.tell(seen(news[0]?.now ?? shown, 0), START_MS + MINUTE)).toEqual([]);
  });

  test('whose entity files differ for long are named', () => {
    const board = play([...opened, [1, seen({ ...shown, entity: 'beta', entitySet: 'e2' })]]);
    expect([1, 4].map((minute) => board.disagreement(START_MS + minute * MINUTE)?.sets ?? null)).toEqual([
      null,
      new Map([
        ['one', 'e1'],
        ['other', 'e2'],
      ]),
    ]);
  });

  test('that have removed a stream from the topic leave nothing of it', () => {
    const board = play([[0, seen({ ...shown, entity: 'beta' })]]);
    board.tell({ kind: 'status', entity: 'beta', stream: 'clients', shard: 3, status: null }, START_MS);
    expect(board.statuses(START_MS).map(({ entity }) => entity)).toEqual(['alfa', 'alfa']);
  });
});

test('what is said last of each stream of this replica is that it has stopped', () => {
  const board = play([...opened, [1, parkedFor('unauthorized')]]);
  expect(board.stopped(START_MS + 2 * MINUTE)).toMatchObject([
    { stream: 'clients', state: 'stopped', reason: 'unauthorized', untilMs: null, sinceMs: START_MS + MINUTE },
    { stream: 'invoices', state: 'stopped' },
  ]);
});

test('a target is half an hour at least for whom nothing else is known', () => {
  expect(LEAST_TARGET_MS).toBe(30 * MINUTE);
});

test('where the filters of a list stand is told with the stream, and is no news that other replicas are told', () => {
  const board = play(opened);
  const candidate = { kind: 'paid', parameter: 'q[paid_date_gteq]', field: 'paid_date' } as const;
  const standings = [{ candidate, verdict: 'works', why: 'it does', wasAnswered: true, sinceMs: START_MS }] as const;
  const about = { entity: 'alfa', stream: 'invoices' };
  expect(board.tell({ kind: 'filters', ...about, standings }, START_MS + MINUTE)).toEqual([]);
  const filtersOf = (stream: string) =>
    board.statuses(START_MS + MINUTE).find((each) => each.stream === stream)?.filters;
  expect([filtersOf('invoices'), filtersOf('clients')]).toEqual([standings, []]);
});
