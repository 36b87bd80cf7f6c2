import { writeFileSync } from 'node:fs';

const SAMPLE_MS = 1;

// Loaded before a program that is measured (`node --require`): leaves behind what it used of the machine, and the longest time for which
// the program let nothing else happen. A busy machine takes the processor away at times, so processor time counts where it is less.
const file = process.env['BENCH_USAGE_FILE'];
if (file !== undefined) {
  let longestBlockMs = 0;
  let beforeMs = performance.now();
  let before = process.cpuUsage();
  const sample = (): void => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(before);
    longestBlockMs = Math.max(longestBlockMs, Math.min(nowMs - beforeMs, (user + system) / 1_000));
    beforeMs = performance.now();
    before = process.cpuUsage();
  };
  // The loading of the modules, which comes before the first turn of the loop, is not counted.
  setImmediate(() => {
    beforeMs = performance.now();
    before = process.cpuUsage();
    setInterval(sample, SAMPLE_MS).unref();
  });
  process.on('exit', () => writeFileSync(file, JSON.stringify({ ...process.resourceUsage(), longestBlockMs })));
}
