#!/usr/bin/env node
import './refuse-old-node';

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { isNativeError } from 'node:util/types';

import { didYouMean } from '../config/near-miss';
import { checkCommand } from './commands/check';
import type { Command } from './commands/command';
import { explainCommand } from './commands/explain';
import { initCommand } from './commands/init';
import { usageError, type Io } from './commands/io';
import { onceCommand } from './commands/once';
import { helpText, pageOf } from './commands/page';
import { peekCommand } from './commands/peek';
import { planCommand } from './commands/plan';
import { createQuestions } from './commands/questions';
import { reconcileCommand } from './commands/reconcile';
import { resyncCommand } from './commands/resync';
import { runCommand } from './commands/run';
import { simulateCommand } from './commands/simulate';
import { stateCommand } from './commands/state';
import { waitCommand } from './commands/wait';
import { exitCodeFor, type ConfigError } from './errors';
import { hideWarningOfKafkajs } from './sinks/hide-warning';

const help = `Usage: infakt-kafka [COMMAND] [options]

Change data capture for the inFakt invoicing API: every real change of clients, invoices and corrections, once, as Avro on
Kafka.

Commands
  run           read everything over and over, publish what changed, until stopped (the default)
  once          read everything once, publish what changed, exit
  init          set up one more legal entity: its file, its key's file
  check         look at everything that a run needs, change nothing
  plan          foresee how fresh the topics will be, and what that takes
  peek          print committed records of a topic, decoded
  reconcile     compare the topics with the last finished sweep
  explain       tell all that is known of one document or client
  wait          wait until a sweep covers an instant
  resync        make rows be published again
  state show    print what is remembered: cursors, ledger rows, last complete sweep
  state reset   forget it, so that everything is published again; or remove an entity altogether
  simulate      serve an inFakt API with made-up companies

  help          this text, or that of a command: help once, once --help, once -h
  version       the version, also --version

Exit codes: 0 done, 1 a bug, 2 configuration or usage, 3 something outside (Kafka, the API), 130 or 143 at the second signal.
`;

const commands = new Map<string, Command>([
  ['run', runCommand()],
  ['once', onceCommand()],
  ['init', initCommand],
  ['check', checkCommand],
  ['plan', planCommand],
  ['peek', peekCommand],
  ['reconcile', reconcileCommand],
  ['explain', explainCommand],
  ['wait', waitCommand],
  ['resync', resyncCommand],
  ['state', stateCommand],
  ['simulate', simulateCommand],
]);

const HELP_WORDS = ['help', '--help', '-h'];
const VERSION_WORDS = ['version', '--version', '-v'];
const LINGER_MS = 1_000;

/** Runs one command line; returns the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  try {
    if (name !== undefined && VERSION_WORDS.includes(name)) {
      io.stdout(`${io.version}\n`);
      return 0;
    }
    if (name !== undefined && HELP_WORDS.includes(name)) {
      const about = rest[0] === undefined ? undefined : commands.get(rest[0]);
      if (about !== undefined) return await about(['--help'], io);
      io.stdout(helpText(help));
      return 0;
    }
    const isNamed = name !== undefined && !name.startsWith('-');
    const command = commands.get(isNamed ? name : 'run');
    if (command === undefined) throw unknownCommand(name ?? '');
    return await command(isNamed ? rest : argv, io);
  } catch (error) {
    const usage = isNativeError(error) && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    const code = usage ? 2 : exitCodeFor(error);
    const text = isNativeError(error) ? (code === 1 ? (error.stack ?? error.message) : error.message) : String(error);
    io.stderr(`infakt-kafka: ${usage ? usageText(text) : text}\n`);
    return code;
  }
}

function unknownCommand(name: string): ConfigError {
  const names = [...commands.keys()];
  const near = didYouMean(name, names);
  return usageError(`unknown command "${name}"${near === '' ? `, expected one of ${names.join(', ')}` : near}`);
}

/** What Node.js says of a command line, without its advice on how to pass what no option takes. */
function usageText(text: string): string {
  const said = text.split(/\.(?: |$)/)[0] ?? text;
  return `${said.charAt(0).toLowerCase()}${said.slice(1)}; see --help`;
}

function main(): void {
  hideWarningOfKafkajs();
  const stop = new AbortController();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    stop.abort(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // An error of stdout means that nobody reads it any more, as after `| head`.
  process.stdout.on('error', () => process.exit(141));
  const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
  const io: Io = {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    columns: process.stderr.isTTY ? process.stderr.columns : null,
    page: pageOf(process.stdout, process.env),
    env: process.env,
    stop: stop.signal,
    version,
    questions: createQuestions({
      input: () => process.stdin,
      isTerminal: isatty(0),
      show: (text) => void process.stderr.write(text),
    }),
    replica: `${hostname()}-${process.pid}`,
  };
  void run(process.argv.slice(2), io).then((code) => {
    process.exitCode = code;
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    // kafkajs cannot be made to give up at once: a connection that gets no answer would keep the process for a while.
    setTimeout(() => process.exit(code), LINGER_MS).unref();
  });
}

if (require.main === module) main();
