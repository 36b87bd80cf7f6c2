import type { Config } from '../../config/config';
import { withoutNip } from './io';

/** What can be said of the secrets of a configuration without asking anybody: where each entity's key comes from, and what nothing will show. */
export function secretsText(config: Config): string {
  const { entities, service } = config;
  const enabled = entities.filter(({ enabled: isEnabled }) => isEnabled);
  const byFile = enabled.filter(({ apiKeyFile }) => apiKeyFile !== null).length;
  const sasl = service.kafka.sasl === null ? '' : `, the password of kafka.sasl`;
  const auth = service.registry?.auth == null ? '' : `, the sign-in of the registry`;
  const missing = withoutNip(config);
  return [
    `${enabled.length} API ${enabled.length === 1 ? 'key' : 'keys'} (${byFile} from files that are read again, ${enabled.length - byFile} from the environment or the entity's file)${sasl}${auth}`,
    'whether they are right was not tried, and neither Kafka nor inFakt was asked',
    ...(missing === null ? [] : [missing]),
  ].join('; ');
}
