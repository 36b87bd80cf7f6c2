import type { ProxyConfig, SaslConfig } from '../../config/config';
import type { Secrets } from '../secrets';
import { keepToken } from '../sinks/bearer-token';
import { fetchClientToken } from '../sinks/client-credentials';
import type { SignIn } from '../sinks/client';
import { signMskToken } from '../sinks/msk-token';

/** What a sign-in takes beside its own configuration. */
export interface SignInSetting {
  readonly secrets: Secrets;
  readonly proxies: ProxyConfig;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** How this program names itself where it asks for a token. */
const USER_AGENT = 'infakt-kafka';

/** How the service signs in to the brokers: with what its files hold at each sign-in, or with a token that is kept and renewed. */
export function signInOf(sasl: SaslConfig, { secrets, proxies, now = Date.now }: SignInSetting): SignIn {
  switch (sasl.mechanism) {
    case 'oauthbearer': {
      const { tokenUrl, clientId, scope, clientSecret, clientSecretFile } = sasl;
      const secret = (): string => secrets.latest('password', clientSecretFile, clientSecret);
      const ask = { tokenUrl, clientId, scope, proxies, userAgent: USER_AGENT };
      return {
        mechanism: 'oauthbearer',
        token: keepToken(() => fetchClientToken({ ...ask, clientSecret: secret() }, now), now),
      };
    }
    case 'aws-msk-iam':
      return { mechanism: 'oauthbearer', token: keepToken(() => signMskToken(sasl.region), now) };
    default: {
      const { mechanism, username, password, passwordFile } = sasl;
      return { mechanism, username, password: () => secrets.latest('password', passwordFile, password) };
    }
  }
}

/** In which way the service signs in, for messages. */
export function signInText(sasl: SaslConfig): string {
  switch (sasl.mechanism) {
    case 'oauthbearer':
      return `signing in as ${sasl.clientId} by oauthbearer`;
    case 'aws-msk-iam':
      return `signing in by aws-msk-iam in ${sasl.region}`;
    default:
      return `signing in as ${sasl.username} by ${sasl.mechanism}`;
  }
}
