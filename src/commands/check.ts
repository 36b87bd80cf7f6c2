import { freemem } from 'node:os';

import type { Config } from '../../config/config';
import { ConfigError } from '../errors';
import { forecast, type StreamToday } from '../rules/forecast';
import { kafkaSettings } from '../service/cluster';
import { usualPatience, type Patience } from '../service/patience';
import { createKafka } from '../sinks/client';
import { checkApi, ksefToCheck, requestsFor } from './check-entity';
import { createFindings, findingLine, findingsJson, verdictText, type Finding } from './check-findings';
import { checkKafka } from './check-kafka';
import { secretsText } from './check-offline';
import { command } from './command';
import { chosenEntities, configHelp, configOptions, printLines, setUp } from './io';
import { planText } from './plan-text';

const help = `Usage: infakt-kafka check [options]

Looks at everything that a run needs and changes nothing: the configuration, the brokers, the topics and their settings, what the state
topic remembers, each entity's key and whose account it belongs to, the filters and the order in use, which fields of the newest rows
of each list do not fit the schemas, are unknown or absent (their names and JSON types, never a value), which filters that inFakt does not
promise work on one list of each entity, how long it takes to ask what KSeF says of all documents where that is asked for, how often each
kind of scan will come round, free memory. Prints one line a check that is ok, then what failed and what to do, then how many failed. Rights to write are
not tried out, as that would change something.

Options
  --entity ID        only this entity, besides Kafka
  --offline          only the configuration, and whether every secret that it names is there: for CI, without any network
  --json             one JSON object on stdout; its array fields has the fields of each stream, by name and JSON type, its
                     array filters what a list does with each filter: works, ignored, refused, wrong or unknown
${configHelp}

Exit code: 0 all ok, 2 configuration or something that a person must set right, 3 Kafka or the API could not be reached.
`;

/** Measured: 44 bytes a row in the ledger, about as much while it is restored, and the program itself. */
const ROW_BYTES = 100;
const BASE_BYTES = 150 * 1024 * 1024;

/** `infakt-kafka check`: looks at everything that a run needs. */
export const checkCommand = command({
  help,
  options: {
    ...configOptions,
    entity: { type: 'string' },
    json: { type: 'boolean', default: false },
    offline: { type: 'boolean', default: false },
  },
  async run(values, io) {
    const show = (finding: Finding): void => {
      if (!values.json) printLines(io, findingLine(finding, io.page), 5);
    };
    // What failed stands at the end, where it is seen.
    const findings = createFindings((finding) => (finding.ok ? show(finding) : undefined));
    const { attempt, all } = findings;
    const loaded = await attempt('configuration', null, () => {
      const value = setUp(io, values);
      const entities = value.config.entities.filter(({ enabled }) => enabled);
      const text = `${values.config}, ${entities.length} enabled entities in ${values.entities}`;
      return Promise.resolve({ value, text });
    });
    if (loaded !== null && values.offline)
      await attempt('secrets', null, () => Promise.resolve({ value: null, text: secretsText(loaded.config) }));
    else if (loaded !== null) {
      const { secrets, kafkaLog } = loaded;
      const config = { ...loaded.config, entities: chosenEntities(loaded.config, values.entity) };
      io.stderr(`${costText(config)}\n`);
      const remembered = await checkKafka(config, createKafka(kafkaSettings(config, secrets), kafkaLog), io, attempt);
      const streams = await checkApi(config, secrets, io, checkPatience(), remembered ?? new Map(), attempt);
      await attempt('plan', null, () => checkPlan(config, streams));
      const rows = streams.reduce((sum, stream) => sum + (stream.rows.sweep ?? 0), 0);
      await attempt('memory', null, () => checkMemory(rows));
    }
    const code = findings.exitCode();
    if (values.json) io.stdout(`${JSON.stringify(findingsJson(findings))}\n`);
    else {
      for (const finding of all) if (!finding.ok) show(finding);
      printLines(io, verdictText(all));
    }
    return code;
  },
});

/** What the check asks of the API, before it begins. */
function costText(config: Config): string {
  const { entities, service } = config;
  const ksef = ksefToCheck(config);
  const requests = entities.reduce((sum, entity) => sum + requestsFor(entity, ksef), 0);
  const { requestsPerMinute } = service.infakt;
  const minutes = requestsPerMinute === 0 ? 0 : requests / requestsPerMinute;
  const time =
    minutes < 0.5
      ? 'a few seconds'
      : `about ${minutes < 2 ? `${Math.ceil(minutes * 60)} s` : `${Math.ceil(minutes)} min`}`;
  return `checking ${entities.length} ${entities.length === 1 ? 'entity' : 'entities'}: up to ${requests} requests, ${time}`;
}

/** Three quick tries of a request instead of six long ones, as a person is waiting. */
export function checkPatience(): Patience {
  const usual = usualPatience(Math.random);
  return { ...usual, retry: { attempts: 3, waitMs: () => 500, secondOpinionMs: 5_000 } };
}

/** What the schedule comes to for all streams that can be read; a forecast, so never a fault. */
function checkPlan(
  { service: { schedule, infakt } }: Config,
  streams: readonly StreamToday[],
): Promise<{ readonly value: null; readonly text: string }> {
  const { requestsPerMinute } = infakt;
  const planned = forecast(streams, { settings: schedule, requestsPerMinute, nowMs: Date.now() });
  return Promise.resolve({ value: null, text: planText(planned, requestsPerMinute) });
}

/** Whether the memory suffices for so many rows. */
function checkMemory(rows: number): Promise<{ readonly value: null; readonly text: string }> {
  const needed = BASE_BYTES + rows * ROW_BYTES;
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
  const text = `about ${megabytes(needed)} for ${rows} rows, ${megabytes(freemem())} free`;
  if (needed > freemem()) throw new ConfigError(`expected ${text}; give the service more memory`);
  return Promise.resolve({ value: null, text });
}
