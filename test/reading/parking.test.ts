import { FatalError, TransientError } from '../../src/errors';
import type { StreamDeclaration } from '../../src/model';
import type { ParkEvent } from '../../src/operators/park-on-failure';
import { nextState, parksEntity, parksStream, type ReadingState } from '../../src/reading/parking';
import type { Progress } from '../../src/reading/progress';
import { NO_COUNTS, resumeOrBegin } from '../../src/rules/cursor';
import { SessionEnded } from '../../src/shard/session-ended';
import { cursorIn, cursorOfScan, type Fate, itemStream, type ListRequest, topicOf } from '../support/memory';
import { idsOn, items, sweepsEvery, quiet, scene, upTo, when } from '../support/scene';

const malformed = (): never => {
  throw new FatalError('expected a list, got none', { reason: 'malformed-answer', parks: 'stream' });
};
const refused = (): never => {
  throw new FatalError('expected 200, got 401', { reason: 'unauthorized', parks: 'entity' });
};
const down = (): never => {
  throw new TransientError('expected 200, got 503', { status: 503 });
};

const closed = (status: number) => (): never => {
  throw new FatalError(`expected 200, got ${status}`, { reason: 'forbidden', parks: 'stream', status });
};

describe('a list that an account does not have', () => {
  const optional: StreamDeclaration = { ...itemStream('things'), isOptional: true };
  const streams = [itemStream('items'), optional];
  const rows = { alfa: { items: items(9), things: items(9) } };

  test.each([403, 404])('is asked for once in a run of one sweep, and keeps nobody waiting (%i)', async (status) => {
    const here = scene({ rows, streams, before: ({ stream }) => (stream === 'things' ? closed(status)() : undefined) });
    const run = here.start({ parkMs: () => 3_600_000 });
    expect(await run.ended).toBeNull();
    expect(run.told.filter(({ stream }) => stream === 'things')).toMatchObject([
      { kind: 'given-up', reason: 'not-available', error: { status } },
    ]);
    expect(here.asked.filter(({ stream }) => stream === 'things')).toHaveLength(1);
    expect(run.of('sweep')).toEqual(['alfa items']);
  });

  test('is left alone for a day, and at each start asked for again', async () => {
    let isClosed = true;
    const here = scene({
      rows,
      streams,
      before: ({ stream }) => (isClosed && stream === 'things' ? closed(404)() : undefined),
    });
    const run = here.start({ rhythm: sweepsEvery(3_600_000) });
    await when(() => run.of('parked').length > 0 && run.of('sweep').length > 0);
    expect(run.told.find(({ kind }) => kind === 'parked')).toMatchObject({
      reason: 'not-available',
      waitMs: 86_400_000,
    });
    run.stop();
    await run.ended;
    isClosed = false;
    const next = here.start();
    expect(await next.ended).toBeNull();
    expect(next.of('sweep').toSorted()).toEqual(['alfa items', 'alfa things']);
  });

  test('was read before where it had rows, or was empty, and is parked as any other then', async () => {
    for (const things of [items(9), []]) {
      let isClosed = false;
      const here = scene({
        rows: { alfa: { items: items(9), things } },
        streams,
        before: ({ stream }) => (isClosed && stream === 'things' ? closed(403)() : undefined),
      });
      expect(await here.start().ended).toBeNull();
      isClosed = true;
      const run = here.start();
      expect(await run.ended).toBeNull();
      const told = run.told.filter(({ stream }) => stream === 'things');
      expect(told).toMatchObject([
        { kind: 'parked', reason: 'forbidden' },
        { kind: 'retrying' },
        { kind: 'given-up', reason: 'forbidden' },
      ]);
    }
  });
});

describe('parking', () => {
  const rows = { alfa: { items: items(9), things: items(9) }, beta: { items: items(9) } };

  test('a parked stream stops neither its siblings nor other entities (I9)', async () => {
    const here = scene({ rows, before: ({ stream }) => (stream === 'things' ? malformed() : undefined) });
    const run = here.start({ rhythm: sweepsEvery(3_600_000), parkMs: () => 3_600_000 });
    await when(() => run.of('sweep').length === 2);
    expect(run.of('sweep').toSorted()).toEqual(['alfa items', 'beta items']);
    expect(run.of('parked')).toEqual(['alfa things']);
    run.stop();
    expect(await run.ended).toBeNull();
  });

  test('a refused key parks the whole entity and no other, and is not tried again in a run of one sweep', async () => {
    const here = scene({ rows, before: ({ entity }) => (entity === 'alfa' ? refused() : undefined) });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.told.filter(({ kind }) => kind === 'given-up')).toMatchObject([
      { entity: 'alfa', stream: null, reason: 'unauthorized' },
    ]);
    expect(run.of('parked')).toEqual([]);
    expect(run.of('sweep')).toEqual(['beta items']);
    expect(here.asked.filter(({ entity }) => entity === 'alfa').length).toBeLessThanOrEqual(2);
  });

  test('what does not pass is tried once more in a run of one sweep, and then given up', async () => {
    const here = scene({ rows, before: ({ stream }) => (stream === 'things' ? malformed() : undefined) });
    const run = here.start();
    expect(await run.ended).toBeNull();
    const things = run.told.filter(({ stream }) => stream === 'things').map(({ kind }) => kind);
    expect(things).toEqual(['parked', 'retrying', 'given-up']);
    // Each try asks for the whole page, and then for smaller ones.
    expect(here.asked.filter(({ stream, limit }) => stream === 'things' && limit > 1)).toHaveLength(2);
    expect(run.of('sweep').toSorted()).toEqual(['alfa items', 'beta items']);
  });

  test('what passes is read on from where it was, and each row is published once', async () => {
    const here = scene({
      rows: { alfa: { items: items(20) } },
      before: (_, asked) => (asked === 4 ? down() : undefined),
    });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['parked', 'retrying', 'sweep']));
    expect(here.asked.map(({ offset }) => offset)).toEqual([0, 3, 6, 9, 9, 12, 15, 18, 19]);
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(20));
  });

  test.each<[string, (request: ListRequest) => boolean]>([
    ['a whole list', () => true],
    ['its last page', ({ offset }) => offset >= 6],
    ['one of its scans', ({ params }) => params['order'] === 'id desc'],
  ])(
    '%s that is down parks its stream alone while another stream of the entity is answered (I9)',
    async (_, isDown) => {
      let answered = 0;
      const here = scene({
        rows,
        before: async (request) => {
          if (request.entity !== 'alfa') return;
          if (request.stream === 'items') answered += 1;
          if (request.stream !== 'things' || !isDown(request)) return;
          const before = answered;
          // Six tries take a while, and meanwhile others are answered.
          await when(() => answered > before);
          await quiet();
          down();
        },
      });
      const run = here.start({ rhythm: sweepsEvery(1), parkMs: () => 3_600_000 });
      await when(() => run.of('parked').length > 0);
      const sweeps = run.of('sweep').filter((name) => name === 'alfa items').length;
      await when(() => run.of('sweep').filter((name) => name === 'alfa items').length > sweeps + 2);
      expect(run.told.filter(({ kind }) => kind === 'parked')).toMatchObject([
        { entity: 'alfa', stream: 'things', reason: 'unavailable' },
      ]);
      run.stop();
      expect(await run.ended).toBeNull();
    },
  );

  test('one row whose own address is down parks its stream alone while another stream of the entity is answered (I9)', async () => {
    const things = items(9);
    const here = scene({
      rows: { alfa: { items: items(9), things } },
      beforeDetail: async () => {
        const before = here.asked.length;
        await when(() => here.asked.length > before + 2);
        return down();
      },
    });
    const run = here.start({
      rhythm: sweepsEvery(1),
      parkMs: () => 3_600_000,
      deletions: { maxShare: 1, confirm: null },
    });
    await when(() => run.of('sweep').includes('alfa things'));
    things.splice(4, 1);
    await when(() => run.of('parked').length > 0);
    expect(run.of('parked')).toEqual(['alfa things']);
    run.stop();
    expect(await run.ended).toBeNull();
  });

  test('streams that are all down park their entity as a whole (I9)', async () => {
    const here = scene({ rows, before: ({ entity }) => (entity === 'alfa' ? down() : undefined) });
    const run = here.start({ rhythm: sweepsEvery(3_600_000), parkMs: () => 3_600_000 });
    await when(() => run.of('parked').length > 0 && run.of('sweep').length > 0);
    expect(run.of('parked')).toEqual(['alfa']);
    expect(run.of('sweep')).toEqual(['beta items']);
    run.stop();
    expect(await run.ended).toBeNull();
  });

  test('a Retry-After that is shorter than the parking does not shorten it', async () => {
    const refusal = new TransientError('the API is down', { status: 503, retryAfterMs: 0 });
    const here = scene({
      rows: { alfa: { items: items(20) } },
      before: (_, asked) => {
        if (asked === 4) throw refusal;
      },
    });
    const run = here.start({ parkMs: () => 3 });
    expect(await run.ended).toBeNull();
    expect(run.told.filter(({ kind }) => kind === 'parked')).toMatchObject([{ waitMs: 3 }]);
  });

  test('a sweep whose end is being committed when another stream parks its entity is not read a second time', async () => {
    let ending: () => void = () => undefined;
    const ends = new Promise<void>((resolve) => (ending = resolve));
    let failures = 0;
    const here = scene({
      rows,
      kafka: {
        fate: async (batch): Promise<Fate> => {
          if (cursorIn(batch, { entity: 'alfa', stream: 'items' })?.finishedAt == null) return 'committed';
          ending();
          await quiet();
          return 'committed';
        },
      },
      before: async ({ entity, stream }) => {
        if (entity !== 'alfa' || stream !== 'things' || failures > 0) return;
        await ends;
        failures += 1;
        down();
      },
    });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(failures).toBe(1);
    expect(run.of('sweep').toSorted()).toEqual(['alfa items', 'alfa things', 'beta items']);
    expect(here.asked.filter(({ entity, stream }) => entity === 'alfa' && stream === 'items')).toHaveLength(4);
  });

  test('the sums of a sweep keep what was read before it was parked', async () => {
    const stream: StreamDeclaration = { ...itemStream('items'), sumFields: ['amount'] };
    const here = scene({
      rows: { alfa: { items: items(10).map((row) => ({ ...row, currency: 'PLN', amount: 5 })) } },
      streams: [stream],
      before: (_, asked) => (asked === 3 ? down() : undefined),
    });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(cursorOfScan(here.kafka, { entity: 'alfa', stream: 'items', scan: 'sweep' })?.sums).toEqual({
      ' PLN': [10, 50],
    });
  });
});

describe('whose failure it is', () => {
  const ofStream = new FatalError('no list', { reason: 'malformed-answer', parks: 'stream' });
  const ofEntity = new FatalError('no key', { reason: 'unauthorized', parks: 'entity' });

  test.each([
    ['a stream where its list is at fault, or the entity where no stream is read yet', ofStream, true, true],
    ['an entity where its key is', ofEntity, false, true],
    ['an entity where the API is down', new TransientError('503'), false, true],
    ['neither where the session has ended', new SessionEnded(new TransientError('lost')), false, false],
    ['neither where it is a bug', new TypeError('undefined is not a function'), false, false],
  ])('parks %s', (_, error, stream, entity) => {
    expect([parksStream(error), parksEntity(error)]).toEqual([stream, entity]);
  });
});

describe('the states of reading', () => {
  const cursor = resumeOrBegin(null, { from: null, to: null, order: 'asc' }, 0);
  const value = (progress: Progress): ParkEvent<Progress, unknown> => ({ kind: 'value', value: progress });
  const events: Record<string, ParkEvent<Progress, unknown>> = {
    page: value({ kind: 'page', entity: 'alfa', stream: 'items', counts: NO_COUNTS, cursor }),
    warning: value({ kind: 'warning', entity: 'alfa', stream: null, message: 'look' }),
    parked: { kind: 'parked', error: null, waitMs: 1 },
    retrying: { kind: 'retrying' },
    'given-up': { kind: 'given-up', error: null },
  };
  const after = (...names: string[]): ReadingState =>
    names.reduce<ReadingState>((state, name) => nextState(state, events[name] ?? { kind: 'retrying' }), 'beginning');

  test.each([
    ['a warning leaves it beginning', ['warning'], 'beginning'],
    ['a page makes it reading', ['warning', 'page'], 'reading'],
    ['a failure parks it, whether anything was read or not', ['parked'], 'parked'],
    ['a retry lets it begin again', ['page', 'parked', 'retrying'], 'beginning'],
    ['it may be given up', ['parked', 'retrying', 'given-up'], 'given-up'],
  ])('%s', (_, names, expected) => {
    expect(after(...names)).toBe(expected);
  });

  test.each([
    ['reading while it is parked', ['parked', 'page']],
    ['retried twice', ['parked', 'retrying', 'retrying']],
    ['read after it was given up', ['given-up', 'page']],
    ['retried without having been parked', ['page', 'retrying']],
  ])('cannot be %s', (_, names) => {
    expect(() => after(...names)).toThrow('this is a bug');
  });
});
