import { createHmac } from 'node:crypto';
import type { ChangeKind, Stream } from './account';
import type { Timer } from './life';
import { chance, integer, uuid, type Random } from './random';
import { isObject, type JsonObject } from './rows';

/** Where the deliveries of one entity go, and how well that works. */
export interface HookSettings {
  readonly url: string;
  readonly secret: string;
  /** Names of events as the documentation has them (the default), or as the web application lists them. */
  readonly names?: 'documented' | 'observed';
  /** The uuid alone ("no confidential data", the default), or the whole document. */
  readonly payload?: 'uuid' | 'full';
  /** Milliseconds from a change to its first delivery. */
  readonly lateMs?: number;
  /** Up to so many milliseconds more, by chance, so that deliveries overtake each other. */
  readonly scatterMs?: number;
  /** How often each delivery comes although it was answered; 1 unless given. */
  readonly times?: number;
  /** Share of the deliveries that never come, from 0 to 1. */
  readonly lost?: number;
  /** The wait before a delivery that was not answered 200 or 201 is made again; ten failures switch the webhook off. */
  readonly againMs?: number;
}

/** What came of an entity's webhook so far. */
export interface HookState {
  /** `unverified`: its code was not sent back; `off`: ten deliveries in a row have failed. */
  readonly state: 'none' | 'unverified' | 'active' | 'off';
  /** Deliveries that were answered 200 or 201, the others, and those that never came. */
  readonly delivered: number;
  readonly failed: number;
  readonly lost: number;
}

/** The webhooks of all entities. */
export interface Hooks {
  /** Sets an entity's webhook up and asks for its verification code, as its activation does; null = none from now on. */
  set(entity: string, settings: HookSettings | null): Promise<HookState>;
  state(entity: string): HookState;
  /** Delivers an event, whatever it says, as the settings are. */
  deliver(entity: string, name: string, resource: JsonObject): void;
  /** Told of every change of a row. */
  changed(kind: ChangeKind, entity: string, stream: Stream, row: unknown): void;
  /** Nothing is delivered any more. */
  stop(): void;
}

interface Hook {
  readonly settings: HookSettings;
  state: HookState['state'];
  delivered: number;
  failed: number;
  lost: number;
  inARow: number;
}

const mostFailures = 10;
const usualAgainMs = 1_000;

/** Checks settings that came as JSON; a TypeError says what is wrong with them. */
export function decodeHook(json: unknown): HookSettings {
  if (!isObject(json)) throw new TypeError(`a webhook must be an object, got ${JSON.stringify(json)}`);
  const { url, secret, names = 'documented', payload = 'uuid', ...rest } = json;
  if (typeof url !== 'string' || !URL.canParse(url)) throw new TypeError('url must be a URL');
  if (typeof secret !== 'string' || secret === '') throw new TypeError('secret must be a text');
  if (names !== 'documented' && names !== 'observed') throw new TypeError('names must be documented or observed');
  if (payload !== 'uuid' && payload !== 'full') throw new TypeError('payload must be uuid or full');
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (!['lateMs', 'scatterMs', 'times', 'lost', 'againMs'].includes(name))
      throw new TypeError(`${name} is no setting`);
    if (typeof value !== 'number' || !(value >= 0)) throw new TypeError(`${name} must be a number, 0 or more`);
    numbers[name] = value;
  }
  return { url, secret, names, payload, ...numbers };
}

/** Delivers to nobody until it is told where. */
export function createHooks({
  random,
  now,
  timer,
}: {
  readonly random: Random;
  readonly now: () => number;
  readonly timer: Timer;
}): Hooks {
  const hooks = new Map<string, Hook>();
  const waiting = new Set<() => void>();
  let stopped = false;

  function later(work: () => void, waitMs: number): void {
    if (stopped) return;
    const cancel = timer(() => {
      waiting.delete(cancel);
      work();
    }, waitMs);
    waiting.add(cancel);
  }

  /** One request; false where it is not answered 200 or 201. */
  async function post({ url, secret }: HookSettings, body: string): Promise<Response | null> {
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Infakt-Webhooks/2',
      'x-infakt-signature': signature,
    };
    return fetch(url, { method: 'POST', body, headers }).catch(() => null);
  }

  async function attempt(hook: Hook, event: JsonObject, resource: JsonObject, counter: number): Promise<void> {
    if (stopped || hook.state !== 'active') return;
    const told = byLength({ ...event, retry_counter: counter });
    const response = await post(hook.settings, JSON.stringify({ event: told, resource: byLength(resource) }));
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.status === 200 || response?.status === 201) {
      hook.delivered += 1;
      hook.inARow = 0;
      return;
    }
    hook.failed += 1;
    hook.inARow += 1;
    if (hook.inARow >= mostFailures) hook.state = 'off';
    later(() => void attempt(hook, event, resource, counter + 1), hook.settings.againMs ?? usualAgainMs);
  }

  function send(hook: Hook, name: string, resource: JsonObject): void {
    const { lost = 0, times = 1, lateMs = 0, scatterMs = 0 } = hook.settings;
    if (hook.state !== 'active') return;
    if (chance(random, lost)) {
      hook.lost += 1;
      return;
    }
    const event = { name, uuid: uuid(random), created_at: new Date(now()).toISOString().replace('Z', '+00:00') };
    for (let time = 0; time < times; time++)
      later(() => void attempt(hook, event, resource, 0), lateMs + integer(random, scatterMs + 1));
  }

  function stateOf(hook: Hook | undefined): HookState {
    if (hook === undefined) return { state: 'none', delivered: 0, failed: 0, lost: 0 };
    const { state, delivered, failed, lost } = hook;
    return { state, delivered, failed, lost };
  }

  return {
    async set(entity, settings) {
      hooks.delete(entity);
      if (settings === null) return stateOf(undefined);
      const hook: Hook = { settings, state: 'unverified', delivered: 0, failed: 0, lost: 0, inARow: 0 };
      hooks.set(entity, hook);
      const code = { verification_code: uuid(random) };
      const answer = await post(settings, JSON.stringify(code));
      const echoed: unknown = await answer?.json().catch(() => undefined);
      const isEchoed = isObject(echoed) && echoed['verification_code'] === code.verification_code;
      if (answer?.status === 200 && isEchoed) hook.state = 'active';
      return stateOf(hook);
    },
    state: (entity) => stateOf(hooks.get(entity)),
    deliver(entity, name, resource) {
      const hook = hooks.get(entity);
      if (hook !== undefined) send(hook, name, resource);
    },
    changed(kind, entity, stream, row) {
      const hook = hooks.get(entity);
      // No event tells of an edit, a print, a client or a correction.
      if (hook === undefined || stream !== 'invoices' || !isObject(row)) return;
      const { names, payload } = hook.settings;
      const events: Readonly<Partial<Record<ChangeKind, string>>> = {
        add: 'draft_invoice_created',
        pay: names === 'observed' ? 'invoice_marked_as_paid' : 'invoice_paid',
        remove: 'invoice_deleted',
      };
      const name = events[kind];
      if (name !== undefined) send(hook, name, payload === 'full' ? row : { uuid: row['uuid'] });
    },
    stop() {
      stopped = true;
      for (const cancel of waiting) cancel();
      waiting.clear();
    },
  };
}

/** The keys of inFakt's deliveries are ordered by their length. */
function byLength(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).toSorted(([one], [other]) => one.length - other.length));
}
