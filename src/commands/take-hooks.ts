import type { EntityConfig } from '../../config/config';
import { hookSecretsIn } from '../../config/secret-files';
import { hookRoutes, type Refusal } from '../http-server/hook-routes';
import type { Route } from '../http-server/server';
import type { EntityId } from '../model';
import type { Secrets } from '../secrets';
import { createHintChannel, type HintChannel } from '../service/hint-channel';
import type { ServiceEvent } from '../service/events';
import type { Logger } from '../telemetry';

/** What takes webhooks over HTTP, and what the service that reads for them listens to. */
export interface Hooks {
  readonly routes: readonly Route[];
  readonly hints: HintChannel;
}

/** What webhooks are taken with. */
export interface HooksSetting {
  /** The entities that have a file now. */
  readonly entities: () => readonly Pick<EntityConfig, 'id' | 'hookSecret' | 'hookSecretFile'>[];
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly now: () => number;
  readonly tell: (event: Extract<ServiceEvent, { kind: 'hint' }>) => void;
}

const MINUTE_MS = 60_000;

const ABOUT: Readonly<Record<Exclude<Refusal, 'verified'>, string>> = {
  forged:
    'a webhook whose signature none of the secrets in hook_secret makes; where inFakt shows another secret, that one belongs there',
  'no-secret':
    'a webhook of an entity without a secret; inFakt shows one with the webhook, which belongs into hook_secret',
  'unknown-entity': 'a webhook for an entity that has no file; its URL must end with the name of an entity',
  'too-large': 'a webhook with a body of more than 256 kB',
};

/** Takes webhooks for every entity that has a secret for them, and logs what is refused: of each kind and entity a line a minute at most. */
export function takeHooks({ entities, secrets, logger, now, tell }: HooksSetting): Hooks {
  const find = (entity: EntityId) => entities().find(({ id }) => id === entity);
  const told = new Map<string, { atMs: number; times: number }>();
  const onRefused = (entity: EntityId, refusal: Refusal): void => {
    tell({ kind: 'hint', entity, outcome: refusal });
    const name = `${refusal} ${entity}`;
    const last = told.get(name) ?? { atMs: -Infinity, times: 0 };
    const times = last.times + 1;
    const isDue = now() - last.atMs >= MINUTE_MS;
    told.set(name, isDue ? { atMs: now(), times: 0 } : { ...last, times });
    if (!isDue) return;
    const place = entity === '' ? {} : { entity };
    if (refusal === 'verified') logger.info({ ...place, times }, 'webhook verified');
    else logger.warn({ ...place, times, about: ABOUT[refusal] }, 'webhook refused');
  };
  const hints = createHintChannel({
    now,
    listensFor: (entity) => (find(entity)?.hookSecret ?? null) !== null,
    onOutcome: (entity, outcome) => tell({ kind: 'hint', entity, outcome }),
    onSilence: (entity) => {
      const about =
        'no webhook has come for 24 hours, and the scans find payments by themselves: inFakt switches a webhook off after ten failed deliveries, see docs/webhooks.md';
      logger.warn({ entity, about }, 'webhooks have stopped');
    },
  });
  const secretsOf = (entity: EntityId): readonly string[] | null => {
    const found = find(entity);
    if (found === undefined) return null;
    const { hookSecret, hookSecretFile } = found;
    return hookSecret === null ? [] : hookSecretsIn(secrets.latest('hook-secret', hookSecretFile, hookSecret));
  };
  const onFault = (err: Error): void => logger.error({ err }, 'a webhook was answered and not taken');
  return { hints, routes: hookRoutes({ secretsOf, deliver: hints.deliver, onRefused, onFault }) };
}
