/** After the last project that needs Kafka: stops the broker if it is our own. */
export default async function tearDown(): Promise<void> {
  await globalThis.kafkaForTests?.stop();
  if (globalThis.kafkaForTests !== undefined) delete process.env['KAFKA_BROKERS'];
  globalThis.kafkaForTests = undefined;
}
