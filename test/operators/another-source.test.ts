import { concatMap, defer, EMPTY, expand, filter, lastValueFrom, map, type Observable, of, tap, toArray } from 'rxjs';

import {
  type CreditedPage,
  fullJitter,
  parkOnFailure,
  reopenWhenLost,
  retryWithBackoff,
  trackCursor,
  whenAborted,
} from '../../src/operators/index';
import { cleanUp } from '../support/kafka';
import { type HttpServer, json, type Reaction, startHttpServer } from '../support/http-server';

/*
 * A library's list of books, three a page: GET /books?after=4 answers { books: [5, 6, 7], last: false }. It is not inFakt: another paging,
 * errors of its own, a store that is not Kafka.
 */

interface Shelf {
  readonly books: readonly number[];
  readonly last: boolean;
}

/** An answer that is no page. */
class Refusal extends Error {
  constructor(readonly status: number) {
    super(`GET /books expected 200, got ${status}`);
  }
}

const isBusy = (error: unknown): boolean => error instanceof Refusal && error.status === 503;
const isClosed = (error: unknown): error is Refusal => error instanceof Refusal && error.status === 403;

function isShelf(value: unknown): value is Shelf {
  return (
    typeof value === 'object' && value !== null && 'books' in value && Array.isArray(value.books) && 'last' in value
  );
}

/** One page of the list. */
function shelf(url: string, after: number): Observable<Shelf> {
  return defer(async () => {
    const response = await fetch(`${url}/books?after=${after}`);
    if (!response.ok) throw new Refusal(response.status);
    const body: unknown = await response.json();
    if (!isShelf(body)) throw new Error('GET /books expected a shelf, got something else');
    return body;
  });
}

/** Every page from a cursor on. */
function shelves(url: string, after: number): Observable<CreditedPage<Shelf>> {
  const waitMs = fullJitter({ firstMs: 2, maxMs: 8, random: () => 0.5 });
  const read = (from: number): Observable<Shelf> =>
    shelf(url, from).pipe(retryWithBackoff({ attempts: 3, waitMs: (_error, retry) => waitMs(retry), mayPass: isBusy }));
  return read(after).pipe(
    expand((page) => (page.last ? EMPTY : read(page.books.at(-1) ?? after)), 1),
    map((page) => ({ page, release: () => undefined })),
  );
}

/** A store that keeps books and, with them, how far the list was read. */
function createStore(breaks: (book: number) => boolean = () => false) {
  const kept: number[] = [];
  let cursor = 0;
  let lost = false;
  return {
    reopen: () => {
      lost = false;
    },
    kept,
    cursor: () => cursor,
    /** Pages are stored one after the other; a later one is never stored without an earlier one. */
    store: (() => {
      let storing: Promise<unknown> = Promise.resolve();
      return ({ books }: Shelf): Promise<number> => {
        const stored = storing.then(() => {
          if (books.some(breaks)) lost = true;
          if (lost) throw new Error('the store was lost');
          kept.push(...books);
          cursor = books.at(-1) ?? cursor;
          return cursor;
        });
        storing = stored.catch(() => undefined);
        return stored;
      };
    })(),
  };
}

const page = (books: readonly number[], last = false): Reaction => json(200, { books, last });
const refuse = (status: number): Reaction => json(status, { error: 'not now' });

/** Answers truly, of a library of so many books. */
function byCursor(books: number): Reaction {
  return (request, response) => {
    const after = Number(request.url?.replace('/books?after=', ''));
    const shown = [1, 2, 3].map((step) => after + step).filter((book) => book <= books);
    page(shown, (shown.at(-1) ?? books) === books)(request, response);
  };
}

async function library(...reactions: readonly [Reaction, ...Reaction[]]): Promise<HttpServer> {
  const server = await startHttpServer();
  cleanUp(() => server.close());
  server.react(...reactions);
  return server;
}

const asked = ({ requests }: HttpServer): string[] => requests.map(({ url }) => url.replace('/books?after=', ''));

test('a list is read to its end through answers of 503, and the cursors of its pages come out in order', async () => {
  const server = await library(page([1, 2, 3]), refuse(503), refuse(503), page([4, 5, 6]), page([7], true));
  const { store, kept } = createStore();
  const cursors = shelves(server.url, 0).pipe(trackCursor({ commit: store }), toArray());
  expect(await lastValueFrom(cursors)).toEqual([3, 6, 7]);
  expect(kept).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(asked(server)).toEqual(['0', '3', '3', '3', '6']);
});

test('a list that is closed for a while is parked and read on from its cursor, each book once', async () => {
  const server = await library(page([1, 2, 3]), refuse(403), page([4, 5, 6], true));
  const { store, kept, cursor } = createStore();
  const events = defer(() => shelves(server.url, cursor())).pipe(
    trackCursor({ commit: store }),
    parkOnFailure({
      parks: isClosed,
      waitMs: (_error, failures) => (failures < 3 ? 1 : null),
      until: whenAborted(new AbortController().signal),
    }),
    map((event) => (event.kind === 'value' ? event.value : event.kind)),
    toArray(),
  );
  expect(await lastValueFrom(events)).toEqual([3, 'parked', 'retrying', 6]);
  expect(kept).toEqual([1, 2, 3, 4, 5, 6]);
  expect(asked(server)).toEqual(['0', '3', '3']);
});

test('a store that is lost is opened again, and what was not stored is read again', async () => {
  const server = await library(byCursor(8));
  let breaks = true;
  const { store, kept, cursor, reopen } = createStore((book) => breaks && book === 5);
  const events = defer(() => shelves(server.url, cursor())).pipe(
    trackCursor({ commit: store }),
    reopenWhenLost({
      lossOf: (error) => (error instanceof Error && error.message === 'the store was lost' ? 'store' : null),
      waitMs: () => 1,
      isProgress: () => true,
      ready: () => {
        breaks = false;
        reopen();
        return EMPTY;
      },
      until: whenAborted(new AbortController().signal),
    }),
    concatMap((event) => (event.kind === 'value' ? of(event.value) : of(event.kind))),
    toArray(),
  );
  expect(await lastValueFrom(events)).toEqual([3, 'lost', 6, 8]);
  expect(kept).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a parked list is not waited for once it is stopped', async () => {
  const server = await library(page([1, 2, 3]), refuse(403));
  const stop = new AbortController();
  const { store, kept } = createStore();
  const events = shelves(server.url, 0).pipe(
    trackCursor({ commit: store }),
    parkOnFailure({ parks: isClosed, waitMs: () => 3_600_000, until: whenAborted(stop.signal) }),
    tap(({ kind }) => {
      if (kind === 'parked') queueMicrotask(() => stop.abort());
    }),
    filter(({ kind }) => kind !== 'value'),
    map(({ kind }) => kind),
    toArray(),
  );
  expect(await lastValueFrom(events)).toEqual(['parked']);
  expect(kept).toEqual([1, 2, 3]);
});
