import { FatalError, type ParkReason } from '../../src/errors';
import type { Row } from '../../src/model';
import { itemStream, topicOf, type AccountShown, type Fate, type MemoryKafka } from '../support/memory';
import { idsOn, items, quiet, scene, upTo, when } from '../support/scene';

describe('identity', () => {
  test('nothing is asked for and nothing is published before the key is shown to belong to its entity (I7)', async () => {
    let show: () => void = () => undefined;
    const shown = new Promise<void>((resolve) => (show = resolve));
    const here = scene({
      rows: { alfa: { items: items(3) } },
      account: () => shown.then(() => ({ taxId: '1111111111', accountUuid: 'a' })),
    });
    const run = here.start({ nip: '1111111111' });
    await when(() => here.kafka.state.length > 0);
    await quiet();
    expect(here.asked).toEqual([]);
    expect(here.kafka.records).toEqual([]);

    show();
    expect(await run.ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(3));
  });

  test('a key of another company is given up without one request for a list (I7)', async () => {
    const here = scene({
      rows: { alfa: { items: items(3) } },
      account: () => ({ taxId: '2222222222', accountUuid: 'b' }),
    });
    const run = here.start({ nip: '1111111111' });
    expect(await run.ended).toBeNull();
    expect(run.told).toMatchObject([{ kind: 'given-up', entity: 'alfa', stream: null, reason: 'identity-mismatch' }]);
    expect(here.asked).toEqual([]);
    expect(here.kafka.records).toEqual([]);
  });
});

describe('a fault while one entity is identified (I9)', () => {
  const closed = (reason: ParkReason, status: number) =>
    new FatalError(`GET /clients.json expected 200, got ${status}`, { reason, parks: 'stream', status });

  test.each([
    ['404 on everything', closed('unexpected-status', 404)],
    ['a redirect', closed('redirected', 302)],
    ['423', closed('unexpected-status', 423)],
    ['a web page', closed('malformed-answer', 200)],
  ])('%s parks that entity, and the others are read', async (_, error) => {
    const here = scene({
      rows: { alfa: { items: items(3) }, beta: { items: items(3) } },
      accountOf: (entity) => {
        if (entity === 'alfa') throw error;
        return { taxId: null, accountUuid: entity };
      },
    });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['beta items']);
    expect(run.of('parked')).toEqual(['alfa']);
    expect(run.of('given-up')).toEqual(['alfa']);
  });

  test.each([
    ['403', closed('forbidden', 403)],
    ['423', closed('unexpected-status', 423)],
    ['a web page', closed('malformed-answer', 200)],
    ['another row', closed('malformed-answer', 200)],
  ])('%s where a known row is asked for parks that entity, and the others are read', async (_, error) => {
    let account: AccountShown = { taxId: null, accountUuid: 'a' };
    const rows = items(3);
    const here = scene({
      rows: { alfa: { items: rows }, beta: { items: items(3) } },
      accountOf: (entity) => (entity === 'alfa' ? account : { taxId: null, accountUuid: entity }),
      beforeDetail: () => {
        throw error;
      },
    });
    expect(await here.start().ended).toBeNull();
    account = 'unreadable';
    // Only where the list shows no known row are the known ones asked for by their address.
    rows.splice(0, 3, { id: 501, content: 'unknown' });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['beta items']);
    expect(run.of('given-up')).toEqual(['alfa']);
  });
});

describe('the record of an entity', () => {
  const told = ({ entities }: MemoryKafka) =>
    entities.map(({ value, headers }): Readonly<Record<string, unknown>> => ({
      op: headers['op'],
      ...(JSON.parse(value?.toString() ?? 'null') as Readonly<Record<string, unknown>>),
    }));

  test('is written once the account is identified, again when tax id or name changes, and not at a restart (I2)', async () => {
    let account: AccountShown = { taxId: null, accountUuid: 'a', name: 'Żuraw' };
    const here = scene({ rows: { alfa: { items: items(1) } }, account: () => account });
    const first = { op: 'c', entity: 'alfa', tax_id: null, name: 'Żuraw', observed_at: expect.any(Number) as number };
    for (let start = 1; start <= 2; start++) {
      expect(await here.start().ended).toBeNull();
      expect(told(here.kafka)).toEqual([first]);
    }
    account = { taxId: 'PL 111-111-11-11', accountUuid: 'a', name: 'Żuraw' };
    expect(await here.start().ended).toBeNull();
    account = { taxId: '1111111111', accountUuid: 'a', name: 'Czapla' };
    expect(await here.start().ended).toBeNull();
    // What the key may no longer read is as it was.
    account = 'unreadable';
    expect(await here.start().ended).toBeNull();
    expect(told(here.kafka)).toMatchObject([
      first,
      { op: 'u', tax_id: '1111111111', name: 'Żuraw' },
      { op: 'u', tax_id: '1111111111', name: 'Czapla' },
    ]);
  });

  test.each<[string, AccountShown]>([
    ['may not be read', 'unreadable'],
    ['shows neither tax id nor uuid', { taxId: null, accountUuid: null, name: 'Żuraw' }],
    ['shows a uuid alone', { taxId: null, accountUuid: 'a' }],
  ])('is not written where the account %s', async (_, account) => {
    const here = scene({ rows: { alfa: { items: items(1) } }, account: () => account });
    expect(await here.start().ended).toBeNull();
    expect(told(here.kafka)).toEqual([]);
    expect(here.kafka.records).toHaveLength(1);
  });

  test('and what is remembered of it are one transaction: after a commit whose end is unknown it is there once (I2)', async () => {
    const fates: Fate[] = ['committed', 'lost-though-committed', 'committed', 'lost'];
    const here = scene({
      rows: { alfa: { items: items(1) }, beta: { items: items(1) } },
      accountOf: (entity) => ({ taxId: null, accountUuid: entity, name: entity }),
      kafka: { fate: () => fates.shift() ?? 'committed' },
    });
    while (fates.length > 0) await here.start().ended;
    expect(await here.start().ended).toBeNull();
    expect(
      told(here.kafka)
        .map(({ entity }) => entity)
        .sort(),
    ).toEqual(['alfa', 'beta']);
  });
});

describe('an account of which nothing was remembered (I7, I5)', () => {
  const nothing: AccountShown = { taxId: null, accountUuid: null };
  const foreign: Row[] = [{ id: 501, content: 'of somebody else' }];

  /** Rows published under an account that shows nothing, then an account that may show itself. */
  async function anonymousAt(first: AccountShown, rows: Record<string, Row[]>, setting = {}) {
    let account: AccountShown = first;
    const here = scene({ rows: { alfa: rows }, account: () => account, ...setting });
    expect(await here.start().ended).toBeNull();
    const published = here.kafka.records.length;
    return { ...here, published, shows: (seen: AccountShown) => (account = seen) };
  }
  const refused = { kind: 'given-up', entity: 'alfa', stream: null, reason: 'identity-mismatch' };

  test.each([
    ['could not be read', 'unreadable', { taxId: '2222222222', accountUuid: 'b' }],
    ['could not be read', 'unreadable', { taxId: null, accountUuid: 'b' }],
    ['could not be read', 'unreadable', nothing],
    ['showed neither tax id nor uuid', nothing, { taxId: '2222222222', accountUuid: 'b' }],
    ['showed neither tax id nor uuid', nothing, nothing],
    ['showed neither tax id nor uuid', nothing, 'unreadable'],
  ] as const)(
    "that %s: another company's key is refused before anything is remembered, published or deleted (%j, then %j)",
    async (_, before, after) => {
      const items9 = items(9);
      const here = await anonymousAt(before, { items: items9 });
      items9.splice(0, 9, ...foreign);
      here.shows(after);
      for (let sweep = 1; sweep <= 3; sweep++) {
        const run = here.start();
        expect(await run.ended).toBeNull();
        expect(run.told).toMatchObject([refused]);
      }
      expect(here.kafka.records).toHaveLength(here.published);
      // What was refused was not remembered: with the right rows the entity is read again.
      items9.splice(0, 1, ...items(9));
      const right = here.start();
      expect(await right.ended).toBeNull();
      expect(right.of('sweep')).toEqual(['alfa items']);
    },
  );

  test("that could not be read: a NIP set later together with another company's key is refused", async () => {
    const rows = items(9);
    const here = await anonymousAt('unreadable', { items: rows });
    rows.splice(0, 9, ...foreign);
    here.shows({ taxId: '2222222222', accountUuid: 'b' });
    const run = here.start({ nip: '2222222222' });
    expect(await run.ended).toBeNull();
    expect(run.told).toMatchObject([refused]);
    expect(here.kafka.records).toHaveLength(here.published);
  });

  test('that can be read now and shows known rows is remembered from then on', async () => {
    const rows = items(9);
    const here = await anonymousAt('unreadable', { items: rows });
    here.shows({ taxId: '1111111111', accountUuid: 'a' });
    expect(await here.start().ended).toBeNull();
    here.shows({ taxId: '2222222222', accountUuid: 'b' });
    const asked = here.asked.length;
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.told).toMatchObject([refused]);
    expect(here.asked).toHaveLength(asked);
  });

  test('that shows an empty list where rows were is read, and is not remembered as the right one', async () => {
    const rows = items(9);
    const here = await anonymousAt('unreadable', { items: rows });
    rows.splice(0, 9);
    here.shows({ taxId: '2222222222', accountUuid: 'b' });
    expect(await here.start().ended).toBeNull();
    rows.push(...foreign);
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.told).toMatchObject([refused]);
  });

  test.each([
    ['unreadable', { taxId: '2222222222', accountUuid: 'b' }],
    ['unreadable', 'unreadable'],
    [nothing, nothing],
  ] as const)(
    'whose known list is empty, beside rows of a list that was empty before, is refused before anything is published (%j, then %j)',
    async (before, after) => {
      const [things, rows] = [items(9), [] as Row[]];
      const here = await anonymousAt(before, { things, items: rows });
      things.splice(0, 9);
      rows.push(...foreign);
      here.shows(after);
      for (let sweep = 1; sweep <= 2; sweep++) {
        const run = here.start();
        expect(await run.ended).toBeNull();
        expect(run.told).toMatchObject([refused]);
      }
      expect(here.kafka.records).toHaveLength(here.published);
    },
  );

  test('whose known list is empty is read where the key may not read the list that was empty before', async () => {
    const [things, rows] = [items(9), [] as Row[]];
    const forbidden = new FatalError('expected 200, got 403', { reason: 'forbidden', parks: 'stream' });
    let isForbidden = false;
    const before = ({ stream }: { readonly stream: string }): void => {
      if (isForbidden && stream === 'items') throw forbidden;
    };
    const here = await anonymousAt('unreadable', { things, items: rows }, { before });
    things.splice(0, 9);
    isForbidden = true;
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['alfa things']);
  });

  /** The same streams in either order, as the first that is asked may be the one without a known row. */
  const orders = [
    ['first', [itemStream('things'), itemStream('items')]],
    ['last', [itemStream('items'), itemStream('things')]],
  ] as const;

  test.each(orders)(
    'is the right one where one stream, asked %s, lost all it had and another shows known rows',
    async (_, streams) => {
      const [things, rows] = [[{ id: 1, content: 'one' }] as Row[], items(50)];
      const here = await anonymousAt('unreadable', { things, items: rows }, { streams });
      things.splice(0, 1, { id: 7, content: 'new' });
      const run = here.start();
      expect(await run.ended).toBeNull();
      expect(run.of('sweep').sort()).toEqual(['alfa items', 'alfa things']);
      expect(run.of('given-up')).toEqual([]);
    },
  );

  test('is the right one where the known row is neither the first, the middle nor the last one', async () => {
    const rows = items(9);
    const here = await anonymousAt('unreadable', { items: rows });
    rows.splice(0, 9, { id: 3, content: 'first 3' }, ...Array.from({ length: 9 }, (_, n) => ({ id: 20 + n })));
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['alfa items']);
  });

  test('is asked within the scope of the sweep: newer rows outside it are no sign of another company', async () => {
    const rows: Row[] = items(3).map((row) => ({ ...row, date: '2026-01-05' }));
    const setting = { streams: [itemStream('items', { scoped: true })] };
    const here = await anonymousAt('unreadable', { items: rows }, setting);
    rows.splice(0, 3, { id: 9, content: 'old', date: '2020-01-01' });
    const run = here.start({ startDate: '2026-01-01' });
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['alfa items']);
  });

  test.each(orders)(
    'is the right one where a stream, asked %s, is refused and another shows known rows, and parked where none does',
    async (_, streams) => {
      const forbid = { things: false, items: false };
      const forbidden = new FatalError('GET /things.json expected 200, got 403', {
        reason: 'forbidden',
        parks: 'stream',
      });
      const before = ({ stream }: { readonly stream: string }): void => {
        if (forbid[stream === 'things' ? 'things' : 'items']) throw forbidden;
      };
      const here = await anonymousAt('unreadable', { things: items(3), items: items(3) }, { before, streams });
      forbid.things = true;
      const run = here.start();
      expect(await run.ended).toBeNull();
      expect(run.of('sweep')).toEqual(['alfa items']);
      forbid.items = true;
      const none = here.start();
      expect(await none.ended).toBeNull();
      expect(none.told.at(-1)).toMatchObject({ kind: 'given-up', entity: 'alfa', stream: null, reason: 'forbidden' });
    },
  );
});

describe('an account that cannot be read', () => {
  /** A list that was published, and then an account that shows nothing of itself. */
  async function unreadableAfter(count: number) {
    const rows = items(count);
    let account: AccountShown = { taxId: null, accountUuid: 'a' };
    const here = scene({ rows: { alfa: { items: rows } }, account: () => account });
    expect(await here.start().ended).toBeNull();
    account = 'unreadable';
    return { ...here, rows };
  }

  test('is warned of, and read on where some of what was published is there still', async () => {
    const here = await unreadableAfter(9);
    here.rows.splice(0, 4);
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('warning')).toContain('alfa');
    expect(run.of('sweep')).toEqual(['alfa items']);
  });

  test('is given up where nothing of what was published is there, beside rows that were never seen', async () => {
    const here = await unreadableAfter(9);
    here.rows.splice(0, 9, { id: 501, content: 'of somebody else' });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.told).toMatchObject([{ kind: 'given-up', entity: 'alfa', stream: null, reason: 'identity-mismatch' }]);
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(9));
  });

  test('is read on where nothing is there at all: a company may delete all it has', async () => {
    const here = await unreadableAfter(9);
    here.rows.splice(0, 9);
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(run.of('sweep')).toEqual(['alfa items']);
  });
});
