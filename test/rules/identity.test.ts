import { hashOfUuid } from '../../src/changes/block';
import { createRowOwners } from '../../src/changes/row-owners';
import { FatalError } from '../../src/errors';
import { createTwins, isShown, judgeIdentity, unknownAccount } from '../../src/rules/identity';

const entity = 'alfa';
const nip = '1111111111';
const account = { taxId: nip, accountUuid: 'a' };

/** The error that parks an entity, or what was judged. */
function judged(...args: Parameters<typeof judgeIdentity>) {
  try {
    return judgeIdentity(...args);
  } catch (error) {
    if (error instanceof FatalError) return { reason: error.reason, parks: error.parks };
    throw error;
  }
}
const mismatch = { reason: 'identity-mismatch', parks: 'entity' };

describe('the account of a key (I7)', () => {
  test('is remembered by its NIP in digits and its uuid', () => {
    expect(judged({ entity, nip }, null, { taxId: 'PL 111-111-11-11', accountUuid: 'a' })).toEqual({
      identity: account,
      warning: null,
    });
  });

  test.each([
    ['another NIP than configured', { entity, nip }, null, { taxId: '2222222222', accountUuid: 'a' }],
    ['no NIP where one is configured', { entity, nip }, null, { taxId: null, accountUuid: 'a' }],
    ['another NIP than before', { entity, nip: null }, account, { taxId: '2222222222', accountUuid: 'a' }],
    [
      'another account than before, without a NIP configured',
      { entity, nip: null },
      account,
      { ...account, accountUuid: 'b' },
    ],
  ])('with %s parks the entity', (_, expected, before, seen) => {
    expect(judged(expected, before, seen)).toEqual(mismatch);
  });

  test('may be another one of the same company where its NIP is configured', () => {
    expect(judged({ entity, nip }, account, { ...account, accountUuid: 'b' })).toEqual({
      identity: { taxId: nip, accountUuid: 'b' },
      warning: null,
    });
  });

  test('that cannot be read parks the entity where a NIP is configured, and warns where none is', () => {
    expect(judged({ entity, nip }, account, 'unreadable')).toEqual({ reason: 'identity-unreadable', parks: 'entity' });
    expect(judged({ entity, nip: null }, account, 'unreadable')).toMatchObject({ identity: account });
    expect(judged({ entity, nip: null }, null, 'unreadable')).toMatchObject({
      identity: { taxId: null, accountUuid: null },
      warning: expect.stringContaining('api:account:read') as string,
    });
  });

  test('that shows neither tax id nor uuid is remembered as nothing, and warned of where no NIP is configured', () => {
    const nothing = { taxId: null, accountUuid: null };
    expect(judged({ entity, nip: null }, null, nothing)).toMatchObject({
      identity: nothing,
      warning: expect.stringContaining('neither tax_id nor uuid') as string,
    });
    expect(judged({ entity, nip: null }, account, nothing)).toMatchObject({ identity: account });
    expect(judged({ entity, nip }, null, nothing)).toEqual({ reason: 'identity-mismatch', parks: 'entity' });
  });

  test('that is another one names the way out where the key was set right', () => {
    expect(() => judgeIdentity({ entity, nip: null }, account, { ...account, taxId: '2222222222' })).toThrow(
      'remove that with: state reset --entity alfa --purge --yes',
    );
    expect(unknownAccount(entity, 'clients', 3).message).toContain('state reset --entity alfa --purge --yes');
  });

  test.each([
    [account, account, true],
    [account, { ...account, accountUuid: 'b' }, true],
    [account, { ...account, taxId: 'PL 111-111-11-11' }, true],
    [{ taxId: null, accountUuid: 'a' }, { taxId: '2222222222', accountUuid: 'a' }, true],
    [{ taxId: null, accountUuid: 'a' }, { taxId: '2222222222', accountUuid: 'b' }, false],
    [{ taxId: null, accountUuid: null }, { taxId: null, accountUuid: null }, false],
    [{ taxId: null, accountUuid: null }, account, false],
    [null, account, false],
  ])('that was remembered as %j shows one that is %j now: %s', (before, seen, shown) => {
    expect(isShown(before, seen)).toBe(shown);
  });

  test('that shows none of the known rows is said to be unknown, without naming a row', () => {
    const error = unknownAccount(entity, 'clients', 3);
    expect(error).toMatchObject({ ...mismatch, stream: 'clients' });
    expect(error.message).toContain('404 for the 3 that were asked for');
  });
});

describe('twins (I9)', () => {
  const remembered: Record<string, Record<number, string>> = { alfa: { 1: 'u1', 9: 'u9' }, beta: {} };
  const twins = () => {
    const owners = createRowOwners();
    for (const [name, rows] of Object.entries(remembered))
      for (const uuid of Object.values(rows)) owners.note(name, hashOfUuid(uuid));
    // What is remembered no longer stays noted, and so do rows of an entity that another replica reads by now.
    owners.note('beta', hashOfUuid('u1'));
    owners.note('gone', hashOfUuid('u9'));
    return createTwins(
      new Map(Object.keys(remembered).map((name) => [name, (_: string, id: number) => remembered[name]?.[id] ?? null])),
      owners,
    );
  };

  test('an entity that reads the rows of another one is stopped, and so is the other', () => {
    const watch = twins();
    expect(() =>
      watch.check('beta', 'clients', [
        { id: 5, uuid: 'u5' },
        { id: 9, uuid: 'u9' },
      ]),
    ).toThrow('got those of alfa');
    expect(() => watch.check('alfa', 'clients', [])).toThrow('got those of beta');
  });

  test('two entities that were identified by one account are both stopped, also where they read only clients', () => {
    const watch = twins();
    watch.identified('alfa', 'account 1');
    watch.identified('beta', 'account 2');
    expect(() => watch.identified('beta', 'account 1')).toThrow('got that of alfa');
    expect(() => watch.identified('alfa', 'account 1')).toThrow('got that of beta');
  });

  test('an entity that a person changed or removed is judged anew, and so is the one that was stopped for its sake', () => {
    const watch = twins();
    watch.identified('alfa', 'account 1');
    expect(() => watch.identified('beta', 'account 1')).toThrow('got that of alfa');
    watch.forget('alfa');
    expect(() => watch.identified('beta', 'account 1')).not.toThrow();
    expect(() => watch.identified('alfa', 'account 2')).not.toThrow();
  });

  test('accounts that show no uuid, or that an entity had before, make no twins', () => {
    const watch = twins();
    watch.identified('alfa', null);
    watch.identified('beta', null);
    watch.identified('alfa', 'account 1');
    watch.identified('alfa', 'account 2');
    expect(() => watch.identified('beta', 'account 1')).not.toThrow();
    // An entity that another replica reads by now says nothing.
    watch.identified('gone', 'account 3');
    expect(() => watch.identified('beta', 'account 3')).not.toThrow();
  });

  test('equal ids of two accounts make no twins, nor do rows without a uuid', () => {
    const watch = twins();
    expect(() =>
      watch.check('beta', 'clients', [{ id: 1, uuid: 'other' }, { id: 9 }, { id: 9, uuid: '' }]),
    ).not.toThrow();
    expect(() => watch.check('alfa', 'clients', [{ id: 1, uuid: 'u1' }])).not.toThrow();
  });
});
