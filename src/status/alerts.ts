import { driftText } from '../changes/drift';
import type { EntityId, StreamName } from '../model';
import type { ServiceEvent } from '../service/events';
import type { StatusChange } from './board';
import { factsOf, inOrder, type StatusReason } from './reasons';
import { reasonsOf, type StreamStatus } from './stream-status';
import { streamName } from './targets';

/** What is sent to whoever is to be told; field names are those of the JSON. */
export interface Alert {
  /** One line for a person: what most chat services take as a message. */
  readonly text: string;
  /** `notice` = something that is only to be known: nothing holds, and no recovery follows. */
  readonly kind: 'problem' | 'recovery' | 'notice';
  readonly entity: EntityId;
  readonly streams: readonly StreamName[];
  readonly reason: StatusReason;
  /** What a person is to do; null = nothing any more. */
  readonly do: string | null;
  /** ISO 8601. */
  readonly since: string;
  /** The replica that says so. */
  readonly owner: string;
  /** How the API differs; only of a notice. */
  readonly differences?: readonly string[];
}

/** The alerts of a run: collects changes of state, and turns them into what is to be sent. */
export interface Alerts {
  tell(changes: readonly StatusChange[]): void;
  /** Takes in an event that no state of a stream shows. */
  note(event: ServiceEvent, nowMs: number): void;
  /** What is new since the last call; streams of an entity with the same reason are one alert, and what came and went meanwhile is none. */
  due(): readonly Alert[];
}

/** Makes the alerts of a run that began then, of the replica that calls itself so. */
export function createAlerts(startMs: number, owner: string): Alerts {
  return new StreamAlerts(startMs, owner);
}

/** What one entity's streams have shown of the API that is new. */
interface DriftNews {
  readonly entity: EntityId;
  readonly sinceMs: number;
  readonly differences: Map<StreamName, string[]>;
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
  readonly #owner: string;
  /** Differences of the API that were told: it is one for all entities. */
  readonly #toldDrift = new Set<string>();
  #drift: DriftNews | null = null;

  constructor(startMs: number, owner: string) {
    this.#startMs = startMs;
    this.#owner = owner;
  }

  note(event: ServiceEvent, nowMs: number): void {
    if (event.kind !== 'drift' || !event.isNews) return;
    const { entity, stream, found } = event;
    for (const text of found.map(driftText)) {
      const name = `${stream} ${text}`;
      if (this.#toldDrift.has(name)) continue;
      this.#toldDrift.add(name);
      this.#drift ??= { entity, sinceMs: nowMs, differences: new Map() };
      const { differences } = this.#drift;
      differences.set(stream, [...(differences.get(stream) ?? []), text]);
    }
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
    const drift = this.#drift === null ? [] : [noticeOf(this.#drift, this.#owner)];
    this.#drift = null;
    return [...grouped(problems, 'problem'), ...grouped(recoveries, 'recovery'), ...drift];
  }
}

function troublesOf(status: StreamStatus): readonly StatusReason[] {
  return reasonsOf(status).filter((each) => factsOf(each).needsPerson);
}

function noticeOf({ entity, sinceMs, differences }: DriftNews, owner: string): Alert {
  const all = [...differences].flatMap(([stream, texts]) => texts.map((text) => `${stream}: ${text}`)).sort();
  const since = new Date(sinceMs).toISOString();
  const todo = factsOf('drift').do;
  return {
    text: `The API differs, as ${entity} shows since ${since}: ${all.join('; ')}. ${todo}`,
    kind: 'notice',
    entity,
    streams: [...differences.keys()].sort(),
    reason: 'drift',
    do: todo,
    since,
    owner,
    differences: all,
  };
}

function grouped(news: readonly News[], kind: 'problem' | 'recovery'): Alert[] {
  const groups = new Map<string, [News, ...News[]]>();
  for (const one of news) {
    const name = `${one.status.entity} ${one.reason}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups.values()].map((group) => alertOf(group, kind));
}

function alertOf(group: readonly [News, ...News[]], kind: 'problem' | 'recovery'): Alert {
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
