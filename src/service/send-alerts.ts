import { setTimeout as delay } from 'node:timers/promises';

import { lastValueFrom } from 'rxjs';

import { asError } from '../errors';
import { createHttp, retryAfterOf, type HttpOptions } from '../http';

/** What alerts are sent with. */
export interface AlertSetting extends Pick<HttpOptions, 'userAgent' | 'proxies'> {
  /** Where they go, as of now; a secret, as the addresses of hooks are. */
  readonly url: () => string;
  /** The wait before the nth further try. */
  readonly waitMs: (failures: number) => number;
  /** Told of a message that was given up after all tries, and of those that there was no room for; never with the URL. */
  readonly onTrouble: (about: string) => void;
}

/** The way to whoever is alerted. Nothing waits for it: what cannot be sent is given up and told. */
export interface AlertSender {
  /** Takes a message to be sent as JSON after those before it. */
  send(message: { readonly text: string }): void;
  /** Sends nothing more; what is on its way is broken off. */
  close(): void;
}

/** Messages that wait; beyond, the oldest are left out. */
const MOST_WAITING = 100;
const TRIES = 5;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1 << 20;

/** Opens the way; nothing is sent yet. */
export function createAlertSender({ url, waitMs, onTrouble, ...network }: AlertSetting): AlertSender {
  const http = createHttp({ ...network, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES });
  const waiting: string[] = [];
  const closed = new AbortController();
  let leftOut = 0;
  let isSending = false;

  const isClosed = (): boolean => closed.signal.aborted;
  /** Null = it was taken; else what came instead, and the wait that the receiver asks for. */
  const post = async (body: string): Promise<{ readonly got: string; readonly askedMs: number } | null> => {
    const headers = { 'Content-Type': 'application/json' };
    try {
      const answer = await lastValueFrom(http.exchange({ method: 'POST', url: url(), headers, body }));
      if (answer.status >= 200 && answer.status < 300) return null;
      return { got: `the status ${answer.status}`, askedMs: retryAfterOf(answer, Date.now) ?? 0 };
    } catch (error) {
      const { networkFault } = asError(error) as { readonly networkFault?: unknown };
      return { got: typeof networkFault === 'string' ? networkFault : 'no whole answer in time', askedMs: 0 };
    }
  };
  const sendOne = async (body: string): Promise<void> => {
    for (let failures = 1; ; failures += 1) {
      const refusal = await post(body);
      if (refusal === null || isClosed()) return;
      if (failures === TRIES) {
        onTrouble(
          `sending an alert to alerts.url: expected a status of 200 to 299 in ${TRIES} tries, got ${refusal.got}`,
        );
        return;
      }
      // Chat services slow a sender down, and shut out one that does not listen.
      const waitedMs = Math.max(waitMs(failures), refusal.askedMs);
      await delay(waitedMs, undefined, { signal: closed.signal }).catch(() => undefined);
      if (isClosed()) return;
    }
  };
  const sendAll = async (): Promise<void> => {
    isSending = true;
    for (let body = waiting.shift(); body !== undefined && !isClosed(); body = waiting.shift()) {
      if (leftOut > 0) onTrouble(`alerts: ${leftOut} were left out, as the receiver is too slow; /health has them all`);
      leftOut = 0;
      await sendOne(body);
    }
    isSending = false;
  };

  return {
    send(message) {
      if (isClosed()) return;
      waiting.push(JSON.stringify(message));
      if (waiting.length > MOST_WAITING) {
        waiting.shift();
        leftOut += 1;
      }
      if (!isSending) void sendAll();
    },
    close() {
      closed.abort();
      http.close();
    },
  };
}
