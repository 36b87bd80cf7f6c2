import type { EntityId, StreamName } from '../model';
import type { StatusChange } from './board';
import { factsOf, inOrder, type StatusReason } from './reasons';
import { reasonsOf, type StreamStatus } from './stream-status';
import { streamName } from './targets';

/** What is sent to whoever is to be told; field names are those of the JSON. */
export interface Alert {
  /** One line for a person: what most chat services take as a message. */
  readonly text: string;
  readonly kind: 'problem' | 'recovery';
  readonly entity: EntityId;
  readonly streams: readonly StreamName[];
  readonly reason: StatusReason;
  /** What a person is to do; null = nothing any more. */
  readonly do: string | null;
  /** ISO 8601. */
  readonly since: string;
  /** The replica that says so. */
  readonly owner: string;
}

/** The alerts of a run: collects changes of state, and turns them into what is to be sent. */
export interface Alerts {
  tell(changes: readonly StatusChange[]): void;
  /** What is new since the last call; streams of an entity with the same reason are one alert, and what came and went meanwhile is none. */
  due(): readonly Alert[];
}

/** Makes the alerts of a run that began then. */
export function createAlerts(startMs: number): Alerts {
  return new StreamAlerts(startMs);
}

interface News {
  readonly status: StreamStatus;
  readonly reason: StatusReason;
}

class StreamAlerts implements Alerts {
  readonly #startMs: number;
  /** What was sent of each stream and still holds. */
  readonly #sent = new Map<string, ReadonlySet<StatusReason>>();
  /** How each stream stands, where that was told since the last look. */
  readonly #changed = new Map<string, StreamStatus>();

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  tell(changes: readonly StatusChange[]): void {
    for (const { before, now } of changes) {
      const name = streamName(now.entity, now.stream);
      // What held before this run began, and is only taken over, was told by whoever found it.
      if (before === null && now.sinceMs < this.#startMs) this.#sent.set(name, new Set(troublesOf(now)));
      this.#changed.set(name, now);
    }
  }

  due(): readonly Alert[] {
    const problems: News[] = [];
    const recoveries: News[] = [];
    for (const [name, status] of this.#changed) {
      // A replica that stops says nothing about the data, and what no file names any more is nobody's trouble.
      if (status.state === 'stopped') continue;
      const sent = this.#sent.get(name) ?? new Set();
      const holds = new Set(status.state === 'not-read' && status.reason === null ? [] : troublesOf(status));
      for (const reason of holds) if (!sent.has(reason)) problems.push({ status, reason });
      const [over] = inOrder([...sent].filter((reason) => !holds.has(reason)));
      if (over !== undefined && holds.size === 0) recoveries.push({ status, reason: over });
      this.#sent.set(name, holds);
    }
    this.#changed.clear();
    return [...grouped(problems, 'problem'), ...grouped(recoveries, 'recovery')];
  }
}

function troublesOf(status: StreamStatus): readonly StatusReason[] {
  return reasonsOf(status).filter((each) => factsOf(each).needsPerson);
}

function grouped(news: readonly News[], kind: Alert['kind']): Alert[] {
  const groups = new Map<string, [News, ...News[]]>();
  for (const one of news) {
    const name = `${one.status.entity} ${one.reason}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups.values()].map((group) => alertOf(group, kind));
}

function alertOf(group: readonly [News, ...News[]], kind: Alert['kind']): Alert {
  const [{ status, reason }] = group;
  const { entity, owner } = status;
  const streams = group.map((one) => one.status.stream).sort();
  const since = new Date(Math.min(...group.map((one) => one.status.sinceMs))).toISOString();
  const place = `${entity} (${streams.join(', ')})`;
  if (kind === 'recovery')
    return { text: `${place} is well again, was ${reason}`, kind, entity, streams, reason, do: null, since, owner };
  const todo = factsOf(reason).do;
  return { text: `${place}: ${reason} since ${since}. ${todo}`, kind, entity, streams, reason, do: todo, since, owner };
}
