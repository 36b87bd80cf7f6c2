import { createLedger, type Ledger } from '../../src/changes/ledger';
import type { Cursor } from '../../src/model';
import { createShard } from '../../src/shard/shard';
import { StoredState } from '../../src/state/read-state';
import { completenessIn, lastSweep, rememberedIn } from '../../src/upkeep/remembered';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, wholePage } from '../support/pages';

test('every stream that was read is there, sorted, with its ledger, cursors, hold and definitions; a purged one is not', async () => {
  const kafka = createMemoryKafka();
  const streams = ['things', 'items', 'purged'].map((name) => ({ entity: 'alfa', declaration: itemStream(name) }));
  const options = memoryShard(kafka, streams);
  const session = await createShard(options).open();
  for (const stream of ['things', 'items']) {
    session.stream('alfa', stream).begin('sweep', cursorAtStart());
    await session.add({ entity: 'alfa', stream, scan: 'sweep', page: wholePage([{ id: 1, content: 'row' }]) });
  }
  const hold = { id: 'h', reason: '', since: '', sweep: 1 };
  await session.stream('alfa', 'things').setHold(hold);
  await session.stream('alfa', 'purged').setHold(hold);
  await session.remember('alfa', { taxId: '1', accountUuid: null, firstRun: '2026-01-01' });
  await session.close();

  const ledgers = new Map<string, Ledger>();
  const ledgerOf = (entity: string, stream: string): Ledger => {
    const ledger = ledgers.get(stream) ?? createLedger({ entity, stream });
    ledgers.set(stream, ledger);
    return ledger;
  };
  const { serviceId, stateTopic: topic, decodeBlock } = options;
  const stored = new StoredState({ serviceId, topic, decodeBlock, ledgerOf }, 0);
  for (const record of kafka.state) stored.apply(record);
  for (const ledger of ledgers.values()) ledger.loaded();
  const { accounts, streams: shown } = rememberedIn([stored], ledgerOf);
  expect([...accounts.keys()]).toEqual(['alfa']);
  expect(shown).toMatchObject([
    { stream: 'items', hold: null, definitions: [1], cursors: { sweep: { number: 1 } } },
    { stream: 'things', hold, definitions: [0], cursors: { sweep: { number: 1 } } },
  ]);
  expect(shown.map(({ ledger }) => ledger.ids(null, null))).toEqual([[1], [1]]);
});

test('a stream whose last finished sweep could not read a row is not complete, while the next is under way too (I10)', () => {
  const unreadable = [{ after: 16, upTo: 17, rows: 1 }];
  const judged = (sweep: Cursor, accepted: readonly number[] = []) => {
    const ledger = createLedger({ entity: 'alfa', stream: 'items' });
    const view = { entity: 'alfa', stream: 'items', ledger, cursors: { sweep }, hold: null, definitions: [] };
    return completenessIn({ entities: [{ id: 'alfa', accept: { items: accepted } }] }, view);
  };
  const finished = cursorAtStart({ number: 4, finishedAt: '2026-01-02T00:00:00.000Z', unreadable });
  const underWay = cursorAtStart({ number: 5, unreadableBefore: unreadable });
  for (const sweep of [finished, underWay]) {
    expect(judged(sweep)).toMatchObject({ complete: false, reasons: ['unreadable'], unreadable });
    expect(judged(sweep, [17])).toMatchObject({ complete: true, unreadable, accepted: [17] });
  }
});

test.each([
  [undefined, null],
  [cursorAtStart({ number: 1 }), null],
  [cursorAtStart({ number: 4 }), { number: 3, finished_at: null }],
  [
    cursorAtStart({ number: 4, finishedAt: '2026-01-02T00:00:00.000Z' }),
    { number: 4, finished_at: '2026-01-02T00:00:00.000Z' },
  ],
])('the newest complete sweep is known from where the sweep stands: %j', (sweep, expected) => {
  expect(lastSweep(sweep === undefined ? {} : { sweep })).toEqual(expected);
});
