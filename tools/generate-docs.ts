import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allStreams } from '../src/sources/streams/all-streams';
import { entitySchema } from '../config/entity-schema';
import { formats } from '../config/formats';
import { serviceSchema } from '../config/schema';
import { settingsOf, type Section, type Setting } from '../config/setting';
import { renderEntitySchema, renderServiceSchema } from './docs/config-schemas';
import { renderConsumingPage } from './docs/fingerprints';
import { renderMetricsPage } from './docs/metrics-page';
import { renderOperatePage } from './docs/reasons';
import { renderRecordTypes } from './docs/record-types';
import { renderTopicsPage } from './docs/topics-page';

/** A file that is made from the code and the schemas. */
interface GeneratedFile {
  /** Below the root of the package. */
  readonly file: string;
  /** What is to stand in the file of the package with this root. */
  readonly render: (root: string) => string;
}

/** Every generated file. */
export const pages: readonly GeneratedFile[] = [
  { file: 'docs/config.md', render: renderConfig },
  { file: 'docs/consuming.md', render: renderConsumingPage },
  { file: 'docs/metrics.md', render: renderMetricsPage },
  { file: 'docs/operate.md', render: renderOperatePage },
  { file: 'docs/topics.md', render: renderTopicsPage },
  { file: 'schemas/entity.schema.json', render: renderEntitySchema },
  { file: 'schemas/records.d.ts', render: renderRecordTypes },
  { file: 'schemas/service.schema.json', render: renderServiceSchema },
];

function renderConfig(): string {
  return `# Configuration

Generated from \`config/schema.ts\` and \`config/entity-schema.ts\` by \`npm run docs\`; do not edit.

The service has one file, \`config/service.json\` (another with \`--config FILE\`). Each legal entity has a file of its own in
\`config/entities/\`, or \`entities/\` beside the other service file (another directory with \`--entities DIR\`);
\`config/example/\` has both to copy. The name of that file is the entity's id: \`a-z\`, \`0-9\` and
\`-\`, no dash first, then \`.json\`. Other files of that directory, and those whose names begin with a dot, are not read.

All files are JSON in UTF-8. Paths in them are relative to the file that names them. Unknown keys are faults. All faults of
all files are reported at once, and the exit code is 2.

Each key of the service file can be set by the environment variable whose name stands beside it: the key in upper case, with \`_\` for a dot and before
each capital letter. Of an entity's file only the API key can. A variable wins over the file, unless it is empty. Text counts as the number, as \`true\`
or \`false\`, or as the list that it spells; a list has commas between, or is a JSON array. A path in a variable is relative to the service file too.

Editors complete and check a file that names its JSON Schema, which the package has. A key \`$schema\` is for editors alone:

\`\`\`json
{ "$schema": "./node_modules/infakt-kafka/schemas/service.schema.json" }
\`\`\`

The schema of an entity's file is \`entity.schema.json\` beside it. They say what is usual: the program also takes numbers as text, and words in upper case.

## The service: \`config/service.json\`

${renderTable(serviceSchema)}

\`kafka.sasl.mechanism\` comes with what [security.md](security.md#sign-in) lists for it and nothing else, \`kafka.ssl.certFile\` with \`kafka.ssl.keyFile\`, and the files
of \`kafka.ssl\` only with \`kafka.ssl.enabled\`.

\`registry.username\` comes with a password and not with \`registry.token\`. Sign-in to the registry, \`registry.caFile\` and
\`registry.autoRegister\` need \`registry.url\`; \`registry.caFile\` needs it to be https.

## A legal entity: \`config/entities/<id>.json\`

${renderTable(entitySchema('<id>'))}

The streams are ${allStreams.map(({ name }) => `\`${name}\``).join(', ')}; their topics are in [topics.md](topics.md).

\`<ID>\` is the entity's id in upper case with \`_\` for \`-\`: the key of \`config/entities/acme-pl.json\` is in
\`INFAKT_API_KEY_ACME_PL\`. At least one entity is enabled. An enabled entity has a key; no two entities, enabled or not, have
the same key or the same NIP.

## Variables of other programs

\`HTTPS_PROXY\`, \`HTTP_PROXY\`, \`NO_PROXY\` and \`NODE_EXTRA_CA_CERTS\` are in [security.md](security.md#proxies-and-networks-that-open-tls).

## Secrets

The secrets are the API keys, the password or client secret of SASL, the registry's password or token, and the private key of
\`kafka.ssl.keyFile\`. None of them belongs in a configuration file. All but the private key are taken from the first of these
that is given:

1. the environment variable;
2. the mounted file that \`api_key_file\`, \`kafka.sasl.passwordFile\`, \`kafka.sasl.clientSecretFile\`, \`registry.passwordFile\` or
   \`registry.tokenFile\` names;
3. \`api_key\`, \`kafka.sasl.password\`, \`kafka.sasl.clientSecret\`, \`registry.password\` or \`registry.token\` in the configuration file, with a warning at
   every start.

The second and the third together are a fault, unless the variable is set. No message about a fault shows a secret, and every
secret is masked in the log.
`;
}

function renderTable(schema: Section): string {
  const rows: { keys: string; cells: readonly string[] }[] = [];
  for (const [key, setting] of settingsOf(schema)) {
    const keys = `\`${key}\`${setting.env === undefined ? '' : ` \`${setting.env}\``}`;
    const type = formats[setting.format].expected.replace(/^(?:an?|the|one of) /, '');
    const cells = [type, renderDefault(setting), setting.doc];
    const above = rows.at(-1);
    if (above?.cells.every((cell, index) => cell === cells[index]) === true) above.keys += `, ${keys}`;
    else rows.push({ keys, cells });
  }
  const header = ['Key', 'Type', 'Default', 'Meaning'];
  return [header, header.map(() => '---'), ...rows.map(({ keys, cells }) => [keys, ...cells])]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function renderDefault(setting: Setting<unknown>): string {
  if (setting.default !== null) return `\`${JSON.stringify(setting.default)}\``;
  return setting.nullable === true ? (setting.otherwise ?? 'none') : 'required';
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function main(root: string, check: boolean): number {
  const stale = pages.filter(({ file, render }) => read(join(root, file)) !== render(root));
  for (const { file, render } of stale) {
    if (check) console.error(`${file} is stale: run npm run docs`);
    else writeFileSync(join(root, file), render(root));
  }
  return check && stale.length > 0 ? 1 : 0;
}

if (require.main === module) process.exitCode = main(process.cwd(), process.argv.includes('--check'));
