import type { AccountDetails } from '../../src/sources/answers';
import { topicOf } from '../support/memory';
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

describe('an account that cannot be read', () => {
  /** A list that was published, and then an account that shows nothing of itself. */
  async function unreadableAfter(count: number) {
    const rows = items(count);
    let account: AccountDetails | 'unreadable' = { taxId: null, accountUuid: 'a' };
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
