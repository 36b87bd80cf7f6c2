import { jsonAnswer, type Answer } from './listing';

/** Milliseconds that only go forwards. */
export type Clock = () => number;

const minuteMs = 60_000;

/** The times of the last so many milliseconds, oldest first. */
function createWindow(lengthMs = minuteMs) {
  let times: number[] = [];
  let head = 0;
  return {
    push(time: number): void {
      times.push(time);
    },
    /** How many lie in the time that ends now. */
    count(now: number): number {
      while (head < times.length && (times[head] ?? 0) <= now - lengthMs) head += 1;
      if (head > 1024 && head * 2 > times.length) {
        times = times.slice(head);
        head = 0;
      }
      return times.length - head;
    },
    oldest: () => times[head],
  };
}

/** How requests above the limit are counted and answered. */
export interface LimitOptions {
  readonly window?: 'sliding' | 'fixed';
  readonly status?: 429 | 503;
  /** The form of Retry-After; seconds unless given, false leaves it out. */
  readonly retryAfter?: 'seconds' | 'date' | false;
  /** An HTML page instead of JSON. */
  readonly html?: boolean;
}

/** Lets so many requests through in a minute and answers the others; refused ones do not count. */
export function createLimiter(
  perMinute: number,
  options: LimitOptions,
  clock: Clock,
  now: () => number,
): () => Answer | undefined {
  const window = createWindow();
  let periodStart = clock();
  let inPeriod = 0;

  function waitMs(): number | undefined {
    const time = clock();
    if (options.window === 'fixed') {
      if (time - periodStart >= minuteMs) {
        periodStart += Math.floor((time - periodStart) / minuteMs) * minuteMs;
        inPeriod = 0;
      }
      inPeriod += 1;
      return inPeriod > perMinute ? periodStart + minuteMs - time : undefined;
    }
    if (window.count(time) >= perMinute) return (window.oldest() ?? time) + minuteMs - time;
    window.push(time);
    return undefined;
  }

  return () => {
    const wait = perMinute > 0 ? waitMs() : undefined;
    if (wait === undefined) return undefined;
    const status = options.status ?? 429;
    const headers = retryAfter(options.retryAfter, wait, now());
    if (options.html !== true) return jsonAnswer(status, { error: 'Przekroczono limit zapytań.' }, headers);
    const body = Buffer.from('<html><body><h1>Too many requests</h1></body></html>');
    return { status, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body };
  };
}

function retryAfter(form: LimitOptions['retryAfter'], waitMs: number, now: number): Record<string, string> {
  if (form === false) return {};
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  if (form !== 'date') return { 'retry-after': String(seconds) };
  return { 'retry-after': new Date(Math.ceil((now + waitMs) / 1000) * 1000).toUTCString() };
}

/** Tells whether so many requests of one entity in a time were not yet reached, and counts this one if so. */
export function createQuota(count: number, lengthMs: number, clock: Clock): (entity: string) => boolean {
  const windows = new Map<string, ReturnType<typeof createWindow>>();
  return (entity) => {
    const window = windows.get(entity) ?? createWindow(lengthMs);
    windows.set(entity, window);
    const left = window.count(clock()) < count;
    if (left) window.push(clock());
    return left;
  };
}

/** One request to the API. */
export interface RequestRecord {
  /** Milliseconds since the simulator started. */
  readonly atMs: number;
  /** API key of the entity; null if the key was missing or unknown. */
  readonly entity: string | null;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Null while there is no answer. */
  status: number | null;
}

/** What was asked of the API since the start or the last reset. */
export interface Statistics {
  readonly total: number;
  /** Requests that are not plain reads: another method than GET, `pdf.json`, `download_xml.json`. */
  readonly forbidden: number;
  /** The most requests in any 60 seconds, refused ones included. */
  readonly mostPerMinute: number;
  /** By API key; requests without a known key under `unknown`. */
  readonly byEntity: Readonly<Record<string, number>>;
  /** By path, ids and uuids replaced by their names. */
  readonly byPath: Readonly<Record<string, number>>;
  /** By status; answered by nothing, or not yet: `none`. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** The latest requests, oldest first, at most 10 000. */
  readonly last: readonly Readonly<RequestRecord>[];
}

const keptRequests = 10_000;

/** Counts requests. */
export function createCounter(clock: Clock) {
  const startedAt = clock();
  const fresh = () => ({
    total: 0,
    forbidden: 0,
    mostPerMinute: 0,
    byEntity: new Map<string, number>(),
    byPath: new Map<string, number>(),
    byStatus: new Map<string, number>(),
    last: [] as RequestRecord[],
    window: createWindow(),
  });
  let counts = fresh();
  const increase = (map: Map<string, number>, name: string, by = 1) => map.set(name, (map.get(name) ?? 0) + by);

  return {
    /** Counts a request that has come in; the function it returns takes the status of the answer. */
    begin(request: Omit<RequestRecord, 'atMs' | 'status'>, forbidden: boolean): (status: number) => void {
      const now = clock();
      const since = counts;
      const record: RequestRecord = { ...request, atMs: now - startedAt, status: null };
      since.total += 1;
      if (forbidden) since.forbidden += 1;
      since.window.push(now);
      since.mostPerMinute = Math.max(since.mostPerMinute, since.window.count(now));
      increase(since.byEntity, request.entity ?? 'unknown');
      increase(since.byPath, request.path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '{uuid}').replace(/\b\d+\b/, '{id}'));
      increase(since.byStatus, 'none');
      since.last.push(record);
      if (since.last.length >= keptRequests * 2) since.last.splice(0, keptRequests);
      return (status) => {
        record.status = status;
        increase(since.byStatus, 'none', -1);
        increase(since.byStatus, String(status));
      };
    },
    read(last = keptRequests): Statistics {
      const { total, forbidden, mostPerMinute, byEntity, byPath, byStatus } = counts;
      const answered = [...byStatus].filter(([, count]) => count > 0);
      return {
        total,
        forbidden,
        mostPerMinute,
        byEntity: Object.fromEntries(byEntity),
        byPath: Object.fromEntries(byPath),
        byStatus: Object.fromEntries(answered),
        last: last === 0 ? [] : counts.last.slice(-Math.min(last, keptRequests)).map((record) => ({ ...record })),
      };
    },
    reset(): void {
      counts = fresh();
    },
  };
}
