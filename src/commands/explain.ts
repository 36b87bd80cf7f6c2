import type { Config } from '../../config/config';
import { TransientError } from '../errors';
import { textOrNull } from '../json';
import type { StreamDeclaration } from '../model';
import { isoDay, sweepQuery } from '../rules/scope';
import { createRequestOrder, openApi, userAgentOf } from '../service/api';
import { kafkaSettings } from '../service/cluster';
import { createKafka } from '../sinks/client';
import { openRecordReader } from '../sinks/record-reader';
import { allStreams } from '../sources/streams/all-streams';
import { addressOfRow, askRow, idsOfNumber, reasonNotToAsk, type AskedRow, type RowApi } from '../upkeep/ask-row';
import { explainRow } from '../upkeep/explain-row';
import { idsOfNumberIn, newestLetterOf, newestRecordOf, type ReadTopics } from '../upkeep/find-records';
import { readRemembered, type Remembered } from '../upkeep/remembered';
import { factsOf } from '../upkeep/row-facts';
import { checkPatience } from './check';
import { command } from './command';
import { explanationJson, explanationText } from './explain-text';
import { configHelp, configOptions, setUp, usageError } from './io';

const help = `Usage: infakt-kafka explain --entity ID --stream NAME (--id N | --number N)

Tells all that is known of one document or client: its newest record, what
the ledger remembers, what the API says now and in which fields that differs
(names, never a value), which scan read it when and which comes next, whether
it is missing, and why nothing newer was published. Changes nothing and does
not disturb a running service. Asks the API whose account the key is and for
the row alone: two requests, or a few more where nothing addresses the row.

Verdicts
  same           the newest record says what the API says
  newer-in-api   the API has a row, or a state of it, that is not published
  missing        the API no longer has the row; no tombstone is published yet
  out-of-scope   the entity's file leaves the row, or the stream, out
  dead-letter    the row cannot become a record
  unknown        the API cannot be asked, or nobody knows of such a row

Options
  --entity ID        the entity
  --stream NAME      ${allStreams.map(({ name }) => name).join(', ')}
  --id N             the row's id
  --number N         the document's number, such as 12/2026, in its newest
                     record or in the API; one of several documents is
                     refused, and their ids are listed
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 same, 3 any other verdict, or Kafka cannot be used,
2 configuration, usage, or not exactly one document of that number.
`;

const DEADLINE_MS = 30 * 60_000;
/** How often the API is asked again because a record came that was read later than its answer. */
const MOST_ASKED = 3;

/** `infakt-kafka explain`: tells all that is known of one row. */
export const explainCommand = command({
  help,
  options: {
    ...configOptions,
    entity: { type: 'string' },
    stream: { type: 'string' },
    id: { type: 'string' },
    number: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  async run(values, io) {
    const wanted = wantedRow(values);
    const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
    const reader = openRecordReader(config.service.registry, userAgentOf(io.version));
    const api = openApi(config, {
      version: io.version,
      patience: checkPatience(),
      secrets,
      requestOrder: createRequestOrder(),
    });
    const topics: ReadTopics = {
      kafka: createKafka(kafkaSettings(config, secrets), kafkaLog),
      serviceId: config.service.service.id,
      prefix: config.service.topics.prefix,
      stop: io.stop,
      deadlineMs: DEADLINE_MS,
      decode: reader.decode,
    };
    try {
      const setting = config.entities.find(({ id }) => id === wanted.entity);
      const rowApi =
        setting === undefined || setting.apiKey === ''
          ? null
          : { entity: setting, rest: api.of(setting), stream: wanted.stream };
      return await explain(config, topics, rowApi, wanted, (facts, explained, title) =>
        io.stdout(
          values.json
            ? `${JSON.stringify(explanationJson(title, facts, explained))}\n`
            : explanationText(title, facts, explained, io.page),
        ),
      );
    } finally {
      api.close();
      reader.close();
    }
  },
});

interface WantedRow {
  readonly entity: string;
  readonly stream: StreamDeclaration;
  readonly by: { readonly id: number } | { readonly number: string };
}

function wantedRow({ entity, stream: name, id, number }: Readonly<Record<string, unknown>>): WantedRow {
  const names = allStreams.map((each) => each.name).join(', ');
  const stream = allStreams.find((each) => each.name === name);
  if (typeof entity !== 'string') throw usageError('expected --entity, got none');
  if (stream === undefined) throw usageError(`expected --stream to be one of ${names}, got ${shown(name)}`);
  if ((id === undefined) === (number === undefined)) throw usageError('expected either --id or --number');
  if (typeof number === 'string') {
    if (stream.scopeField === null) throw usageError(`expected --id, as ${stream.name} have no number`);
    return { entity, stream, by: { number } };
  }
  if (typeof id !== 'string' || !/^[1-9]\d{0,15}$/.test(id) || !Number.isSafeInteger(Number(id)))
    throw usageError(`--id expects a whole number from 1, got ${shown(id)}`);
  return { entity, stream, by: { id: Number(id) } };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : 'none';
}

type Tell = (
  facts: ReturnType<typeof factsOf>,
  explained: ReturnType<typeof explainRow>,
  title: { readonly entity: string; readonly stream: string; readonly id: number },
) => void;

/** Looks at state, API and topics, in this order, tells what is known and returns the exit code. */
async function explain(
  config: Config,
  topics: ReadTopics,
  api: RowApi | null,
  { entity, stream, by }: WantedRow,
  tell: Tell,
): Promise<number> {
  const remembered = await readRemembered(topics.kafka, { ...topics, topic: `${topics.prefix}.state` });
  refuseUnknown(config, remembered, entity);
  const account = remembered.accounts.get(entity) ?? null;
  const reason = api === null ? 'no API key of the entity can be read' : await reasonNotToAsk(api, account);
  const id = 'id' in by ? by.id : await idOfNumber(topics, reason === null ? api : null, { entity, stream }, by.number);
  const view = remembered.streams.find((each) => each.entity === entity && each.stream === stream.name) ?? null;
  const firstRun = account?.firstRun ?? isoDay(Date.now());
  const setting = config.entities.find((each) => each.id === entity);
  const scope = sweepQuery(stream, setting ?? { startDate: 'all', endDate: null }, firstRun);
  const entry = view?.ledger.entry(id) ?? null;
  const name = { entity, stream: stream.name, id };
  // Where the ledger does not know how the API addresses the row, its record may.
  let known = entry === null && stream.address === 'uuid' ? await newestRecordOf(topics, name) : null;
  for (let tries = 1; ; tries += 1) {
    const askedAt = new Date().toISOString();
    const uuids = [entry?.uuid, textOrNull(known?.value?.['uuid'])];
    const place = { id, address: addressOfRow(stream, id, uuids), rank: view?.ledger.rank(id) ?? 0, scope };
    const asked: AskedRow =
      api === null || reason !== null ? { kind: 'not-asked', reason: reason ?? '' } : await askRow(api, place);
    const newest = await newestRecordOf(topics, name);
    // A record that was read later than the answer would look older than the API.
    if ((newest?.found.observedAt ?? '') >= askedAt && tries < MOST_ASKED) {
      known = newest;
      continue;
    }
    const letter = await newestLetterOf(topics, name);
    if (topics.stop.aborted) throw new TransientError('stopped before everything was read; nothing is told');
    const facts = factsOf({
      config,
      entity,
      stream,
      id,
      view,
      scope,
      newest,
      letter,
      asked,
      nowMs: Date.now(),
    });
    const explained = explainRow(facts);
    tell(facts, explained, name);
    return explained.verdict === 'same' ? 0 : 3;
  }
}

function refuseUnknown(config: Config, { accounts, streams }: Remembered, entity: string): void {
  const names = new Set([
    ...config.entities.map(({ id }) => id),
    ...accounts.keys(),
    ...streams.map((view) => view.entity),
  ]);
  if (!names.has(entity))
    throw usageError(
      `expected --entity to be one that is configured or remembered (${[...names].join(', ')}), got "${entity}"`,
    );
}

/** The one document of a number; a ConfigError that lists the ids where there are several. */
async function idOfNumber(
  topics: ReadTopics,
  api: RowApi | null,
  { entity, stream }: Pick<WantedRow, 'entity' | 'stream'>,
  number: string,
): Promise<number> {
  const published = await idsOfNumberIn(topics, { entity, stream: stream.name }, number);
  const ids = [...new Set([...published, ...(api === null ? [] : await idsOfNumber(api, number))])];
  const [id, ...others] = ids.toSorted((one, other) => one - other);
  if (id === undefined)
    throw usageError(
      `expected a document of ${entity} with the number "${number}", got none among the newest records of ${topics.prefix}.${stream.name} and none that the API shows by that number; use --id`,
    );
  if (others.length > 0)
    throw usageError(
      `expected one document with the number "${number}", got ${ids.length}; use --id with one of ${[id, ...others].join(', ')}`,
    );
  return id;
}
