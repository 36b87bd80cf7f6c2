import { defer, map, merge, of, Subject } from 'rxjs';

import type { Config } from '../../config/config';
import { healthRoutes } from '../http-server/health-routes';
import { createLive } from '../http-server/live';
import { createMetrics } from '../http-server/metrics';
import { pageRoutes } from '../http-server/page-routes';
import { partsOf, type Part } from '../http-server/page-view';
import { listen } from '../http-server/server';
import type { Secrets } from '../secrets';
import { entitySetOf } from '../service/entity-set';
import type { ServiceEvent } from '../service/events';
import { userAgentOf } from '../service/api';
import type { ServiceOptions } from '../service/run-context';
import { createAlertSender, type AlertSender } from '../service/send-alerts';
import { allStreams } from '../sources/streams/all-streams';
import { createActivity, type Activity, type Shown } from '../status/activity';
import { createAlerts } from '../status/alerts';
import { createBoard, type Board, type StatusChange } from '../status/board';
import { DIFFERING_FILES, type Disagreement } from '../status/entity-sets';
import { healthOf, type Health } from '../status/health';
import { Rhythms } from '../status/rhythms';
import { createReadiness } from '../status/readiness';
import { staleTargets } from '../status/targets';
import type { Logger } from '../telemetry';
import { takeHooks, type HooksSetting } from './take-hooks';

/** Who looks on while a service runs: the board of its streams, its metrics, and who asks for them over HTTP. */
export interface Watch extends Pick<ServiceOptions, 'hints' | 'statuses' | 'lastStatuses'> {
  readonly tell: (event: ServiceEvent) => void;
  /** To be called every few seconds: finds what time alone has changed. */
  readonly look: () => void;
  readonly close: () => Promise<void>;
}

/** What a run is watched with. */
export interface WatchSetting {
  readonly config: Config;
  /** The entities that have a file now. */
  readonly entities: HooksSetting['entities'];
  readonly secrets: Secrets;
  readonly logger: Logger;
  /** How this replica calls itself. */
  readonly replica: string;
  readonly version: string;
  readonly now: () => number;
}

/** How often readers of the page are sent what has changed. */
const LIVE_MS = 2_000;
/** As many readers of the page as there may be at once; further ones see it as it was when they asked for it. */
const MAX_READERS = 64;
/** A reader of the page that takes nothing for so many times LIVE_MS is let go. */
const LIVE_PATIENCE = 15;

/** Begins to watch a run that is about to begin, and listens where a port is configured; rejects with a ConfigError where the port cannot be had. */
export async function watchRun(setting: WatchSetting): Promise<Watch> {
  const { config, now } = setting;
  const board = boardOf(setting);
  const changes = new Subject<readonly StatusChange[]>();
  const alerts = createAlerts(now(), setting.replica);
  const sender = senderOf(setting);
  // What is only shown over HTTP is not gathered where nobody can ask.
  const audience = config.service.http.port === 0 ? null : await openTo(setting, board);
  const noteFiles = createFilesWatch(setting.logger);
  const note = (found: readonly StatusChange[]): void => {
    if (found.length > 0) changes.next(found);
    alerts.tell(found);
    audience?.note(found);
  };
  return {
    hints: audience?.hints,
    tell(event) {
      const nowMs = now();
      audience?.tell(event, nowMs);
      alerts.note(event, nowMs);
      note(board.tell(event, nowMs));
    },
    look() {
      note(board.look(now()));
      for (const alert of alerts.due()) sender?.send(alert);
      noteFiles(board.disagreement(now()));
    },
    // Whoever begins to write, also after Kafka was lost, begins with all that holds.
    statuses: defer(() =>
      merge(of(board.own(now())), changes.pipe(map((found) => found.map(({ now: status }) => status)))),
    ),
    lastStatuses: () => board.stopped(now()),
    async close() {
      sender?.close();
      await audience?.close();
    },
  };
}

/** Whoever asks over HTTP, and what is gathered for them. */
interface Audience extends Pick<Activity, 'tell' | 'note'>, Pick<Watch, 'hints'> {
  readonly close: () => Promise<void>;
}

async function openTo(
  { config, entities, secrets, logger, replica, version, now }: WatchSetting,
  board: Board,
): Promise<Audience> {
  const { http } = config.service;
  const readiness = createReadiness();
  const metrics = createMetrics({
    version,
    own: () => board.own(now()),
    isReady: () => readiness.waitsFor() === null,
    now,
  });
  const activity = createActivity(replica);
  const rhythms = new Rhythms();
  const token = (): string | null => (http.token === null ? null : secrets.latest('token', http.tokenFile, http.token));
  const health = (): Health => healthOf(board, now(), (entity, stream) => rhythms.of(entity, stream));
  const shown = (): Shown => activity.shown(health(), now());
  const parts = (): readonly Part[] => partsOf(shown());
  const onFault = (err: Error): void => logger.error({ err }, 'an HTTP request was not answered');
  const live = createLive({ parts, everyMs: LIVE_MS, maxReaders: MAX_READERS, patience: LIVE_PATIENCE, onFault });
  const count = (event: ServiceEvent): void => metrics.tell(event, now());
  const hooks = config.service.hooks.enabled ? takeHooks({ entities, secrets, logger, now, tell: count }) : undefined;
  const routes = [
    ...healthRoutes({ readiness, metrics, health }),
    ...pageRoutes({ shown, live, replica, version }),
    ...(hooks?.routes ?? []),
  ];
  const server = await listen({ ...http, token, routes, onFault });
  logger.info({ host: http.host, port: server.port }, 'listening');
  return {
    hints: hooks?.hints,
    tell(event, nowMs) {
      readiness.tell(event);
      metrics.tell(event, nowMs);
      activity.tell(event, nowMs);
      rhythms.tell(event);
    },
    note: (found) => activity.note(found),
    close() {
      live.close();
      return server.close();
    },
  };
}

/** Says once that the replicas read by different entity files, and once that they no longer do. */
function createFilesWatch(logger: Logger): (disagreement: Disagreement | null) => void {
  let told = '';
  return (disagreement) => {
    const now = disagreement === null ? '' : JSON.stringify([...disagreement.sets].sort());
    if (now === told) return;
    told = now;
    if (disagreement === null) logger.info('entity files are the same in all replicas again');
    else
      logger.warn({ replicas: Object.fromEntries(disagreement.sets), advice: DIFFERING_FILES }, 'entity files differ');
  };
}

/** The way to whoever is to be alerted; null = nobody is. */
function senderOf({ config, secrets, logger, version }: WatchSetting): AlertSender | null {
  const { alerts, proxies } = config.service;
  const { url, urlFile } = alerts;
  if (url === null) return null;
  return createAlertSender({
    url: () => secrets.latest('hook', urlFile, url),
    userAgent: userAgentOf(version),
    proxies,
    waitMs: (failures) => 1_000 * 2 ** failures,
    onTrouble: (about) => logger.warn({ about }, 'alerts'),
  });
}

function boardOf({ config, replica, version, now }: WatchSetting) {
  const { schedule, infakt, health } = config.service;
  return createBoard({
    entities: config.entities,
    entitySet: entitySetOf(config.entities),
    owner: replica,
    version,
    startMs: now(),
    targetsOf: (read, nowMs) => {
      const sized = read.flatMap(({ entity, stream, rows }) =>
        allStreams.filter(({ name }) => name === stream).map((declaration) => ({ entity, declaration, rows })),
      );
      return staleTargets(sized, { schedule, requestsPerMinute: infakt.requestsPerMinute, ...health }, nowMs);
    },
  });
}
