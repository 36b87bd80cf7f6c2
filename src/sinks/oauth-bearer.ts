import { type Authenticator, KafkaJSError, type AuthenticationProviderArgs } from 'kafkajs';

import { ConfigError } from '../errors';

/** What a client says once it has read why it was refused (RFC 7628, 3.2.3). */
const UNDERSTOOD = '\x01';

/**
 * SASL OAUTHBEARER for kafkajs, whose own takes a broker's refusal for its consent and fails later, without the reason.
 *
 * Errors of `token` come out of kafkajs as the cause of its own.
 */
export function oauthBearer(token: () => Promise<string>): {
  readonly mechanism: 'oauthbearer';
  readonly authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator;
} {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const value = await token().catch((error: unknown) => {
          throw asErrorOfKafkajs(error);
        });
        const say = async (message: string): Promise<string> =>
          (await saslAuthenticate({ request: { encode: () => framed(message) }, response: { decode, parse } })) ?? '';
        const refusal = await say(`n,,\x01auth=Bearer ${value}\x01\x01`);
        if (refusal === '') return;
        // The broker's own words are about the token, and hold none of it.
        await say(UNDERSTOOD).catch(() => undefined);
        const advice = 'see to what the listener of the broker expects of a token, and to kafka.sasl';
        throw asErrorOfKafkajs(
          new ConfigError(`the broker refuses the token: ${refusal.slice(0, 200)}; ${advice}`, { mayPass: true }),
        );
      },
    }),
  };
}

/** Not to be tried again on this connection, on which a second sign-in would be out of place; the cause says whether it may pass on another. */
function asErrorOfKafkajs(error: unknown): Error {
  const cause = error instanceof Error ? error : new Error(String(error));
  return Object.assign(new KafkaJSError(cause, { retriable: false }), { cause });
}

/** With the size in front, as kafkajs has messages of SASL. */
function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function decode(bytes: Buffer): Buffer {
  return bytes.subarray(4);
}

function parse(bytes: Buffer): string {
  return bytes.toString('utf8');
}
