import type { RequestOrder } from '../reading/stream-reading';
import type { EntityConfig, ServiceConfig } from '../../config/config';
import { createHttp } from '../http';
import type { Secrets } from '../secrets';
import { createBudget, monotonicClock, type Allowance, type RequestPace } from '../sources/budget';
import { createApiKey } from '../sources/api-key';
import { createRest, type RequestAttempt, type Rest } from '../sources/rest';
import type { Patience } from './patience';

/** The API as the configured entities see it, within one budget. */
export interface Api {
  of(entity: Pick<EntityConfig, 'id' | 'apiKey' | 'apiKeyFile'>, onAttempt?: (attempt: RequestAttempt) => void): Rest;
  /** How much of the configured requests is this replica's. */
  setShare(share: number): void;
  allowance(): Allowance;
  close(): void;
}

/** What the way to the API takes beside the configuration. */
export interface ApiSetting {
  readonly version: string;
  readonly patience: Pick<Patience, 'retry'>;
  readonly secrets: Secrets;
  readonly requestOrder: RequestOrder;
  /** Called each time that the API makes all requests slow down, stop or go on. */
  readonly onPace?: (pace: RequestPace) => void;
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Opens the way to the API; nothing is sent yet. */
export function openApi(
  { service }: { readonly service: Pick<ServiceConfig, 'infakt' | 'proxies' | 'schedule'> },
  { version, patience, secrets, requestOrder, onPace = () => undefined }: ApiSetting,
): Api {
  const { baseUrl, timeoutMs, requestsPerMinute } = service.infakt;
  const http = createHttp({
    timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
    userAgent: userAgentOf(version),
    proxies: service.proxies,
  });
  const refreshShare = service.schedule.allowance;
  const budget = createBudget({ requestsPerMinute, refreshShare, clock: monotonicClock, onPace });
  return {
    of: ({ id, apiKey, apiKeyFile }, onAttempt = () => undefined) =>
      createRest({
        baseUrl,
        entity: id,
        apiKey: createApiKey(() => secrets.latest('api-key', apiKeyFile, apiKey)),
        http,
        slots: budget.slots(id),
        marks: requestOrder,
        retry: patience.retry,
        onAttempt,
      }),
    setShare: budget.setShare,
    allowance: budget.allowance,
    close() {
      http.close();
      budget.close();
    },
  };
}

/** Starts the one sequence that the requests of a process are numbered by. */
export function createRequestOrder(): RequestOrder {
  let number = 0;
  return { next: () => (number += 1) };
}

/** How this program names itself to others. */
export function userAgentOf(version: string): string {
  return `infakt-kafka/${version}`;
}
