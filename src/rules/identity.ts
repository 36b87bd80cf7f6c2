import type { RowOwners } from '../changes/row-owners';
import { FatalError } from '../errors';
import type { EntityId, Row, StreamName } from '../model';

/** Whose account a key belongs to, as far as the key may read it. */
export interface AccountIdentity {
  readonly taxId: string | null;
  readonly accountUuid: string | null;
}

/** What is configured of an entity's identity. */
export interface ExpectedIdentity {
  readonly entity: EntityId;
  /** Ten digits; null = whatever account was seen first. */
  readonly nip: string | null;
}

/**
 * Holds the account of a key against the configured NIP and the account seen before (I7): returns what to remember of it, and a warning
 * where nothing could be shown. Throws a FatalError that parks the entity where the key belongs to somebody else.
 */
export function judgeIdentity(
  { entity, nip }: ExpectedIdentity,
  before: AccountIdentity | null,
  seen: AccountIdentity | 'unreadable',
): { readonly identity: AccountIdentity; readonly warning: string | null } {
  // An account that shows nothing of itself is as good as one that cannot be read.
  const isNameless = seen !== 'unreadable' && nip === null && seen.taxId === null && seen.accountUuid === null;
  if (seen === 'unreadable' || isNameless) {
    if (nip !== null) {
      throw new FatalError(
        `reading whose account the key of ${entity} belongs to: expected tax_id ${nip}, got no answer to account/details.json; give the key the scope api:account:read, or leave nip out of the entity's file`,
        { reason: 'identity-unreadable', parks: 'entity', entity },
      );
    }
    return {
      identity: before ?? { taxId: null, accountUuid: null },
      warning: isNameless
        ? 'the account shows neither tax_id nor uuid, so nothing shows that the key belongs to this entity'
        : 'the key may not read its account (scope api:account:read), so nothing shows that it belongs to this entity',
    };
  }
  const taxId = digitsOf(seen.taxId);
  if (nip !== null && taxId !== nip)
    throw mismatch(entity, `tax_id ${nip} as configured`, taxId === null ? 'none' : 'another one');
  if (before !== null && before.taxId !== null && before.taxId !== taxId) {
    throw mismatch(entity, 'the tax_id of the account that was read before', 'another one');
  }
  // A company that shows its NIP may move to another account; one that shows nothing else is its account.
  if (before !== null && nip === null && before.accountUuid !== null && before.accountUuid !== seen.accountUuid) {
    throw mismatch(entity, 'the account that was read before', 'another one');
  }
  return { identity: { taxId, accountUuid: seen.accountUuid }, warning: null };
}

/** A tax id as it is remembered: its digits alone. */
function digitsOf(taxId: string | null): string | null {
  return taxId?.replace(/\D/g, '') ?? null;
}

/** Whether what was remembered of the account shows that this is the same one. */
export function isShown(before: AccountIdentity | null, seen: AccountIdentity): boolean {
  if (before === null) return false;
  const taxId = digitsOf(seen.taxId);
  return (
    (before.taxId !== null && before.taxId === taxId) ||
    (before.accountUuid !== null && before.accountUuid === seen.accountUuid)
  );
}

/** What to do where the key is right by now, and what was published under the entity's name is another company's. */
function wayOut(entity: EntityId): string {
  return `If this is the right key and what was published as ${entity} is another company's, remove that with: state reset --entity ${entity} --purge --yes`;
}

function mismatch(entity: EntityId, expected: string, got: string): FatalError {
  return new FatalError(
    `reading whose account the key of ${entity} belongs to: expected ${expected}, got ${got}; set the entity's right key, or give the other company an entity file of its own. ${wayOut(entity)}`,
    { reason: 'identity-mismatch', parks: 'entity', entity },
  );
}

/** Says that an account is none of the entity's although it cannot be read whose it is. */
export function unknownAccount(entity: EntityId, stream: StreamName, asked: number): FatalError {
  return strangers(entity, stream, `got rows that were never seen, and 404 for the ${asked} that were asked for`);
}

/** Says the same where a list that had rows is empty, and one that had none has some. */
export function otherRows(entity: EntityId, stream: StreamName, other: StreamName): FatalError {
  return strangers(entity, stream, `got an empty list, and rows of ${other} that were never seen`);
}

function strangers(entity: EntityId, stream: StreamName, got: string): FatalError {
  return new FatalError(
    `reading whose account the key of ${entity} belongs to: expected some of the ${stream} published before, or of another stream's rows, to be there still, ${got}; the key seems to belong to another account. Set the entity's right key, give the key the scope api:account:read, or set nip in the entity's file. ${wayOut(entity)}`,
    { reason: 'identity-mismatch', parks: 'entity', entity, stream },
  );
}

const TWINS =
  'both are stopped, as one account would be published twice. Give each entity the key of its own account, or remove one of them, and start again';

/** Watches for two entities that read one and the same account. */
export interface Twins {
  /** Throws a FatalError that parks the entity where another one was identified by this account's uuid; the other is stopped as well. */
  identified(entity: EntityId, accountUuid: string | null): void;
  /** Throws a FatalError that parks the entity where another one's rows are among these, by id and uuid; the other is stopped as well. */
  check(entity: EntityId, stream: StreamName, rows: readonly Row[]): void;
  /** A person changed or removed the entity: it, and whoever was stopped for its sake, is judged anew. */
  forget(entity: EntityId): void;
}

/** The uuid under which an entity remembers a row; null = none. */
export type UuidOf = (stream: StreamName, id: number) => string | null;

/** `holders`: the entities that are read here at any time; `owners` has noted every row that they remember with a uuid. */
export function createTwins(holders: ReadonlyMap<EntityId, UuidOf>, owners: Pick<RowOwners, 'of'>): Twins {
  const found = new Map<EntityId, EntityId>();
  const accounts = new Map<EntityId, string>();
  return {
    forget(entity) {
      accounts.delete(entity);
      found.delete(entity);
      for (const [other, twin] of found) if (twin === entity) found.delete(other);
    },
    identified(entity, accountUuid) {
      if (accountUuid === null) accounts.delete(entity);
      else accounts.set(entity, accountUuid);
      for (const [other, uuid] of accounts) {
        if (other === entity || uuid !== accountUuid || !holders.has(other)) continue;
        found.set(entity, other);
        found.set(other, entity);
      }
      const twin = found.get(entity);
      if (twin === undefined) return;
      throw new FatalError(
        `reading whose account the key of ${entity} belongs to: expected an account that no other entity has, got that of ${twin}, by its uuid or its rows; ${TWINS}`,
        { reason: 'identity-mismatch', parks: 'entity', entity },
      );
    },
    check(entity, stream, rows) {
      // Neighbours are of one account: the first and the last tell as much as all of them.
      for (const row of [rows[0], rows.at(-1)]) {
        const uuid = row?.['uuid'];
        if (row === undefined || typeof uuid !== 'string' || uuid === '') continue;
        for (const other of owners.of(uuid)) {
          if (other === entity || holders.get(other)?.(stream, row.id) !== uuid) continue;
          found.set(entity, other);
          found.set(other, entity);
        }
      }
      const twin = found.get(entity);
      if (twin === undefined) return;
      throw new FatalError(
        `reading ${stream} of ${entity}: expected rows that no other entity has, got those of ${twin}, by id and uuid; ${TWINS}`,
        { reason: 'identity-mismatch', parks: 'entity', entity, stream },
      );
    },
  };
}
