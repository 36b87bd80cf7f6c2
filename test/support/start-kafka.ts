import { archiveClasses, type KafkaCluster, startKafka } from '../../tools/kafka';

declare global {
  var kafkaForTests: KafkaCluster | undefined;
}

/** Before the first project that needs Kafka: the broker of KAFKA_BROKERS, or one of our own under that name. */
export default async function setUp(): Promise<void> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined && given !== '') return;
  await archiveClasses();
  globalThis.kafkaForTests = await startKafka();
  process.env['KAFKA_BROKERS'] = globalThis.kafkaForTests.bootstrap;
}
