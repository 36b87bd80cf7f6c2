import { createNarrator, type Narrator } from '../../src/commands/narrate';
import { ConfigError, FatalError, TransientError } from '../../src/errors';
import type { Cursor } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import { createLogger } from '../../src/telemetry';
import { NO_COUNTS } from '../../src/rules/cursor';

let lines: Record<string, unknown>[];
let narrator: Narrator;

beforeEach(() => {
  lines = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) };
  narrator = createNarrator(createLogger({ level: 'info', secrets: [] }, destination));
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

type Place = Pick<Progress, 'entity'> & { readonly stream: string | null };
type StreamPlace = Pick<Progress, 'entity'> & { readonly stream: string };

const page = (place: StreamPlace): void => narrator.tell({ kind: 'page', ...place, counts: NO_COUNTS, cursor });
const sweep = (place: StreamPlace): void => narrator.tell({ kind: 'sweep', ...place, cursor });
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
  narrator.tell({ kind: 'lost', shard, error, waitMs: 500 });

const back = (shard: number): void => narrator.tell({ kind: 'shard-ready', shard });

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

  test('what is given up is an error with its reason', () => {
    narrator.tell({ kind: 'given-up', ...clients, reason: 'unauthorized', error: refusal });
    expect(told()).toEqual(['error alfa clients given up for this run']);
    expect(lines[0]).toMatchObject({ reason: 'unauthorized', err: { message: refusal.message } });
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
