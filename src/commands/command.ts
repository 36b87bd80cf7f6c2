import { dirname, join } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isNativeError } from 'node:util/types';

import { didYouMean } from '../../config/near-miss';
import { isObject } from '../json';
import { usageError, type Io } from './io';
import { helpText } from './page';

/** A command of the program: takes what follows its name on the command line, returns the exit code. */
export type Command = (argv: readonly string[], io: Io) => Promise<number>;

type Options = NonNullable<ParseArgsConfig['options']>;

interface Parsing<Taken extends Options> {
  readonly args: string[];
  readonly options: Taken;
  readonly allowPositionals: boolean;
}

/** The values of a command's options, as the command line gave them. */
export type Values<Taken extends Options> = ReturnType<typeof parseArgs<Parsing<Taken>>>['values'];

/** What a command is made of. */
export interface Declaration<Taken extends Options> {
  /** Printed on stdout for `--help`, which every command has. */
  readonly help: string;
  readonly options: Taken;
  /** Whether words beside the options are taken. */
  readonly takesWords?: boolean;
  /** Does what the command is for; returns the exit code. */
  readonly run: (values: Values<Taken>, io: Io, words: readonly string[]) => Promise<number>;
}

/** Makes a command: an option that is not declared is refused by `parseArgs`, `--help` is answered, everything else is `run`. */
export function command<Taken extends Options>(declaration: Declaration<Taken>): Command {
  const { help, options, takesWords = false, run } = declaration;
  return async (argv, io) => {
    const { values, positionals } = inOurWords(options, () =>
      parseArgs<Parsing<Taken>>({
        args: [...argv],
        options: { ...options, ...besideServiceFile(argv, options) },
        allowPositionals: takesWords,
      }),
    );
    if (isObject(values) && values['help'] === true) {
      io.stdout(helpText(help));
      return 0;
    }
    return run(values, io, positionals);
  };
}

/** The folder of the entities is the one beside the service file, unless it is named. */
function besideServiceFile(argv: readonly string[], { config, entities }: Options): Options {
  if (config === undefined || entities === undefined) return {};
  const { values } = parseArgs({ args: [...argv], options: { config }, strict: false });
  const file = values['config'];
  return typeof file === 'string' ? { entities: { ...entities, default: join(dirname(file), 'entities') } } : {};
}

/** Runs `parseArgs`; what it refuses is a usage error that says so in this program's words, with the option that was meant. */
function inOurWords<T>(options: Options, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isNativeError(error) || !('code' in error)) throw error;
    const [, name = ''] = /'(?:-\w, )?(-{0,2}[^'\s=]*)/.exec(error.message) ?? [];
    switch (error.code) {
      case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
        const known = Object.keys(options).map((option) => `--${option}`);
        throw usageError(`unknown option ${name}${didYouMean(name, known)}`);
      }
      case 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL':
        throw usageError(`expected options only, got the word "${name}"`);
      case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
        throw usageError(
          error.message.includes('does not take')
            ? `${name} takes no value, got one`
            : `${name} expects a value, got none`,
        );
      default:
        throw error;
    }
  }
}
