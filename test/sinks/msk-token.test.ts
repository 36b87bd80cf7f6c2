import { ConfigError } from '../../src/errors';
import { signMskToken } from '../../src/sinks/msk-token';

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 's3cret-of-aws', AWS_SESSION_TOKEN: '' };
const before = process.env;

beforeEach(() => {
  process.env = { ...before, ...CREDENTIALS };
});

afterEach(() => {
  process.env = before;
});

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof ConfigError)) throw error;
  return error.message;
}

test("AWS' own package signs a request to connect, for the region, with the credentials of the environment", async () => {
  const began = Date.now();
  const { value, endsAt } = await signMskToken('eu-central-1');
  const url = new URL(Buffer.from(value, 'base64url').toString());
  expect(url.host).toBe('kafka.eu-central-1.amazonaws.com');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': expect.stringMatching(
      /^AKIAEXAMPLE\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/,
    ) as string,
    'X-Amz-Expires': '900',
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  expect(value).not.toContain('s3cret');
  const lifeMs = endsAt - began;
  expect(lifeMs).toBeGreaterThan(890_000);
  expect(lifeMs).toBeLessThan(1_000_000);
});

test('without the package the message says how to install it', async () => {
  const load = (): unknown => {
    throw new Error("Cannot find module 'aws-msk-iam-sasl-signer-js'");
  };
  expect(await refusalOf(signMskToken('eu-central-1', load))).toBe(
    'kafka.sasl.mechanism aws-msk-iam needs the package aws-msk-iam-sasl-signer-js; install it beside this program: npm install aws-msk-iam-sasl-signer-js',
  );
});

test.each([
  ['nothing that signs', {}, /expected generateAuthToken in aws-msk-iam-sasl-signer-js, got none/],
  ['another answer', { generateAuthToken: () => Promise.resolve({ token: 1 }) }, /expected version 1 of/],
  [
    'no credentials',
    { generateAuthToken: () => Promise.reject(new Error('Could not load credentials from any providers')) },
    /expected credentials of AWS in the environment, a profile or a role, got Could not load credentials/,
  ],
])('a package with %s is refused', async (_title, loaded, message) => {
  expect(await refusalOf(signMskToken('eu-central-1', () => loaded))).toMatch(message);
});
