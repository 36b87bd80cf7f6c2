import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

import { ConfigError } from '../errors';

/** What a person, or a pipe, is asked for. */
export interface Questions {
  /** Whether somebody sits there: of a pipe nothing but its lines can be had. */
  readonly isTerminal: boolean;
  /** The next line; a question is shown only to a person, and `hidden` shows nothing of what is typed. */
  readonly ask: (question: string, how?: { readonly hidden: boolean }) => Promise<string>;
  readonly close: () => void;
}

/** Where lines come from, and where a person reads the questions. */
export interface QuestionStreams {
  readonly input: () => NodeJS.ReadableStream;
  readonly isTerminal: boolean;
  readonly show: (text: string) => void;
}

/** Begins to read lines when the first question is asked. */
export function createQuestions({ input, isTerminal, show }: QuestionStreams): Questions {
  let hidden = false;
  let lines: { readonly reader: Interface; readonly next: () => Promise<string> } | null = null;
  // readline echoes what is typed to this stream and nowhere else.
  const echo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!hidden) show(chunk.toString());
      done();
    },
  });
  return {
    isTerminal,
    async ask(question, how = { hidden: false }) {
      if (isTerminal) show(question);
      hidden = how.hidden;
      lines ??= linesOf(
        createInterface({ input: input(), ...(isTerminal ? { output: echo } : {}), terminal: isTerminal }),
      );
      try {
        return await lines.next();
      } finally {
        if (hidden && isTerminal) show('\n');
        hidden = false;
      }
    },
    close: () => lines?.reader.close(),
  };
}

/** The lines of a reader, one for each call, also those that came before they were asked for. */
function linesOf(reader: Interface) {
  const waiting: string[] = [];
  let give: ((line: string) => void) | null = null;
  let end: ((error: ConfigError) => void) | null = null;
  let over: ConfigError | null = null;
  const finish = (message: string): void => {
    over ??= new ConfigError(message);
    end?.(over);
  };
  reader.on('line', (line) => {
    if (give === null) waiting.push(line);
    else give(line);
    [give, end] = [null, null];
  });
  reader.on('close', () => finish('expected an answer on stdin, got its end'));
  reader.on('SIGINT', () => {
    finish('stopped before anything was written');
    reader.close();
  });
  return {
    reader,
    next: (): Promise<string> =>
      new Promise((resolve, reject) => {
        const line = waiting.shift();
        if (line !== undefined) resolve(line);
        else if (over !== null) reject(over);
        else [give, end] = [resolve, reject];
      }),
  };
}
