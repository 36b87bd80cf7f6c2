import { isObject, type JsonObject } from '../../simulator/rows';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/server';

/** The two entities that most tests are about. */
export const entities = [
  { key: 'key-a', name: 'Alfa Sp. z o.o.', nip: '5252344078', clients: 40, invoices: 450 },
  { key: 'key-b', name: 'Żubr S.A.', nip: '7010001454', clients: 15, invoices: 120 },
];

/** Runs the work against a simulator of its own, which is stopped afterwards. */
export async function withSimulator(
  options: Partial<SimulatorOptions>,
  work: (simulator: Simulator) => Promise<void>,
): Promise<void> {
  const simulator = await startSimulator({ entities, today: '2026-03-31', ...options });
  try {
    await work(simulator);
  } finally {
    await simulator.stop();
  }
}

/** Stands for any text where a whole value is compared. */
export const anyText: unknown = expect.any(String);

/** A promise that the test settles. */
export function signal(): { readonly promise: Promise<void>; readonly give: () => void } {
  let give = () => {};
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give: () => give() };
}

/** The texts of one field, rows without one left out. */
export function texts(rows: readonly JsonObject[], field: string): string[] {
  return rows.map((row) => row[field]).filter((value) => typeof value === 'string');
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One GET of the API with the key of the first entity, unless told otherwise. */
export async function ask(
  { url }: Simulator,
  path: string,
  { key = 'key-a', method = 'GET', base = '/api/v3/' }: { key?: string; method?: string; base?: string } = {},
): Promise<Reply> {
  const headers = key === '' ? {} : { 'X-inFakt-ApiKey': key };
  const response = await fetch(url + base + path, { method, headers, redirect: 'manual' });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** One call of the admin interface over HTTP. */
export async function tell(
  { url }: Simulator,
  call: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const [method = 'GET', path = ''] = call.split(' ');
  const response = await fetch(`${url}/__admin/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
}

export function objectOf(json: unknown): JsonObject {
  if (!isObject(json)) throw new TypeError(`expected an object, got ${JSON.stringify(json)}`);
  return json;
}

export interface List {
  readonly metainfo: JsonObject;
  readonly rows: readonly JsonObject[];
  readonly ids: readonly unknown[];
}

/** One page, its envelope checked. */
export async function list(simulator: Simulator, path: string, key = 'key-a'): Promise<List> {
  const { status, text } = await ask(simulator, path, { key });
  if (status !== 200) throw new Error(`expected a list at ${path}, got ${status} ${text}`);
  const { metainfo, entities: found } = objectOf(JSON.parse(text));
  if (!Array.isArray(found)) throw new TypeError('entities is no array');
  const rows = found.map(objectOf);
  return { metainfo: objectOf(metainfo), rows, ids: rows.map(({ id }) => id) };
}

/** All rows of a list in the order of their ids. */
export async function everything(simulator: Simulator, path: string, key = 'key-a'): Promise<readonly JsonObject[]> {
  const all: JsonObject[] = [];
  for (;;) {
    const separator = path.includes('?') ? '&' : '?';
    const page = await list(simulator, `${path}${separator}limit=100&order=id+asc&offset=${all.length}`, key);
    all.push(...page.rows);
    if (page.rows.length < 100) return all;
  }
}
