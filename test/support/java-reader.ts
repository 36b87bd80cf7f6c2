import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { findJava, projectRoot } from '../../tools/java';
import { javaOptions, kafkaLibrary } from '../../tools/kafka';

/** A record as a read_committed reader sees it. */
export interface CommittedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

interface RecordLine extends Omit<CommittedRecord, 'key' | 'value'> {
  readonly key: string | null;
  readonly value: string | null;
}

/** What the program prints: the records of a reading, then why they are not all, or null. */
type Line = RecordLine | { readonly end: string | null };

/** A Java program that does one reading after the other; starting it takes longer than most readings. */
interface ReaderProcess {
  /** Resolves with the records, and why they are not all. */
  readonly read: (
    request: string,
  ) => Promise<{ readonly records: CommittedRecord[]; readonly complaint: string | null }>;
  readonly stop: () => Promise<void>;
}

const run = promisify(execFile);
const processes: ReaderProcess[] = [];
/** Those of them that read nothing now. */
const idle: ReaderProcess[] = [];

afterAll(async () => {
  await Promise.all(processes.splice(0).map((reader) => reader.stop()));
});

/**
 * Reads topics as Kafka's own Java client does, because kafkajs may show aborted records as committed ones.
 *
 * Goes from offset 0 to the end that each partition had at the start; rejects if an open transaction hides a part for
 * longer than `withinSeconds`. Order holds within a partition.
 */
export async function readCommitted(
  bootstrap: string,
  topics: readonly string[],
  { withinSeconds = 120 }: { readonly withinSeconds?: number } = {},
): Promise<CommittedRecord[]> {
  const reader = idle.pop() ?? (await startReader());
  const { records, complaint } = await reader.read([String(withinSeconds), bootstrap, ...topics].join('\t'));
  idle.push(reader);
  if (complaint !== null) {
    throw new Error(
      `Reading ${topics.join(', ')} at ${bootstrap} with Java: expected all committed records, got: ${complaint}`,
    );
  }
  return records;
}

async function startReader(): Promise<ReaderProcess> {
  const [java, library] = await Promise.all([findJava(), kafkaLibrary()]);
  const classes = await compileReader(java, library);
  const program = ['-cp', `${join(library, '*')}:${classes}`, 'CommittedReader'];
  const child = spawn(java, [...javaOptions(library, 512), ...program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // Its end, which follows, says more.
  child.stdin.on('error', () => undefined);
  const output = createInterface({ input: child.stdout });
  const lines = output[Symbol.asyncIterator]();

  const reader: ReaderProcess = {
    read: async (request) => {
      child.stdin.write(`${request}\n`);
      const records: CommittedRecord[] = [];
      for (;;) {
        const next: IteratorResult<string, unknown> = await lines.next();
        if (next.done === true) {
          await ended;
          throw new Error(
            `Reading with Java: expected an answer, got exit code ${child.exitCode ?? 'none'}: ${stderr.slice(-2000)}`,
          );
        }
        const line = JSON.parse(next.value) as Line;
        if ('end' in line) return { records, complaint: line.end };
        records.push({ ...line, key: bytes(line.key), value: bytes(line.value) });
      }
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  processes.push(reader);
  return reader;
}

/** The folder with the reader's classes, compiled once for each version of its source and of Kafka. */
async function compileReader(java: string, library: string): Promise<string> {
  const source = join(projectRoot(), 'tools', 'kafka', 'CommittedReader.java');
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 12);
  const folder = `${library}-reader-${hash}`;
  if (existsSync(folder)) return folder;
  const javac = java === 'java' ? 'javac' : join(dirname(java), 'javac');
  const part = await mkdtemp(`${folder}.part-`);
  try {
    await run(javac, ['-d', part, '-cp', join(library, '*'), source]);
    // Where another worker was faster, its folder is as good.
    await rename(part, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

function bytes(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64');
}
