import { createNarrator, type Narrator } from '../../src/commands/narrate';
import { ConfigError, FatalError, TransientError } from '../../src/errors';
import type { Cursor, StreamName } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import { createLogger } from '../../src/telemetry';
import type { Completeness } from '../../src/rules/completeness';
import { NO_COUNTS } from '../../src/rules/cursor';
import type { FilterStanding } from '../../src/rules/filter-trust';
import { allThere } from '../support/completeness';

let lines: Record<string, unknown>[];
let narrator: Narrator;
let nowMs: number;

beforeEach(() => {
  lines = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) };
  nowMs = Date.parse('2026-01-07T10:00:01.000Z');
  narrator = createNarrator(createLogger({ level: 'info', secrets: [] }, destination), () => nowMs);
});

/** What was told so far, one text a line: level, place, message. */
function told(): string[] {
  return lines.map(({ level, entity, stream, shard, msg }) =>
    [level, entity, stream, shard, msg]
      .filter((part) => part !== undefined)
      .map(String)
      .join(' '),
  );
}

const clients = { entity: 'alfa', stream: 'clients' } as const;
const invoices = { entity: 'alfa', stream: 'invoices' } as const;
const alfa = { entity: 'alfa', stream: null } as const;

const cursor: Cursor = {
  number: 3,
  query: { from: null, to: null, order: 'asc' },
  startedAt: '2026-01-07T10:00:00.000Z',
  finishedAt: '2026-01-07T10:00:01.000Z',
  position: { offset: 0, anchor: 7, step: 1, requests: 1, unproven: 0 },
  totalCount: 2,
  counts: { ...NO_COUNTS, rows: 2, updated: 1, unchanged: 1 },
  sums: {},
};

const requestMade = { attempt: 1, after: null, waitedMs: 0, allowance: { used: 1, limit: null } } as const;

type Place = Pick<Progress, 'entity'> & { readonly stream: string | null };
type StreamPlace = Pick<Progress, 'entity'> & { readonly stream: string };

const page = (place: StreamPlace): void => narrator.tell({ kind: 'page', ...place, counts: NO_COUNTS, cursor });
const swept = (place: StreamPlace, standing: Partial<Completeness> = {}): void =>
  narrator.tell({
    kind: 'swept',
    ...place,
    cursor,
    completeness: { ...allThere, ...standing },
    live: 0,
    ledgerBytes: 0,
  });
const sweep = (place: StreamPlace): void => {
  narrator.tell({ kind: 'sweep', ...place, cursor });
  swept(place);
};
const retrying = (place: Place): void => narrator.tell({ kind: 'retrying', ...place });
const refusal = new FatalError('GET /clients.json expected 200, got 401', {
  reason: 'unauthorized',
  parks: 'entity',
  status: 401,
});
const parked = (place: Place, waitMs = 60_000): void =>
  narrator.tell({ kind: 'parked', ...place, reason: 'unauthorized', error: refusal, waitMs });
const away = new TransientError('no broker answered');
const refused = new ConfigError('no rights', { mayPass: true });
const lost = (shard: number | null, error: Error = away): void =>
  narrator.tell({ kind: 'lost', shard, error, waitMs: 500, loss: 'lost', inARow: 1 });

const back = (shard: number): void => narrator.tell({ kind: 'shard-ready', shard, streams: [], restoreMs: 0 });

const committed = (shard: number): void =>
  narrator.tell({ kind: 'commit', shard, outcome: 'committed', ms: 1, records: 1, bytes: 1 });

describe('what a run takes and does', () => {
  const shards = (taken: number[], givenUp: number[], owned: number): void =>
    narrator.tell({
      kind: 'shards',
      taken,
      givenUp,
      entities: taken.map((shard) => `e${shard}`),
      owned,
      of: 4,
      used: [],
      shards: [],
    });

  test('shards that are taken and given up are told, and once that another replica has the others', () => {
    shards([0, 1, 2, 3], [], 4);
    shards([], [2, 3], 2);
    shards([3], [0], 2);
    shards([0, 1, 2], [], 4);
    expect(told()).toEqual([
      'info shards taken',
      'info shards given up',
      'info another replica of this service has the other shards',
      'info shards taken',
      'info shards given up',
      'info shards taken',
    ]);
    expect(lines[0]).toMatchObject({ shards: [0, 1, 2, 3], entities: ['e0', 'e1', 'e2', 'e3'], owned: 4, of: 4 });
    expect(lines[1]).toMatchObject({ shards: [2, 3], owned: 2 });
  });

  test('what was read and published is summed up each minute while there is something, else every ten minutes (I10)', () => {
    const changed = { ...NO_COUNTS, rows: 3, created: 1, updated: 2 };
    narrator.sumUp();
    narrator.tell({ kind: 'request', ...clients, ...requestMade });
    narrator.tell({ kind: 'page', ...clients, counts: changed, cursor });
    narrator.tell({ kind: 'page', ...invoices, counts: { ...NO_COUNTS, rows: 5, unchanged: 5 }, cursor });
    narrator.sumUp();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      msg: 'read and published',
      minutes: 2,
      requests: 1,
      rows: 8,
      published: { clients: 3 },
      oldest: null,
    });
    sweep(clients);
    nowMs += 90_000;
    for (let minute = 1; minute < 10; minute++) narrator.sumUp();
    expect(told()).toEqual(['info read and published', 'info alfa clients caught up']);
    narrator.sumUp();
    expect(lines[2]).toMatchObject({
      minutes: 10,
      rows: 0,
      published: {},
      oldest: { stream: 'alfa clients', seconds: 90 },
    });
  });

  test('the oldest freshness is known from the start: of what was remembered, a stream without a complete sweep first (I10)', () => {
    const opened = (shard: number, ...streams: (readonly [stream: StreamName, sweptAt: string | null])[]): void =>
      narrator.tell({
        kind: 'shard-ready',
        shard,
        streams: streams.map(([stream, sweptAt]) => ({
          ...{ entity: 'alfa', stream, sweptAt, orBefore: sweptAt !== null },
          ...{ reasons: [], isFirst: sweptAt === null, live: 0, ledgerBytes: 0 },
        })),
        restoreMs: 1,
      });
    const oldest = (): unknown => {
      for (let minute = 1; minute <= 10; minute++) narrator.sumUp();
      return lines.at(-1)?.['oldest'];
    };
    expect(oldest()).toBeNull();
    opened(0, ['clients', '2026-01-07T09:00:01.000Z'], ['invoices', null]);
    opened(1, ['corrective-invoices', '2026-01-07T09:30:01.000Z']);
    expect(oldest()).toEqual({ stream: 'alfa invoices', seconds: null });
    swept(invoices, { complete: false, reasons: ['dead-letters'], deadLetters: [7] });
    expect(oldest()).toEqual({ stream: 'alfa invoices', seconds: null });
    swept(invoices);
    expect(oldest()).toEqual({ stream: 'alfa clients', seconds: 3_600, orMore: true });
    opened(0);
    expect(oldest()).toEqual({ stream: 'alfa corrective-invoices', seconds: 1_800, orMore: true });
  });

  test('whom a run waits for is told, and until when', () => {
    narrator.tell({ kind: 'waiting', wait: { forWhom: 'another instance', untilMs: nowMs } });
    narrator.tell({ kind: 'waiting', wait: null });
    expect(told()).toEqual(['info waiting']);
    expect(lines[0]).toMatchObject({ for: 'another instance', until: '2026-01-07T10:00:01.000Z' });
  });
});

describe('sweeps', () => {
  test('no page is a line, and only the first sweep of each stream is', () => {
    page(clients);
    sweep(clients);
    page(invoices);
    page(invoices);
    sweep(invoices);
    sweep(clients);
    sweep(invoices);
    expect(told()).toEqual(['info alfa clients caught up', 'info alfa invoices caught up']);
    expect(lines[0]).toMatchObject({ sweep: 3, rows: 2, created: 0, updated: 1, unchanged: 1, deadLetters: 0 });
  });

  test('one that is not complete is no catching up: it is a warning with its reasons as often as they change (I10)', () => {
    const lacks = { complete: false, reasons: ['dead-letters'], deadLetters: [7] } as const;
    swept(clients, lacks);
    swept(clients, lacks);
    swept(clients, { ...lacks, deadLetters: [7, 8] });
    swept(clients);
    expect(told()).toEqual([
      'warn alfa clients sweep finished, not complete',
      'warn alfa clients sweep finished, not complete',
      'info alfa clients caught up',
    ]);
    expect(lines[0]).toMatchObject({ reasons: ['dead-letters'], about: '1 dead letters standing (7)' });
  });

  test('a dead letter is a line with its id, field and reason', () => {
    narrator.tell({ kind: 'dead-letter', ...clients, id: 7, path: 'nip', reason: 'expected a text, got an object' });
    expect(told()).toEqual(['warn alfa clients dead letter']);
    expect(lines[0]).toMatchObject({ id: 7, field: 'nip', reason: 'expected a text, got an object' });
  });

  test('a pending row is a line once, with what its address answers and the sweep that missed it', () => {
    const pending = { kind: 'pending', ...clients, id: 7, got: '410', since: 3 } as const;
    narrator.tell(pending);
    narrator.tell(pending);
    expect(told()).toEqual(['warn alfa clients a missing row is neither there nor deleted']);
    expect(lines[0]).toMatchObject({ id: 7, got: '410', missingSinceSweep: 3 });
  });
});

describe('parking', () => {
  test('says why, for how long, each try, and once that it is back', () => {
    parked(clients);
    retrying(clients);
    parked(clients, 120_000);
    retrying(clients);
    page(invoices);
    page(clients);
    page(clients);
    expect(told()).toEqual([
      'warn alfa clients parked',
      'info alfa clients retrying',
      'warn alfa clients parked',
      'info alfa clients retrying',
      'info alfa clients back',
    ]);
    expect(lines[2]).toMatchObject({
      reason: 'unauthorized',
      waitMs: 120_000,
      err: { type: 'FatalError', code: 'FATAL', message: 'GET /clients.json expected 200, got 401' },
    });
  });

  test('an entity is back with the first page of any of its streams, and another one is not', () => {
    parked(alfa);
    page({ ...clients, entity: 'beta' });
    expect(told()).toEqual(['warn alfa parked']);
    page(invoices);
    page(clients);
    expect(told()).toEqual(['warn alfa parked', 'info alfa invoices back']);
  });

  test('a stream that was parked beside its entity is back once', () => {
    parked(clients);
    parked(alfa);
    page(clients);
    page(clients);
    expect(told().filter((line) => line.endsWith('back'))).toEqual(['info alfa clients back']);
  });

  test('each list that the key may not read is one warning that says which scope the key needs', () => {
    const error = new FatalError('GET /clients.json expected 200, got 403', { reason: 'forbidden', parks: 'stream' });
    for (const place of [clients, invoices])
      narrator.tell({ kind: 'parked', ...place, reason: 'forbidden', error, waitMs: 60_000 });
    expect(told()).toEqual(['warn alfa clients parked', 'warn alfa invoices parked']);
    for (const line of lines) expect(line['advice']).toContain('give the API key the scope api:invoices:read');
  });

  test('a list that the account does not have is told and warned of by nobody', () => {
    const error = new FatalError('GET /x.json expected 200, got 404', { reason: 'not-available', parks: 'stream' });
    narrator.tell({ kind: 'parked', ...clients, reason: 'not-available', error, waitMs: 86_400_000 });
    narrator.tell({ kind: 'given-up', ...invoices, reason: 'not-available', error });
    expect(told()).toEqual(['info alfa clients not available', 'info alfa invoices not available']);
    for (const line of lines) expect(line['about']).toBe(error.message);
  });

  test('what is given up is an error with its reason', () => {
    narrator.tell({ kind: 'given-up', ...clients, reason: 'unauthorized', error: refusal });
    expect(told()).toEqual(['error alfa clients given up for this run']);
    expect(lines[0]).toMatchObject({
      reason: 'unauthorized',
      advice: "set the entity's API key: it is missing, wrong or was withdrawn",
      err: { message: refusal.message },
    });
  });
});

test('a warning is told once of each stream', () => {
  const warning = (place: Place, message: string): void => narrator.tell({ kind: 'warning', ...place, message });
  warning(clients, 'a filter is ignored');
  warning(clients, 'a filter is ignored');
  warning(invoices, 'a filter is ignored');
  warning(clients, 'something else');
  expect(lines).toMatchObject([
    { level: 'warn', stream: 'clients', about: 'a filter is ignored' },
    { level: 'warn', stream: 'invoices', about: 'a filter is ignored' },
    { level: 'warn', stream: 'clients', about: 'something else' },
  ]);
});

test('how the API differs is told once of all entities: what was there at first as a fact, what came later as a warning', () => {
  const shows = (entity: string, isNews: boolean, ...names: string[]): void =>
    narrator.tell({
      ...{ kind: 'drift', entity, stream: 'clients', isNews },
      found: names.map((name) => ({ what: 'field', name, detail: 'string' })),
    });
  shows('alfa', false, 'colour', 'size');
  shows('beta', false, 'colour');
  shows('beta', true, 'weight');
  shows('alfa', true, 'weight');
  expect(lines).toMatchObject([
    {
      ...{ level: 'info', entity: 'alfa', stream: 'clients', msg: 'the API differs from what is documented' },
      differences: ['field colour (string)', 'field size (string)'],
    },
    { level: 'warn', entity: 'beta', msg: 'the API differs', differences: ['field weight (string)'] },
  ]);
  expect(lines).toHaveLength(2);
});

describe('Kafka', () => {
  test('an outage is told once, whatever the number of shards and tries, and its end once', () => {
    lost(0);
    lost(1);
    lost(0);
    lost(1);
    back(0);
    expect(told()).toEqual(['warn 0 kafka lost, retrying']);
    back(1);
    expect(told()).toEqual(['warn 0 kafka lost, retrying', 'info kafka is back']);
    expect(lines[0]).toMatchObject({ waitMs: 500, err: { code: 'TRANSIENT', message: 'no broker answered' } });
  });

  test('what a person must set right is told also where Kafka is lost already', () => {
    lost(0);
    lost(0, refused);
    lost(1, refused);
    expect(told()).toEqual(['warn 0 kafka lost, retrying', 'warn 0 kafka lost, retrying']);
    expect(lines[1]).toMatchObject({ err: { code: 'CONFIG' } });
  });

  test('lost as a whole, it is back with the first shard, and a shard lost before is not waited for', () => {
    lost(0);
    lost(1);
    lost(null);
    back(1);
    expect(told()).toEqual(['warn 0 kafka lost, retrying', 'info kafka is back']);
  });

  test('a lasting failure is told behind a first harmless one of its class, and again every minute with how often it came', () => {
    lost(0);
    lost(0, new TransientError('GET /topics: quota 17 exceeded'));
    nowMs += 30_000;
    lost(0, new TransientError('GET /topics: quota 18 exceeded'));
    nowMs += 30_000;
    lost(0, new TransientError('GET /topics: quota 19 exceeded'));
    expect(told()).toEqual(Array(3).fill('warn 0 kafka lost, retrying'));
    expect(lines.map(({ times }) => times)).toEqual([1, 1, 3]);
  });

  test('refusals are told by how many there were in a row, and are no loss of Kafka', () => {
    for (let inARow = 1; inARow <= 9; inARow++)
      narrator.tell({ kind: 'lost', shard: 0, error: away, waitMs: 1, loss: 'refused', inARow });
    back(0);
    expect(told()).toEqual(Array(4).fill('warn 0 batch refused, trying it in smaller pieces'));
    expect(lines.map(({ times }) => times)).toEqual([1, 2, 4, 8]);
  });

  test('a group that is not heard of is told, and that it is heard again', () => {
    const contact = (failure: Error | null): void => narrator.tell({ kind: 'contact', failure });
    contact(away);
    contact(null);
    contact(null);
    expect(told()).toEqual(['warn kafka lost, retrying', 'info kafka is back']);
  });

  test('an outage that the group and a shard notice is one line, and is over when both are back', () => {
    narrator.tell({ kind: 'contact', failure: away });
    lost(0);
    back(0);
    expect(told()).toEqual(['warn kafka lost, retrying']);
    narrator.tell({ kind: 'contact', failure: null });
    expect(told()).toEqual(['warn kafka lost, retrying', 'info kafka is back']);
  });

  test('a registry that is away is said to be that, not Kafka', () => {
    lost(null, new TransientError('no answer', { trouble: 'registry' }));
    back(0);
    expect(told()).toEqual(['warn registry lost, retrying', 'info registry is back']);
  });

  test('a shard that another writer took is no loss, unless that happens again and again', () => {
    const moved = new TransientError('a newer writer took this shard', { trouble: 'hand-over' });
    lost(0, moved);
    back(0);
    lost(0, moved);
    lost(1, moved);
    lost(0, moved);
    expect(told()).toEqual([
      'info 0 shard handed over',
      'info 0 shard handed over',
      'info 1 shard handed over',
      'warn 0 shard handed over again and again',
    ]);
  });

  test('a commit that is given up only when Kafka is back belongs to the outage in which it began', () => {
    back(0);
    back(1);
    lost(0);
    back(0);
    nowMs += 9_000;
    lost(1);
    back(1);
    expect(told()).toEqual(['warn 0 kafka lost, retrying', 'info kafka is back']);
  });

  test.each([
    ['the shard had committed something in between', () => committed(1)],
    ['the shard was opened in between', () => back(1)],
    ['no commit takes so long', () => (nowMs += 30_000)],
  ])('a loss is another outage where %s', (_why, happen) => {
    back(0);
    back(1);
    lost(0);
    back(0);
    happen();
    lost(1);
    back(1);
    expect(told()).toEqual([
      'warn 0 kafka lost, retrying',
      'info kafka is back',
      'warn 1 kafka lost, retrying',
      'info kafka is back',
    ]);
  });

  test('a shard of which only the end of an outage tells is told where it stays away', () => {
    back(0);
    back(1);
    lost(0);
    back(0);
    for (const seconds of [10, 10, 10]) {
      nowMs += seconds * 1_000;
      lost(1);
    }
    expect(told()).toEqual(['warn 0 kafka lost, retrying', 'info kafka is back', 'warn 1 kafka lost, retrying']);
  });

  test('the next outage is told again', () => {
    lost(0);
    back(0);
    lost(0);
    back(0);
    expect(told()).toEqual([
      'warn 0 kafka lost, retrying',
      'info kafka is back',
      'warn 0 kafka lost, retrying',
      'info kafka is back',
    ]);
  });

  test('shards that open without having been lost are not told, nor are pages while one is away', () => {
    back(0);
    lost(1);
    back(0);
    page(clients);
    expect(told()).toEqual(['warn 1 kafka lost, retrying']);
  });

  test('further tries are told to whoever asks for them', () => {
    const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) };
    narrator = createNarrator(createLogger({ level: 'debug', secrets: [] }, destination));
    sweep(clients);
    sweep(clients);
    lost(0);
    lost(0);
    expect(told()).toEqual([
      'info alfa clients caught up',
      'debug alfa clients sweep complete',
      'warn 0 kafka lost, retrying',
      'debug 0 kafka still lost, retrying',
    ]);
  });
});

test('a shard that is parked is an error in the log at each try, and its return is told', () => {
  narrator.tell({
    kind: 'lost',
    shard: 4,
    error: new TypeError('a bug'),
    waitMs: 60_000,
    loss: 'parked',
    inARow: 1,
  });
  narrator.tell({
    kind: 'lost',
    shard: 4,
    error: new TypeError('a bug'),
    waitMs: 120_000,
    loss: 'parked',
    inARow: 2,
  });
  back(4);
  back(4);
  expect(told()).toEqual(['error 4 shard parked', 'error 4 shard parked', 'info 4 shard is read again']);
  expect(lines[1]).toMatchObject({ waitMs: 120_000, err: { message: 'a bug' } });
});

test('a change of the entities that are read is told with their names', () => {
  narrator.tell({ kind: 'entities', added: ['beta'], changed: [], removed: ['alfa'], configured: [], entitySet: 'e1' });
  narrator.tell({ kind: 'entities', added: [], changed: [], removed: [], configured: [], entitySet: 'e1' });
  expect(lines).toMatchObject([{ msg: 'entity files changed', added: ['beta'], changed: [], removed: ['alfa'] }]);
});

test('what a filter of the API does is told when that changes, at first only where it works', () => {
  const standing = (kind: 'paid' | 'changed', verdict: FilterStanding['verdict']): FilterStanding => {
    const candidate = { kind, parameter: `q[${kind}]`, field: kind };
    return { candidate, verdict, why: `because of ${verdict}`, wasAnswered: true, sinceMs: nowMs };
  };
  const tell = (...standings: FilterStanding[]): void => narrator.tell({ kind: 'filters', ...invoices, standings });
  tell(standing('paid', 'works'), standing('changed', 'ignored'));
  expect(told()).toEqual(['info alfa invoices a filter of the API works']);
  expect(lines[0]).toMatchObject({ filter: 'q[paid]', before: null, verdict: 'works', about: 'because of works' });
  tell(standing('paid', 'works'), standing('changed', 'ignored'));
  expect(told()).toHaveLength(1);
  tell(standing('paid', 'retired'), standing('changed', 'works'));
  tell(standing('paid', 'wrong'), standing('changed', 'works'));
  expect(told().slice(1)).toEqual([
    'info alfa invoices a filter of the API works',
    'info alfa invoices a filter of the API gives something else than it says',
  ]);
});
