import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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

interface Line extends Omit<CommittedRecord, 'key' | 'value'> {
  readonly key: string | null;
  readonly value: string | null;
}

/**
 * Reads topics as Kafka's own Java client does, because kafkajs may show aborted records as committed ones.
 *
 * Goes from offset 0 to the end that each partition had at the start; rejects if an open transaction hides a part for
 * longer than `withinSeconds`. Order holds within a partition.
 */
export async function readCommitted(
  bootstrap: string,
  topics: readonly string[],
  { withinSeconds = 30 }: { readonly withinSeconds?: number } = {},
): Promise<CommittedRecord[]> {
  const [java, library] = await Promise.all([findJava(), kafkaLibrary()]);
  const source = join(projectRoot(), 'tools', 'kafka', 'CommittedReader.java');
  const reader = spawn(java, [...javaOptions(library, 512), source, String(withinSeconds), bootstrap, ...topics], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(reader, 'close');
  let complaint = '';
  reader.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));

  const records: CommittedRecord[] = [];
  for await (const text of createInterface({ input: reader.stdout })) records.push(decode(text));
  await ended;
  if (reader.exitCode !== 0) {
    throw new Error(
      `Reading ${topics.join(', ')} at ${bootstrap} with Java: expected exit code 0, got ${reader.exitCode ?? 'a signal'}: ${complaint.slice(-2000)}`,
    );
  }
  return records;
}

function decode(text: string): CommittedRecord {
  const line = JSON.parse(text) as Line;
  return { ...line, key: bytes(line.key), value: bytes(line.value) };
}

function bytes(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64');
}
