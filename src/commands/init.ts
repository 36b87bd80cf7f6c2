import { lastValueFrom } from 'rxjs';

import { loadServiceFile } from '../../config/load';
import { nipDigits } from '../../config/formats';
import { readSecret } from '../../config/secret-files';
import { ConfigError, FatalError } from '../errors';
import { isoDay, sweepQuery } from '../rules/scope';
import { createSecrets } from '../secrets';
import { createRequestOrder, openApi } from '../service/api';
import { allStreams, projectionNames, usualStreams } from '../sources/streams/all-streams';
import type { AccountDetails } from '../sources/answers';
import { checkCommand, checkPatience } from './check';
import { command } from './command';
import { isEntityId, keyIn, keyInFile, placesOf, writeEntity } from './entity-setup';
import { configHelp, configOptions, printLines, usageError, type Io } from './io';

const help = `Usage: infakt-kafka init [--entity ID] [--key-file FILE] [options]

Sets up one more legal entity. Asks for its id and its API key, reads whose
account the key is, writes the entity's file with the account's NIP, and runs
check. The key goes to a file of its own, keys/ID.key beside the folder of the
entities, which only its owner may read and which git ignores; it is never
printed and never written into the JSON. Nothing is overwritten.

The service file must be there, as it says where the API and Kafka are:
config/example/service.json is one to copy.
Documents of the last 90 days are read unless start_date is set: set it before
the first run, as all of them are first read then.

Options
  --entity ID        the id: a-z, 0-9 and -; needed where stdin is no terminal
  --key-file FILE    the key is in this file, and is copied from it; without
                     it the key is asked for, or is the first line of stdin
${configHelp}

Exit code: that of check; 2 where a file is there already or the key is
refused, 3 where the API could not be reached: then nothing was written.
`;

const known = {
  knownStreams: allStreams.map(({ name }) => name),
  usualStreams: usualStreams.map(({ name }) => name),
  knownProjections: projectionNames,
};

/** `infakt-kafka init`: sets up one more entity. */
export const initCommand = command({
  help,
  options: { ...configOptions, entity: { type: 'string' }, 'key-file': { type: 'string' } },
  async run(values, io) {
    const { config: configFile, entities: entitiesDirectory } = values;
    const sources = { configFile, entitiesDirectory, env: io.env, ...known };
    const { service, entities } = loadServiceFile(sources);
    let entity = '';
    try {
      entity = await entityOf(values.entity, io);
      const places = placesOf(entitiesDirectory, entity, io.env);
      const key = await keyOf(values['key-file'], io);
      const account = await accountOf(service, entity, key, io);
      const nip = account === null ? null : nipDigits(account.taxId);
      const twin = entities.find((each) => nip !== null && each.nip === nip);
      if (twin !== undefined)
        throw new ConfigError(
          `expected the key of an account that no entity has, got one of NIP ${nip ?? ''}, which is ${twin.id}'s; nothing was written`,
        );
      writeEntity(places, key, account ?? { taxId: null, name: null });
      printLines(io, `${places.entityFile}: ${companyText(account)}`);
      printLines(io, `${places.keyFile}: the API key, for its owner alone (mode 600), in a folder that git ignores`);
      printLines(io, `${scopeText(places.entityFile)}\n`);
    } finally {
      io.questions?.close();
    }
    return checkCommand(['--config', configFile, '--entities', entitiesDirectory, '--entity', entity], io);
  },
});

async function entityOf(given: string | undefined, { questions }: Io): Promise<string> {
  if (given === undefined && questions?.isTerminal !== true)
    throw usageError('expected --entity, as stdin is no terminal');
  const entity = given ?? (await questions?.ask("Id of the entity, also its file's name (a-z, 0-9 and -): ")) ?? '';
  if (!isEntityId(entity.trim()))
    throw usageError(`expected an id of a-z, 0-9 and -, no dash first, got "${entity.trim()}"`);
  return entity.trim();
}

async function keyOf(file: string | undefined, { questions }: Io): Promise<string> {
  if (file !== undefined) return keyInFile(file);
  if (questions === undefined) throw usageError('expected --key-file, as there is no stdin');
  return keyIn(await questions.ask('API key of its inFakt account (not shown): ', { hidden: true }));
}

/** Whose account a key is; null = the key may not read its account. */
async function accountOf(
  service: ReturnType<typeof loadServiceFile>['service'],
  entity: string,
  key: string,
  io: Io,
): Promise<AccountDetails | null> {
  const secrets = createSecrets({ read: readSecret, onChange: () => undefined, onUnusable: () => undefined });
  const api = openApi(
    { service },
    { version: io.version, patience: checkPatience(), secrets, requestOrder: createRequestOrder() },
  );
  try {
    const seen = await lastValueFrom(api.of({ id: entity, apiKey: key, apiKeyFile: null }).accountDetails());
    return seen === 'unreadable' ? null : seen;
  } catch (error) {
    if (error instanceof FatalError && error.reason === 'unauthorized')
      throw new ConfigError(`${error.message}; the API refuses this key, and nothing was written`, { cause: error });
    throw error;
  } finally {
    api.close();
  }
}

function companyText(account: AccountDetails | null): string {
  if (account === null)
    return 'without a NIP, as the key may not read its account (scope api:account:read): nothing will show that it is the right company';
  const nip = nipDigits(account.taxId);
  const name = account.name ?? 'an account without a name';
  return nip === null
    ? `${name}, which shows no NIP: nothing will show that it is the right company`
    : `${name}, NIP ${nip}`;
}

/** What is read without a start date, and how to change that. */
function scopeText(entityFile: string): string {
  const { from } = sweepQuery({ scopeField: 'invoice_date' }, { startDate: null, endDate: null }, isoDay(Date.now()));
  return `start_date is not set: documents of the last 90 days are read, from ${from ?? ''} on. For more, add "start_date": "2024-01-01", or "all", to ${entityFile} before the first run.`;
}
