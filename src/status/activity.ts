import type { ServiceEvent } from '../service/events';
import type { StatusChange } from './board';
import type { Health } from './health';
import { overviewOf, type Overview } from './overview';
import { RecentChanges, type RecentChange } from './recent-changes';
import { RequestMinutes, type RequestHour } from './request-minutes';
import { SweepPace } from './sweep-pace';
import { Timeline, type StateChange } from './timeline';

/** Everything that the page shows. */
export interface Shown {
  readonly atMs: number;
  readonly overview: Overview;
  readonly requests: RequestHour;
  /** The newest first. */
  readonly changes: readonly RecentChange[];
  /** The newest first. */
  readonly timeline: readonly StateChange[];
}

/** What has happened lately, in a memory that does not grow with time. */
export interface Activity {
  /** Takes in an event. */
  tell(event: ServiceEvent, nowMs: number): void;
  /** Takes in changes of state that the board found. */
  note(changes: readonly StatusChange[]): void;
  /** Where everything stands, given the answer of `/health`. */
  shown(health: Health, nowMs: number): Shown;
}

/** Begins to remember what happens; `owner`: how this replica calls itself. */
export function createActivity(owner: string): Activity {
  const requests = new RequestMinutes();
  const changes = new RecentChanges();
  const timeline = new Timeline(owner);
  const pace = new SweepPace();
  return {
    tell(event, nowMs) {
      requests.tell(event, nowMs);
      changes.tell(event, nowMs);
      timeline.tell(event);
      pace.tell(event, nowMs);
    },
    note: (found) => timeline.note(found),
    shown: (health, nowMs) => ({
      atMs: nowMs,
      overview: overviewOf(health, {
        todayOf: (entity, stream, reader) => (reader === owner ? changes.todayOf(entity, stream, nowMs) : null),
        leftMs: (entity, stream) => pace.leftMs(entity, stream),
      }),
      requests: requests.hourAt(nowMs),
      changes: changes.newest(),
      timeline: timeline.newest(),
    }),
  };
}
