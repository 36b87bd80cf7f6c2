import { ConfigError, TransientError } from '../../src/errors';
import { classify, closedByBroker, kafkaType, withDeadline } from '../../src/sinks/faults';

/** An error as kafkajs throws it: with a type, and wrapped. */
function fault(type: string, message = 'refused'): Error {
  return new Error('wrapped', { cause: Object.assign(new Error(message), { type }) });
}
const coded = (code: string | number): Error => Object.assign(new Error('a fault'), { code });
const named = (name: string): Error => Object.assign(new Error('a fault'), { name });

describe('classifying', () => {
  test.each<[string, unknown, string]>([
    ['a newer writer', fault('INVALID_PRODUCER_EPOCH'), 'fenced'],
    ['a record that is too large', fault('MESSAGE_TOO_LARGE'), 'refused'],
    ['a list of records that is too large', fault('RECORD_LIST_TOO_LARGE'), 'refused'],
    ['a clock that is wrong', fault('INVALID_TIMESTAMP'), 'forbidden'],
    ['records that the broker does not take', fault('INVALID_RECORD'), 'forbidden'],
    ['INVALID_RECORD by its number', coded(87), 'forbidden'],
    ['bytes that arrived damaged', fault('CORRUPT_MESSAGE'), 'lost'],
    ['a missing right', fault('TOPIC_AUTHORIZATION_FAILED'), 'forbidden'],
    ['a wrong password', named('KafkaJSSASLAuthenticationError'), 'forbidden'],
    ['a certificate that expired', coded('CERT_HAS_EXPIRED'), 'forbidden'],
    ['an error of the configuration', new ConfigError('no'), 'forbidden'],
    ['a leader that moved', fault('NOT_LEADER_FOR_PARTITION'), 'lost'],
    ['a lost connection', coded('ECONNRESET'), 'lost'],
    ['anything else', 'no error at all', 'lost'],
  ])('%s', (_title, error, kind) => {
    expect(classify(error, 'committing').kind).toBe(kind);
  });

  test('names what was attempted, what Kafka said and by which name', () => {
    const { error } = classify(fault('NOT_LEADER_FOR_PARTITION'), 'committing');
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toBe('committing: wrapped (NOT_LEADER_FOR_PARTITION)');
  });

  test('I1: a wrong clock is no fault of a row: it is named, and may be set right while a service waits', () => {
    const { error } = classify(fault('INVALID_TIMESTAMP'), 'committing');
    expect(error).toMatchObject({ code: 'CONFIG', mayPass: true });
    expect(error.message).toMatch(/this machine's clock, at 20.*Z, is further from the broker's than .*set the clock/);
  });

  test.each(['Snappy', 'LZ4', 'ZSTD'])('says in words that %s cannot be read', (codec) => {
    const error = Object.assign(new Error(`${codec} compression not implemented`), { name: 'KafkaJSNotImplemented' });
    expect(classify(error, 'reading infakt.state').error).toMatchObject({
      code: 'CONFIG',
      mayPass: false,
      message: expect.stringMatching(
        /^reading infakt.state: .* cannot read\. Set the topic's compression.type/,
      ) as string,
    });
  });

  test('names the right that is missing, and lets it be given while a service waits', () => {
    const { error } = classify(fault('GROUP_AUTHORIZATION_FAILED'), 'joining', { group: 'Read on group x' });
    expect(error).toMatchObject({ code: 'CONFIG', mayPass: true });
    expect(error.message).toMatch(/; give the service's user Read on group x, see docs\/security\.md$/);
  });

  test('leaves open whether a newer writer or the broker ended a transaction: both are answered alike', () => {
    const { error } = classify(fault('INVALID_PRODUCER_EPOCH'), 'committing');
    expect(error).toMatchObject({ code: 'TRANSIENT', trouble: 'hand-over' });
    expect(error.message).toBe(
      'committing: wrapped (INVALID_PRODUCER_EPOCH); a newer writer took this shard, or the broker ended the transaction as it was open for too long',
    );
  });

  test('tells a port that takes no sign-in from a sign-in that the broker would not renew', () => {
    const { kind, error } = classify(fault('ILLEGAL_SASL_STATE'), 'committing');
    expect({ kind, mayPass: error instanceof ConfigError && error.mayPass }).toEqual({
      kind: 'forbidden',
      mayPass: true,
    });
    expect(error.message).toBe(
      'committing: wrapped (ILLEGAL_SASL_STATE); at a first connection this port takes no sign-in: leave kafka.sasl out, or choose the port that does. On a connection that was signed in, the broker refused to renew the sign-in, and a new connection is made',
    );
  });

  test.each([
    ['TLS_EXPECTED', /set kafka\.ssl\.enabled/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for other names/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /set kafka\.ssl\.caFile/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /refuses the client certificate/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
  ])('says what to do about %s', (code, advice) => {
    const { kind, error } = classify(coded(code), 'connecting');
    expect(kind).toBe('forbidden');
    expect(error.message).toMatch(advice);
  });
});

test('of many topics that could not be created, the first that tells why is named', () => {
  const error = Object.assign(new Error('several'), {
    errors: [fault('TOPIC_ALREADY_EXISTS'), fault('POLICY_VIOLATION')],
  });
  expect(kafkaType(error)).toBe('POLICY_VIOLATION');
  expect(kafkaType(new Error('none'))).toBe('');
});

test('a connection that the broker closed without a word is recognised', () => {
  expect(closedByBroker(named('KafkaJSConnectionClosedError'))).toBe(true);
  expect(closedByBroker(coded('ECONNREFUSED'))).toBe(false);
});

describe('a deadline', () => {
  test('passes on what is done in time, and how it failed', async () => {
    expect(await withDeadline(Promise.resolve(7), 1_000, 'working')).toBe(7);
    await expect(withDeadline(Promise.reject(new Error('no')), 1_000, 'working')).rejects.toThrow('no');
  });

  test('rejects with what was attempted when nothing comes', async () => {
    await expect(withDeadline(new Promise(() => undefined), 1, 'working')).rejects.toMatchObject({
      code: 'TRANSIENT',
      message: 'working: expected an answer within 1 ms, got none',
    });
  });
});
