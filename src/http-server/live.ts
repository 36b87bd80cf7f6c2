import { asError } from '../errors';
import type { Part } from './page-view';
import type { Connection } from './server';

/** What is sent to the readers of the page, and to how many. */
export interface LiveSetting {
  /** The pieces of the page as they are now. */
  readonly parts: () => readonly Part[];
  /** How often it is looked for pieces that have changed, while somebody reads. */
  readonly everyMs: number;
  readonly maxReaders: number;
  /** A reader that takes nothing for so many looks is let go. */
  readonly patience: number;
  /** Told of a bug in what is shown, after which all readers are let go. */
  readonly onFault: (error: Error) => void;
}

/** The readers of `/events`. */
export interface Live {
  /** Answers with events from now on, or with 503 where there are too many readers. */
  answer(request: Request, connection: Connection): Response;
  readonly readers: () => number;
  close(): void;
}

interface Reader {
  readonly cut: () => void;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** The version of each piece that was sent. */
  sent: ReadonlyMap<string, string>;
  /** Looks since it took something. */
  missed: number;
  quiet: number;
}

/** Looks without news after which a reader is sent an empty line, so that both sides know that the other is there. */
const QUIET_LOOKS = 7;
const HEADERS = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' };

/**
 * Sends each reader the pieces that have changed since what it was sent last. One message at most waits for a reader: who is slow gets fewer
 * messages, who takes none is let go, so that no reader costs more memory than one page.
 */
export function createLive(setting: LiveSetting): Live {
  return new LiveReaders(setting);
}

class LiveReaders implements Live {
  readonly #setting: LiveSetting;
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | null = null;
  /** What the last look saw, so that a crowd that comes at once is shown the same; null = nobody reads. */
  #parts: readonly Part[] | null = null;

  constructor(setting: LiveSetting) {
    this.#setting = setting;
  }

  answer(request: Request, { cut }: Connection): Response {
    if (request.method === 'HEAD') return new Response(null, { headers: HEADERS });
    if (this.#readers.size >= this.#setting.maxReaders)
      return new Response('too many readers\n', { status: 503, headers: { 'Retry-After': '30' } });
    let reader: Reader | null = null;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        reader = { cut, controller, sent: new Map(), missed: 0, quiet: 0 };
        this.#readers.add(reader);
        this.#send(reader, this.#parts ?? this.#seen());
      },
      cancel: () => {
        if (reader !== null) this.#forget(reader);
      },
    });
    this.#timer ??= setInterval(() => this.#tryLook(), this.#setting.everyMs);
    return new Response(body, { headers: HEADERS });
  }

  readonly readers = (): number => this.#readers.size;

  close(): void {
    for (const reader of this.#readers) this.#drop(reader);
  }

  /** Nothing that is shown may end the service that shows it. */
  #tryLook(): void {
    try {
      this.#look();
    } catch (error) {
      this.#setting.onFault(asError(error));
      this.close();
    }
  }

  #look(): void {
    const parts = this.#seen();
    for (const reader of this.#readers) {
      const takes = (reader.controller.desiredSize ?? 0) > 0;
      if (takes) this.#send(reader, parts);
      else if (++reader.missed >= this.#setting.patience) this.#drop(reader);
    }
  }

  #seen(): readonly Part[] {
    this.#parts = this.#setting.parts();
    return this.#parts;
  }

  #send(reader: Reader, parts: readonly Part[]): void {
    const { sent } = reader;
    reader.missed = 0;
    const changed = parts.filter(({ name, version }) => sent.get(name) !== version);
    const names = new Set(parts.map(({ name }) => name));
    const gone = [...sent.keys()].filter((name) => !names.has(name));
    if (changed.length === 0 && gone.length === 0) {
      if (++reader.quiet >= QUIET_LOOKS) this.#write(reader, ':\n\n');
      return;
    }
    reader.sent = new Map(parts.map(({ name, version }) => [name, version]));
    // JSON has no line breaks, which would end the event.
    this.#write(reader, `data: ${JSON.stringify({ changed: changed.map(shownOf), gone })}\n\n`);
  }

  #write(reader: Reader, text: string): void {
    reader.quiet = 0;
    reader.controller.enqueue(new TextEncoder().encode(text));
  }

  #drop(reader: Reader): void {
    this.#forget(reader);
    reader.cut();
  }

  #forget(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#parts = null;
  }
}

function shownOf({ name, version, html }: Part): unknown {
  return { name, version, html: html() };
}
