import type { AuthenticationProviderArgs } from 'kafkajs';

import { ConfigError, TransientError } from '../../src/errors';
import { classify } from '../../src/sinks/faults';
import { oauthBearer } from '../../src/sinks/oauth-bearer';

/** A broker's part of the sign-in: what it was told, and its answers in turn. */
function broker(...answers: readonly (string | Error)[]) {
  const told: string[] = [];
  const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = async ({ request, response }) => {
    const bytes = await request.encode();
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
    told.push(bytes.subarray(4).toString());
    const answer = answers[told.length - 1] ?? '';
    if (answer instanceof Error) throw answer;
    return response?.parse(await response.decode(Buffer.concat([Buffer.alloc(4), Buffer.from(answer)])));
  };
  const signIn = (token: () => Promise<string>): Promise<void> =>
    oauthBearer(token)
      .authenticationProvider({ saslAuthenticate } as AuthenticationProviderArgs)
      .authenticate();
  return { told, signIn };
}

const token = (): Promise<string> => Promise.resolve('abc.def');
const failureOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((reason: unknown) => reason);

test('the token is shown as RFC 7628 has it', async () => {
  const { told, signIn } = broker('');
  await signIn(token);
  expect(told).toEqual(['n,,\x01auth=Bearer abc.def\x01\x01']);
});

test('a refusal is read, acknowledged, and told with what to see to, without the token', async () => {
  const { told, signIn } = broker('{"status":"invalid_token"}', new Error('SASL_AUTHENTICATION_FAILED'));
  const error = await failureOf(signIn(token));
  expect(told[1]).toBe('\x01');
  const { kind, error: ours } = classify(error, 'connecting');
  expect({ kind, message: ours.message }).toEqual({
    kind: 'forbidden',
    message:
      'connecting: the broker refuses the token: {"status":"invalid_token"}; see to what the listener of the broker expects of a token, and to kafka.sasl',
  });
  expect(ours).toMatchObject({ mayPass: true });
});

test.each([
  ['a setting', new ConfigError('got 401', { mayPass: true }), 'forbidden'],
  ['a passing fault', new TransientError('got 503'), 'lost'],
])('%s that keeps a token away comes out of kafkajs as what it is', async (_title, cause, kind) => {
  const { told, signIn } = broker();
  const error = await failureOf(signIn(() => Promise.reject(cause)));
  expect(told).toEqual([]);
  expect(error).toMatchObject({ retriable: false });
  const ours = classify(error, 'connecting');
  expect(ours).toMatchObject({ kind, error: { code: cause.code } });
  expect(ours.error.message).toBe(`connecting: ${cause.message}`);
});
