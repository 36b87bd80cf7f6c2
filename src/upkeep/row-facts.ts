import type { Config } from '../../config/config';
import type { Entry } from '../changes/entries';
import type { Query, StreamDeclaration } from '../model';
import { forecast } from '../rules/forecast';
import { isWithin } from '../rules/scope';
import { currentDefinitions, fingerprintsOf } from '../service/codecs';
import { loadSchema } from '../sinks/avro';
import type { Definition } from '../state/state-topic';
import { fingerprintOf, readAsRecord, type AskedRow } from './ask-row';
import { differingFields } from './differing-fields';
import type { ApiAnswer, FoundLetter, Reading, RowFacts } from './explain-row';
import type { NewestRecord } from './find-records';
import { completenessIn, type StreamView } from './remembered';

/** All that was looked at of one row. */
export interface LookedAt {
  readonly config: Config;
  readonly entity: string;
  readonly stream: StreamDeclaration;
  readonly id: number;
  /** Null = nothing is remembered of the stream. */
  readonly view: StreamView | null;
  /** What a sweep of the stream asks for. */
  readonly scope: Query;
  readonly newest: NewestRecord | null;
  readonly letter: FoundLetter | null;
  readonly asked: AskedRow;
  readonly nowMs: number;
}

/** Puts together what is known of a row: what the API says is compared with the record and the ledger. */
export function factsOf(looked: LookedAt): RowFacts {
  const { config, entity, stream, id, view, scope, newest, letter, nowMs } = looked;
  const entry = view?.ledger.entry(id) ?? null;
  const cursors = view?.cursors ?? {};
  const rowsOf = (scan: string): number => cursors[scan]?.totalCount ?? 0;
  const rows = { sweep: view?.ledger.live ?? 0, open: rowsOf('open'), recent: rowsOf('recent') };
  const { schedule, infakt } = config.service;
  const planned = forecast([{ entity, declaration: stream, rows, cursors }], {
    settings: schedule,
    requestsPerMinute: infakt.requestsPerMinute,
    nowMs,
  });
  const reading = readingOf(config, entity, stream.name);
  return {
    id,
    declaration: stream,
    reading,
    entry,
    record: newest?.found ?? null,
    letter,
    api: answerOf(looked, entry),
    scope,
    cursors,
    hold: view?.hold ?? null,
    isPending: view !== null && completenessIn(config, view).pending.includes(id),
    forecasts: reading === 'read' ? planned.forecasts : [],
  };
}

function readingOf({ entities }: Config, entity: string, stream: string): Reading {
  const setting = entities.find(({ id }) => id === entity);
  if (setting === undefined) return 'not-configured';
  if (!setting.enabled) return 'disabled';
  return setting.streams.includes(stream) ? 'read' : 'stream-not-read';
}

function answerOf(looked: LookedAt, entry: Entry | null): ApiAnswer {
  const { asked, entity, stream, newest, config, scope, view } = looked;
  if (asked.kind !== 'row') return asked;
  const { row, how } = asked;
  const inScope = isWithin(stream, scope, row);
  const open = stream.openField === null ? null : (row[stream.openField] ?? '') === '';
  const date = stream.scopeField === null ? null : row[stream.scopeField];
  const told = { kind: 'row', how, inScope, open, date: typeof date === 'string' ? date : null } as const;
  const read = readAsRecord(stream, entity, row);
  if (read.kind === 'refused') return { ...told, reading: read };
  const current = currentDefinitions(config.service).find((definition) => definition.stream === stream.name);
  const fingerprintUnder = fingerprintsOf(loadSchema(stream.schema));
  const under = (definition: Definition | undefined): string | null => {
    const fingerprint = definition === undefined ? undefined : fingerprintUnder(definition);
    return fingerprint === undefined ? null : fingerprintOf(row, fingerprint);
  };
  const differing =
    newest?.value == null ? null : differingFields(newest.value, read.record, current?.volatileFields ?? []);
  const isRemembered = entry !== null && under(view?.definitionOf?.(entry.definition)) === entry.fingerprint;
  const known = [current, ...(view?.definitions ?? []).map((number) => view?.definitionOf?.(number))].map(under);
  const published = newest?.found.fingerprint ?? null;
  return {
    ...told,
    reading: {
      kind: 'fits',
      fingerprint: under(current) ?? '',
      isPublished:
        newest !== null &&
        newest.found.op !== 'd' &&
        // Under any definition: an entry that takes a new one keeps its record, which carries the fingerprint of the one before.
        ((published !== null && known.includes(published)) || differing?.counted.length === 0),
      isRemembered,
      differing,
    },
  };
}
