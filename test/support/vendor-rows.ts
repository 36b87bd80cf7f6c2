import type { OutgoingRecord } from '../../src/sinks/transaction';
import type { StreamDeclaration } from '../../src/model';
import { judge, startPosition } from '../../src/rules/paging';
import { walkOf } from '../../src/rules/cursor';
import { createCodecs, type Codecs } from '../../src/service/codecs';
import { Memory } from '../../src/shard/memory';
import { changesOf, type PageToCommit } from '../../src/shard/page-changes';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { singleObject } from '../../src/sinks/framing';
import type { Topics } from '../../src/sinks/topics';
import { createMemoryKafka, memoryShard } from './memory';
import { cursorAtStart, wholePage } from './pages';

// Rows as the vendor's server sends them, and the records that the real schemas make of them.

const topic = (name: string) => ({ name, partitions: 1, maxMessageBytes: 1_000_000 });

function topicsOf({ name, projection }: StreamDeclaration): Topics {
  const names = projection === null ? [name] : [name, projection.name];
  return {
    data: new Map(names.map((each) => [each, topic(each)])),
    sweeps: topic('sweeps'),
    entities: topic('entities'),
    deadLetters: topic('dead-letters'),
    state: topic('state'),
    status: topic('status'),
    highWatermarks: new Map(),
    warnings: [],
  };
}

/** A record as a consumer sees it; a dead letter's value is its JSON text. */
export interface Consumed {
  readonly topic: string;
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: OutgoingRecord['headers'];
}

const read = createSingleObjectDecoder();
const compiled = new Map<string, Codecs>();

/** Compiled once for all streams of a test, as the schemas are large. */
function codecsOf(declaration: StreamDeclaration, topics: Topics, projections: readonly string[]): Codecs {
  const name = [declaration.name, ...projections].join(' ');
  const codecs = compiled.get(name) ?? createCodecs({ projections, volatileFields: [] }, topics, singleObject);
  compiled.set(name, codecs);
  return codecs;
}

/** One stream of the entity `alfa`, whose pages are compared with what it published before. */
export function createVendorStream(
  declaration: StreamDeclaration,
  { projected = false, driftFinders = new Map<string, string>() } = {},
) {
  const topics = topicsOf(declaration);
  const projections = projected && declaration.projection !== null ? [declaration.projection.name] : [];
  const codecs = codecsOf(declaration, topics, projections);
  const options = {
    ...memoryShard(createMemoryKafka(), []),
    streams: [{ entity: 'alfa', codec: codecs.streamCodec(declaration) }],
    deadLetters: topics.deadLetters,
    laps: codecs.sweeps,
    driftFinders,
  };
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  const state = memory.streamOf('alfa', declaration.name);
  state.walks.set('sweep', walkOf(cursorAtStart()));
  let began = 1;

  return {
    state,
    /** What one page with these rows comes to, and the records that a consumer of the topics then has. */
    shows(rows: readonly unknown[], toCommit: Partial<PageToCommit> = {}, refused = 0) {
      const verdict = judge(
        startPosition(),
        { rows, totalCount: rows.length, began, ended: began + 1 },
        { limit: 1000, order: 'asc' },
      );
      if (verdict.kind !== 'proved') throw new Error('the rows are no page');
      const page = wholePage(verdict.rows, { strays: verdict.strays, began, ended: began + 1 });
      began += 2;
      const context = {
        memory,
        options,
        partial: true,
        oldestOpen: Infinity,
        wasRefused: ({ id }: { readonly id: number }) => id === refused,
      };
      const changes = changesOf(context, state, {
        entity: 'alfa',
        stream: declaration.name,
        scan: 'sweep',
        page,
        ...toCommit,
      });
      return { ...changes, consumed: changes.records.map(consumedOf) };
    },
  };
}

function consumedOf({ topic: name, key, value, headers }: OutgoingRecord): Consumed {
  const text = name === 'dead-letters';
  return {
    topic: name,
    key: key === null ? null : read(key),
    value: value === null ? null : text ? value.toString() : read(value),
    headers,
  };
}
