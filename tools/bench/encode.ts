import { startSimulator } from '../../simulator/server';
import type { Row } from '../../src/model';
import { createEncoder, loadSchema } from '../../src/sinks/avro';
import { confluent, singleObject, type Framing } from '../../src/sinks/framing';
import { createDecoder } from '../../src/changes/decode';
import { invoices } from '../../src/sources/streams/invoices';
import { fixed, spread, surroundings, table } from './tables';

const PAGES = 10;
const KEY = 'bench';

/** What the ledger knows of a row before its record is made. */
const CARRIED = { fingerprint: '0123456789abcdef', fingerprint_definition: 1 };

/**
 * What one record costs to be made of a row, in both framings: normalised, encoded with its key, and how long it is; beside that the same
 * without the row's fingerprint in the value.
 */
export async function encode({ runs, rows }: { readonly runs: number; readonly rows: number }): Promise<string> {
  const page = await pageOfRows();
  const text = loadSchema(invoices.schema);
  const keyText = loadSchema(`${invoices.schema}-key`);
  const topic = `${KEY}.${invoices.name}`;
  const ids = new Map([
    [`${topic}-key`, 1],
    [`${topic}-value`, 2],
  ]);
  const decode = createDecoder(text);
  const of = (framing: Framing, carried: object) => {
    const value = createEncoder(text, { prefix: framing.prefix(`${topic}-value`, text) });
    const key = createEncoder(keyText, { prefix: framing.prefix(`${topic}-key`, keyText) });
    return () => {
      let bytes = 0;
      const started = performance.now();
      for (let n = 0; n < rows; n++) {
        const row = page[n % page.length];
        if (row === undefined) break;
        const { record } = decode(row, 'alfa', 0);
        const keyBytes = key.encode({ entity: 'alfa', id: row.id }).length;
        bytes += keyBytes + value.encode(Object.assign(record, carried)).length;
      }
      return { microseconds: ((performance.now() - started) * 1_000) / rows, bytes: bytes / rows };
    };
  };
  const framings = [
    { name: 'without a registry (single-object encoding)', measure: of(singleObject, CARRIED) },
    { name: 'without a registry, no fingerprint in the value', measure: of(singleObject, {}) },
    { name: "with a registry (Confluent's wire format)", measure: of(confluent(ids), CARRIED) },
    { name: 'with a registry, no fingerprint in the value', measure: of(confluent(ids), {}) },
  ].map((framing) => ({ ...framing, taken: [framing.measure()].slice(1) }));
  for (let run = 0; run < runs; run++) for (const { measure, taken } of framings) taken.push(measure());
  return (
    surroundings() +
    table([
      ['framing', 'µs a record', 'bytes a record, key and value'],
      ...framings.map(({ name, taken }) => [
        name,
        spread(
          taken.map(({ microseconds }) => microseconds),
          1,
        ),
        fixed(taken[0]?.bytes ?? NaN),
      ]),
    ])
  );
}

async function pageOfRows(): Promise<readonly Row[]> {
  const simulator = await startSimulator({
    entities: [{ key: KEY, name: 'Bench', nip: '1111111111', clients: 10, invoices: PAGES * 100, seed: 1 }],
  });
  try {
    const { ids } = simulator.admin.truth()[KEY]?.invoices ?? { ids: [] };
    return ids.map((id) => simulator.admin.row(KEY, 'invoices', id) as Row);
  } finally {
    await simulator.stop();
  }
}
