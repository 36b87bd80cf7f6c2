import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Simulator } from '../../simulator/server';
import { KSEF } from '../../src/sources/streams/ksef';
import { startConnect, type ConnectorConfig, type ConnectWorker } from '../connect';
import { openApi, openService, type Broker, type Company, type Service } from '../demo/stage';
import { projectRoot } from '../java';
import { startKafka } from '../kafka';
import { startPostgres, type LocalPostgres } from '../postgres';
import { startRegistry, type LocalRegistry } from '../registry';
import { makeViews } from './reports';

/** All that is between the inFakt API and tables in PostgreSQL. */
export interface Stack {
  readonly broker: Broker;
  readonly registry: LocalRegistry;
  readonly postgres: LocalPostgres;
  readonly connect: ConnectWorker;
  readonly api: Simulator;
  readonly service: Service;
  /** The tables that a connector fills. */
  readonly filled: readonly string[];
  /** Stops every part, the last one first. */
  readonly stop: () => Promise<void>;
}

export type PartName = 'Kafka' | 'Registry' | 'PostgreSQL' | 'Kafka Connect' | 'inFakt API' | 'infakt-kafka';

export interface StackOptions {
  readonly companies: readonly Company[];
  readonly schedule: Readonly<Record<string, unknown>>;
  /** Whether what KSeF says of each document is read, and has a table; not unless given. */
  readonly ksef?: boolean;
  /** Told when a part is ready: where it is, and how long after the beginning. */
  readonly onReady: (part: PartName, where: string, afterMs: number) => void;
  readonly signal: AbortSignal;
}

/** A table: the connector that fills it, as `deploy/connect` has it. */
export const tables = [
  'clients',
  'invoices',
  'invoice_lines',
  'corrective_invoices',
  'corrective_invoice_lines',
  'advance_invoices',
  'final_invoices',
  'margin_invoices',
  'oss_invoices',
  'corrective_oss_invoices',
] as const;

/** Tables beside them, by which a person sees whether the others are whole, and whose they are. */
export const companions = [
  'sweeps',
  'entities',
  'client_fingerprints',
  'invoice_fingerprints',
  'corrective_invoice_fingerprints',
  'advance_invoice_fingerprints',
  'final_invoice_fingerprints',
  'margin_invoice_fingerprints',
  'oss_invoice_fingerprints',
  'corrective_oss_invoice_fingerprints',
] as const;

/** The name of the connector that fills a table. */
export function connectorOf(table: string): string {
  return `infakt-${table.replaceAll('_', '-')}`;
}

/** The ready configuration of a table's connector. */
export async function connectorConfig(table: string): Promise<ConnectorConfig> {
  const file = join(projectRoot(), 'deploy', 'connect', `${table.replaceAll('_', '-')}.json`);
  return JSON.parse(await readFile(file, 'utf8')) as ConnectorConfig;
}

/** Starts every part as soon as what it needs is there; leaves nothing running where one of them fails. */
export async function openStack({ companies, schedule, ksef = false, onReady, signal }: StackOptions): Promise<Stack> {
  const beganMs = performance.now();
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const each of undo.splice(0).reverse()) await each().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  const part = async <T extends { readonly stop: () => Promise<unknown> }>(
    name: PartName,
    opening: Promise<T>,
    where: (opened: T) => string,
  ): Promise<T> => {
    const opened = await opening;
    undo.push(() => opened.stop());
    onReady(name, where(opened), performance.now() - beganMs);
    signal.throwIfAborted();
    return opened;
  };

  const kafka = part('Kafka', startKafka(), ({ bootstrap }) => bootstrap).then(({ bootstrap }) => ({
    bootstrap,
    prefix: 'infakt',
    isOurs: true,
    // Stopped as a part already.
    stop: () => Promise.resolve(),
  }));
  const registered = part('Registry', startRegistry(), ({ url }) => url);
  const stored = part(
    'PostgreSQL',
    startPostgres(),
    ({ host, port, version }) => `${host}:${port}, version ${version}`,
  );
  const simulated = part('inFakt API', openApi(companies), ({ url }) => `${url}, simulated`);

  const connecting = Promise.all([kafka, registered, stored]).then(([{ bootstrap }, { apicurioUrl }, postgres]) => {
    return part('Kafka Connect', startConnect({ bootstrap, apicurioUrl, postgres }), ({ url }) => url);
  });
  const serving = Promise.all([kafka, registered, simulated]).then(([broker, { url }, api]) => {
    const settings = {
      registry: { url, autoRegister: true },
      projections: ['invoice-lines', 'corrective-invoice-lines', ...(ksef ? [KSEF] : [])],
    };
    const options = { broker, apiUrl: api.url, companies, schedule, logLevel: 'info', settings };
    return part('infakt-kafka', openService(options), ({ pid }) => `process ${pid}`);
  });
  const parts = [kafka, registered, stored, connecting, simulated, serving] as const;
  try {
    const [broker, registry, postgres, connect, api, service] = await Promise.all(parts);
    // First: two that make the same table at a time are in each other's way.
    await makeViews(postgres);
    const filled = [...tables, ...companions, ...(ksef ? [KSEF] : [])];
    for (const table of filled) {
      await connect.put(connectorOf(table), await connectorConfig(table));
    }
    return { broker, registry, postgres, connect, api, service, filled, stop };
  } catch (error) {
    // What is still on its way up is stopped too.
    await Promise.allSettled(parts);
    await stop();
    throw error;
  }
}
