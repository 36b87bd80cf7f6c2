/** Keeps quiet about timers that kafkajs sets into the past, of which newer versions of Node.js warn between the lines of the log. */
export function hideWarningOfKafkajs(): void {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'TimeoutNegativeWarning') return;
    for (const print of printers) print(warning);
  });
}
