import type { EntityConfig, ServiceConfig } from '../../config/config';
import { createHttp } from '../http';
import type { RequestOrder } from '../reading/stream-reading';
import type { Secrets } from '../secrets';
import { createBudget, monotonicClock, type BudgetState, type Slots } from '../sources/budget';
import { createRest, type RequestAttempt, type Rest } from '../sources/rest';
import { createApiKey } from '../sources/api-key';
import type { Patience } from './patience';

/** The API as the configured entities see it, within one budget. */
export interface Api {
  of(entity: Pick<EntityConfig, 'id' | 'apiKey' | 'apiKeyFile'>, onAttempt?: (attempt: RequestAttempt) => void): Rest;
  /** How much of the configured requests is this replica's. */
  setShare(share: number): void;
  close(): void;
}

/** How the one IP is treated: at the configured pace, slower after a 429 or 503, or not at all for a while. */
export type Pace = 'full' | 'slowed' | 'paused: retry-after' | 'paused: ip-block';

/** What the way to the API takes beside the configuration. */
export interface ApiSetting {
  readonly version: string;
  readonly patience: Pick<Patience, 'retry'>;
  readonly secrets: Secrets;
  readonly requestOrder: RequestOrder;
  /** Called each time that the API makes all requests slow down, stop or go on. */
  readonly onPace?: (pace: Pace) => void;
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Opens the way to the API; nothing is sent yet. */
export function openApi(
  { service }: { readonly service: Pick<ServiceConfig, 'infakt'> },
  { version, patience, secrets, requestOrder, onPace = () => undefined }: ApiSetting,
): Api {
  const { baseUrl, timeoutMs, requestsPerMinute } = service.infakt;
  const http = createHttp({ timeoutMs, maxBytes: MAX_ANSWER_BYTES, userAgent: userAgentOf(version) });
  const budget = createBudget({ requestsPerMinute, clock: monotonicClock });
  let share = 1;
  let reported: Pace = 'full';
  /** Answers are what changes the pace. */
  const watched = ({ take: takeSlot }: Slots): Slots => ({
    take: async (signal, turn) => {
      const slot = await takeSlot(signal, turn);
      return {
        done: (outcome) => {
          slot.done(outcome);
          const now = paceOf(budget.state(), requestsPerMinute * share);
          if (now !== reported) onPace(now);
          reported = now;
        },
      };
    },
  });
  return {
    of: ({ id, apiKey, apiKeyFile }, onAttempt = () => undefined) =>
      createRest({
        baseUrl,
        entity: id,
        apiKey: createApiKey(() => secrets.latest('api-key', apiKeyFile, apiKey)),
        http,
        slots: watched(budget.slots(id)),
        marks: requestOrder,
        retry: patience.retry,
        onAttempt,
      }),
    setShare(part) {
      share = part;
      budget.setShare(part);
    },
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

function paceOf({ why, requestsPerMinute }: BudgetState, configured: number): Pace {
  if (why !== null) return `paused: ${why}`;
  return requestsPerMinute !== null && requestsPerMinute < configured ? 'slowed' : 'full';
}
