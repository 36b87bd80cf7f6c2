import { ConfigError } from '../errors';
import { isObject } from '../json';
import type { BearerToken } from './bearer-token';

const PACKAGE = 'aws-msk-iam-sasl-signer-js';

/**
 * Signs a token for Amazon MSK with the credentials that AWS' own libraries find: variables, profile, web identity, instance.
 *
 * The package that signs is loaded only here, as nobody else needs the AWS SDK; a ConfigError says how to install it.
 */
export async function signMskToken(region: string, load: (id: string) => unknown = require): Promise<BearerToken> {
  const { generateAuthToken } = signer(load);
  let signed: unknown;
  try {
    signed = await generateAuthToken({ region });
  } catch (error) {
    // The words of AWS' libraries name profiles and files, and no secret.
    const got = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `signing a token for Amazon MSK in ${region}: expected credentials of AWS in the environment, a profile or a role, got ${got}`,
      { mayPass: true },
    );
  }
  const { token, expiryTime } = isObject(signed) ? signed : {};
  if (typeof token === 'string' && typeof expiryTime === 'number') return { value: token, endsAt: expiryTime };
  throw new ConfigError(`signing a token for Amazon MSK: expected version 1 of ${PACKAGE}, got another`);
}

function signer(load: (id: string) => unknown): { generateAuthToken: (options: object) => Promise<unknown> } {
  let loaded: unknown;
  try {
    loaded = load(PACKAGE);
  } catch {
    throw new ConfigError(
      `kafka.sasl.mechanism aws-msk-iam needs the package ${PACKAGE}; install it beside this program: npm install ${PACKAGE}`,
    );
  }
  const sign = isObject(loaded) ? loaded['generateAuthToken'] : undefined;
  if (typeof sign !== 'function') throw new ConfigError(`expected generateAuthToken in ${PACKAGE}, got none`);
  return { generateAuthToken: sign as (options: object) => Promise<unknown> };
}
