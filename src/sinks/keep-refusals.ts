/* kafkajs 2.2.4 asks one broker after the other for a coordinator and forgets why they refused: a missing right would show as "Failed to
 * find group coordinator", which is also what a cluster that is starting shows. */

import { ConfigError } from '../errors';

interface BrokerPoolPrototype {
  withBroker: (this: unknown, ask: (broker: unknown) => Promise<unknown>) => Promise<unknown>;
  [KEPT]?: true;
}

/** Shared by all copies of this module in a process. */
const KEPT = Symbol.for('infakt-kafka: refusals are kept');

/** Makes every client of the kafkajs in use fail with the broker's own error where it refuses for want of a right. Calling it again changes nothing. */
export function keepRefusals(load: (id: string) => unknown = require): void {
  const prototype = brokerPoolOf(load('kafkajs/src/cluster/brokerPool'));
  if (prototype[KEPT] === true) return;
  const stock = prototype.withBroker;
  prototype.withBroker = async function withBroker(ask) {
    let refusal: Error | undefined;
    const answer = await stock.call(this, async (broker) => {
      try {
        return await ask(broker);
      } catch (error) {
        if (isRefusal(error)) refusal = error;
        throw error;
      }
    });
    if (answer === null && refusal !== undefined) throw refusal;
    return answer;
  };
  prototype[KEPT] = true;
}

const CREATE_TOPICS_VERSIONS = [0, 1, 2, 3];

/** Makes the kafkajs in use say why a topic was not created in the broker's own words, which it reads and drops. Calling it again changes nothing. */
export function keepReasons(load: (id: string) => unknown = require): void {
  for (const version of CREATE_TOPICS_VERSIONS) {
    const id = `kafkajs/src/protocol/requests/createTopics/v${version}/response`;
    const response = load(id);
    if (!isResponse(response))
      throw new ConfigError(`keeping why topics are not created: expected kafkajs 2 with parse in ${id}, got none`);
    if (response[KEPT] === true) continue;
    const stock = response.parse;
    response.parse = async (data) => {
      try {
        return await stock(data);
      } catch (error) {
        if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) {
          for (const each of error.errors) if (isTopicError(each)) addReason(each, data);
        }
        throw error;
      }
    };
    response[KEPT] = true;
  }
}

interface CreateTopicsAnswer {
  readonly topicErrors: readonly { readonly topic: string; readonly errorMessage?: string | null }[];
}

interface CreateTopicsResponse {
  parse: (data: CreateTopicsAnswer) => Promise<unknown>;
  [KEPT]?: true;
}

function addReason(error: Error & { readonly topic: unknown }, { topicErrors }: CreateTopicsAnswer): void {
  const reason = topicErrors.find(({ topic }) => topic === error.topic)?.errorMessage ?? '';
  if (reason !== '') error.message = reason;
}

function isTopicError(error: unknown): error is Error & { readonly topic: unknown } {
  return error instanceof Error && 'topic' in error;
}

function isResponse(response: unknown): response is CreateTopicsResponse {
  return (
    typeof response === 'object' && response !== null && 'parse' in response && typeof response.parse === 'function'
  );
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'type' in error &&
    typeof error.type === 'string' &&
    error.type.endsWith('_AUTHORIZATION_FAILED')
  );
}

/** kafkajs has neither types for this module nor a public seam. */
function brokerPoolOf(loaded: unknown): BrokerPoolPrototype {
  const prototype: unknown = typeof loaded === 'function' ? loaded.prototype : undefined;
  if (isBrokerPool(prototype)) return prototype;
  throw new ConfigError(
    'keeping why brokers refuse a request: expected kafkajs 2 with withBroker on the class of kafkajs/src/cluster/brokerPool, got none',
  );
}

function isBrokerPool(prototype: unknown): prototype is BrokerPoolPrototype {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    'withBroker' in prototype &&
    typeof prototype.withBroker === 'function'
  );
}
