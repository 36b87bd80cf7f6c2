import { writeFileSync } from 'node:fs';

// Loaded before a program that is measured (`node --require`): leaves behind what it used of the machine.
const file = process.env['BENCH_USAGE_FILE'];
if (file !== undefined) process.on('exit', () => writeFileSync(file, JSON.stringify(process.resourceUsage())));
