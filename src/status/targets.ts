import type { EntityId, StreamDeclaration } from '../model';
import { forecast, type Allowance } from '../rules/forecast';

/** How old what is known of a stream may be before the stream counts as stale. */
export interface StaleTargets {
  readonly sweepMs: number;
  readonly newestMs: number;
}

/** A stream that is read here, and how many rows it has. */
export interface SizedStream {
  readonly entity: EntityId;
  readonly declaration: StreamDeclaration;
  readonly rows: number;
}

/** What the targets follow from. */
export interface TargetSetting {
  readonly schedule: Allowance['settings'];
  /** 0 = no limit. */
  readonly requestsPerMinute: number;
  /** As configured; null = by the plan. */
  readonly sweepSeconds: number | null;
  readonly newestSeconds: number | null;
}

/** So many times what the plan foretells. */
const TIMES = 3;
/** What nobody has configured is never less than this. */
export const LEAST_TARGET_MS = 30 * 60_000;

/** The targets of the streams that are read side by side, by entity and stream as `streamName` has them. */
export function staleTargets(
  streams: readonly SizedStream[],
  { schedule, requestsPerMinute, sweepSeconds, newestSeconds }: TargetSetting,
  nowMs: number,
): ReadonlyMap<string, StaleTargets> {
  const today = streams.map(({ entity, declaration, rows }) => ({
    entity,
    declaration,
    rows: { sweep: rows, newest: rows },
    cursors: {},
  }));
  const { forecasts } = forecast(today, { settings: schedule, requestsPerMinute, nowMs });
  const foretold = new Map(
    forecasts.map(({ scan: { entity, stream, scan }, everyMs }) => [`${streamName(entity, stream)} ${scan}`, everyMs]),
  );
  const targetOf = (configured: number | null, name: string): number =>
    configured === null ? Math.max(LEAST_TARGET_MS, TIMES * (foretold.get(name) ?? 0)) : configured * 1_000;
  return new Map(
    streams.map(({ entity, declaration }) => {
      const name = streamName(entity, declaration.name);
      return [
        name,
        { sweepMs: targetOf(sweepSeconds, `${name} sweep`), newestMs: targetOf(newestSeconds, `${name} newest`) },
      ];
    }),
  );
}

/** One text for a stream of an entity. */
export function streamName(entity: EntityId, stream: string): string {
  return `${entity} ${stream}`;
}
