import type { EntityId } from '../model';

const MINUTE = 60_000;

/** Requests of about the last minute, by entity: each counts less the longer ago it was. */
export function createRecentUse() {
  const byEntity = new Map<EntityId, { requests: number; atMs: number }>();
  const of = (entity: EntityId, nowMs: number): number => {
    const use = byEntity.get(entity);
    return use === undefined ? 0 : use.requests * Math.exp((use.atMs - nowMs) / MINUTE);
  };
  return {
    of,
    count(entity: EntityId, requests: number, nowMs: number): void {
      byEntity.set(entity, { requests: of(entity, nowMs) + requests, atMs: nowMs });
    },
  };
}
