import type { Page, Row } from '../model';
import { concernsKsef, ksefRowOf, shownOfKsef, standingOf } from '../rules/ksef';
import type { PageResult, PageToCommit } from '../shard/page-changes';
import { ksefOf, liveOf, type KsefReading, type ListedKsef, type StreamReading } from './stream-reading';

/** Has a document read at once of which a webhook says that KSeF has answered. */
export function hurryKsef(reading: StreamReading, id: number): void {
  const watch = liveOf(reading)?.ksef ?? null;
  watch?.schedule.answered(id, reading.shard.now());
  watch?.shown.next();
}

/**
 * Gives a page to the shard as `Session.add` does, and notes which of its documents KSeF concerns and what their rows show of KSeF: a row with
 * data of its own needs no other request.
 */
export function addWatched(reading: StreamReading, toCommit: PageToCommit): Promise<PageResult> {
  const { session } = reading;
  const ksef = ksefOf(reading);
  if (ksef === null) return session.add(toCommit);
  const seen = lookAt(reading, ksef, toCommit.page.rows);
  const listed = takeListed(ksef, seen.listed, toCommit.page);
  // Not the page itself, whose rows would be kept until it is durable.
  const note = (done: PageResult): void => {
    noteSeen(reading, ksef, seen, done);
    if (ksef.watch.listed.observed) ksef.watch.listed.next(listed);
    else letGo(listed);
    if (seen.concerned.size > 0) ksef.watch.shown.next();
  };
  return session.add({ ...toCommit, shownFinal: seen.shownFinal }).then(
    (done) => {
      note(done);
      return done;
    },
    (error: unknown) => {
      letGo(listed);
      throw error;
    },
  );
}

/** Keeps from being read what rows show; of later requests meanwhile, what they show is the newer. */
function takeListed(
  { watch: { schedule, shown }, handle }: KsefReading,
  rows: readonly Row[],
  { began, ended }: Pick<Page, 'began' | 'ended'>,
): readonly ListedKsef[] {
  if (rows.length === 0) return [];
  const close = handle.requested(began);
  let waiting = rows.length;
  return rows.map((row) => {
    schedule.hold(row.id);
    const done = (): void => {
      schedule.release(row.id);
      waiting -= 1;
      if (waiting > 0) return;
      close();
      shown.next();
    };
    return { row, began, ended, done };
  });
}

function letGo(listed: readonly ListedKsef[]): void {
  for (const { done } of listed) done();
}

/** Takes down when the documents of a page are to be read, now that it is committed. */
function noteSeen(
  { shard }: StreamReading,
  { watch: { schedule }, handle }: KsefReading,
  { concerned, shownFinal, open, numbered }: Omit<SeenOfKsef, 'listed'>,
  { changed, edited }: PageResult,
): void {
  const nowMs = shard.now();
  const isFinal = (id: number): boolean => shownFinal.has(id) && handle.following(id) === 'final';
  const ids = [...changed.map(({ id }) => id), ...edited.map(({ row }) => row.id)];
  for (const id of ids) if (concerned.has(id) && !isFinal(id)) schedule.changed(id, nowMs);
  for (const { id, day } of open) schedule.shown(id, day, handle.following(id), nowMs);
  for (const id of numbered) schedule.hurry(id, nowMs);
}

/** What the rows of a page show of KSeF. */
interface SeenOfKsef {
  /** Documents that KSeF concerns. */
  readonly concerned: ReadonlySet<number>;
  /** Of these, those whose row has the number. */
  readonly shownFinal: ReadonlySet<number>;
  /** Of these, those that have no final state yet and are not given up, with their days. */
  readonly open: readonly { readonly id: number; readonly day: string }[];
  /** What is to be published of the open ones. */
  readonly listed: readonly Row[];
  /** Open documents whose row has the number and nothing else, although more of them was published: the detail has all of it. */
  readonly numbered: readonly number[];
}

function lookAt({ place }: StreamReading, { watch, handle }: KsefReading, rows: readonly Row[]): SeenOfKsef {
  const concerned = new Set<number>();
  const shownFinal = new Set<number>();
  const open: { readonly id: number; readonly day: string }[] = [];
  const listed: Row[] = [];
  const numbered: number[] = [];
  for (const row of rows) {
    if (!concernsKsef(row, watch.from)) continue;
    concerned.add(row.id);
    const shown = shownOfKsef(row);
    const isShown = shown === 'whole' || shown === 'number';
    const told = isShown ? ksefRowOf(place.stream, row, 'list') : null;
    if (told !== null && standingOf(told) === 'cleared') shownFinal.add(row.id);
    const known = handle.following(row.id);
    if (known === 'given-up' || known === 'final') continue;
    open.push({ id: row.id, day: String(row['invoice_date']) });
    if (told === null) continue;
    if (shown === 'whole' || handle.entry(row.id) === null) listed.push(told);
    else numbered.push(row.id);
  }
  return { concerned, shownFinal, open, listed, numbered };
}
