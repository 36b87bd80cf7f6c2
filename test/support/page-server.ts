import { createLive, type Live, type LiveSetting } from '../../src/http-server/live';
import { pageRoutes } from '../../src/http-server/page-routes';
import { partsOf, type Part } from '../../src/http-server/page-view';
import { listen } from '../../src/http-server/server';
import type { ScanName } from '../../src/model';
import type { ServiceEvent } from '../../src/service/events';
import { createActivity, type Shown } from '../../src/status/activity';
import { createBoard } from '../../src/status/board';
import { healthOf } from '../../src/status/health';
import { Rhythms } from '../../src/status/rhythms';
import { streamName } from '../../src/status/targets';
import { iso, pageRead, requestEnded, restored, shardReady, shardsOwned, sweptAt } from './service-events';

export const STREAMS = ['clients', 'invoices', 'corrective_invoices'] as const;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TARGETS = { sweepMs: HOUR_MS, newestMs: HOUR_MS };

/** A service with companies that are read, as its page shows it. */
export interface ShownService {
  /** Tells it of something that happens now, or then. */
  readonly tell: (event: ServiceEvent, atMs?: number) => void;
  readonly shown: () => Shown;
}

/** So many companies, `beside` among them, whose every stream was read whole ten minutes ago, after an hour of requests. */
export function shownService(
  companies: number,
  { now, beside = [] }: { readonly now: () => number; readonly beside?: readonly string[] },
): ShownService {
  const names = Array.from({ length: companies }, (_, index) => `company-${String(index + 1).padStart(3, '0')}`);
  const ids = [...beside, ...names].slice(0, companies);
  const startMs = now() - HOUR_MS;
  const board = createBoard({
    entities: ids.map((id) => ({ id, enabled: true, streams: [...STREAMS] })),
    owner: 'books-7f6c-1',
    entitySet: 'e1',
    version: '0.2.0',
    startMs,
    targetsOf: (read) => new Map(read.map(({ entity, stream }) => [streamName(entity, stream), TARGETS])),
  });
  const activity = createActivity('books-7f6c-1');
  const rhythms = new Rhythms();
  const tell = (event: ServiceEvent, atMs = now()): void => {
    activity.tell(event, atMs);
    rhythms.tell(event);
    activity.note(board.tell(event, atMs));
  };
  const places = ids.flatMap((entity) => STREAMS.map((stream) => ({ entity, stream })));
  tell(shardsOwned([0]), startMs);
  tell(shardReady(0, ...places.map((place) => ({ ...restored(place.stream), ...place }))), startMs);
  places.forEach(({ entity, stream }, index) => {
    const endedMs = now() - 10 * MINUTE_MS - (index % 40) * MINUTE_MS;
    const walk = { entity, stream, cursor: { startedAt: iso(endedMs - 16_000) } };
    tell(pageRead('newest', { ...walk, counts: { rows: 50 }, ended: endedMs - 15_000 }), endedMs - 15_000);
    const changed = Array.from({ length: index % 3 }, (_, n) => ({
      id: 9_000_000 + 10 * index + n,
      op: 'u' as const,
      scan: 'newest' as const,
    }));
    const counts = { rows: 50, updated: changed.length };
    tell(pageRead('newest', { entity, stream, counts, changed, ended: endedMs }), endedMs);
    tell({ ...sweptAt(endedMs, { stream }), entity } as ServiceEvent, endedMs);
  });
  const scans: readonly ScanName[] = ['newest', 'sweep', 'sweep', 'open', 'recent'];
  for (let minute = 59; minute >= 0; minute--)
    for (let number = 0; number < 20 + 9 * ((minute * 7) % 25); number++) {
      const scan = scans[number % scans.length] ?? 'sweep';
      tell(requestEnded({ scan, allowance: { used: 200, limit: 290 } }), now() - minute * MINUTE_MS);
    }
  return {
    tell,
    shown: () =>
      activity.shown(
        healthOf(board, now(), (entity, stream) => rhythms.of(entity, stream)),
        now(),
      ),
  };
}

/** A page that listens. */
export interface PageServer {
  readonly url: string;
  readonly port: number;
  readonly live: Live;
  readonly faults: readonly Error[];
  readonly close: () => Promise<void>;
}

/** Serves the page of a service on a free port. */
export async function servePage(
  { shown }: Pick<ShownService, 'shown'>,
  { token = null, ...setting }: Partial<LiveSetting> & { readonly token?: string | null } = {},
): Promise<PageServer> {
  const faults: Error[] = [];
  const onFault = (error: Error): void => void faults.push(error);
  const parts = (): readonly Part[] => partsOf(shown());
  const live = createLive({ parts, everyMs: 50, maxReaders: 64, patience: 3, onFault, ...setting });
  const server = await listen({
    port: 0,
    host: '127.0.0.1',
    token: () => token,
    routes: pageRoutes({ shown, live, replica: 'books-7f6c-1', version: '0.2.0' }),
    onFault,
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    live,
    faults,
    close: () => {
      live.close();
      return server.close();
    },
  };
}
