import { dueAt, turnOf, type Target, type TimedScan } from '../../src/rules/rhythm';
import { createDealer } from '../../src/sources/dealer';

/** A scan that is walked again and again. */
export interface SimulatedScan {
  readonly stream: string;
  readonly scan: TimedScan;
  readonly target: Target;
  readonly pages: number;
}

export interface SimulatedEntity {
  readonly entity: string;
  readonly scans: readonly SimulatedScan[];
  /** From a request to the next that its scan asks for; 300 by default. */
  readonly latencyMs?: number;
}

/** One request that was dealt. */
export interface Dealt {
  readonly entity: string;
  readonly stream: string;
  readonly scan: TimedScan;
  readonly atMs: number;
  /** From 1: which walk of its scan it belongs to, and which request of that walk it is. */
  readonly walk: number;
  readonly page: number;
}

/** Deals requests at an even pace to scans that begin when they are due, each with one request out at a time. */
export function deal(entities: readonly SimulatedEntity[], perMinute: number, minutes: number): Dealt[] {
  const running = entities.flatMap(({ entity, scans, latencyMs = 300 }) =>
    scans.map((its) => ({ ...its, entity, latencyMs, askMs: 0, waiting: false, done: 0, walk: 1, startedAtMs: 0 })),
  );
  const dealer = createDealer<(typeof running)[number]>();
  const dealt: Dealt[] = [];
  for (let slot = 1; slot <= perMinute * minutes; slot++) {
    const nowMs = (slot * 60_000) / perMinute;
    for (const scan of running) {
      if (scan.waiting || scan.askMs > nowMs) continue;
      if (scan.done === 0) scan.startedAtMs = scan.askMs;
      scan.waiting = true;
      dealer.add(scan.entity, turnOf(scan, scan.askMs), scan, scan.askMs);
    }
    const scan = dealer.next(nowMs);
    if (scan === null) continue;
    scan.waiting = false;
    scan.done += 1;
    dealt.push({
      entity: scan.entity,
      stream: scan.stream,
      scan: scan.scan,
      atMs: nowMs,
      walk: scan.walk,
      page: scan.done,
    });
    scan.askMs = nowMs + scan.latencyMs;
    if (scan.done < scan.pages) continue;
    scan.askMs = dueAt(scan.target, scan.startedAtMs, scan.askMs);
    scan.done = 0;
    scan.walk += 1;
  }
  return dealt;
}

/** The times between a thing and the next, in seconds, from a moment on. */
export function gaps(dealt: readonly Dealt[], which: (one: Dealt) => boolean, fromMs = 0): number[] {
  const moments = dealt.filter((one) => one.atMs >= fromMs && which(one)).map(({ atMs }) => atMs);
  return moments.slice(1).map((atMs, at) => (atMs - (moments[at] ?? atMs)) / 1_000);
}
