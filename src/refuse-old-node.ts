/** What is wrong with a version of Node.js; null = nothing. */
export function oldNodeText(version: string): string | null {
  return Number(version.split('.')[0]) >= 20 ? null : 'infakt-kafka: Node 20 or later is needed, this is ' + version;
}

// Imported before everything else, so that an old Node.js says this and not what it lacks; written so that it can parse this file.
const text = oldNodeText(process.versions.node);
if (text !== null) {
  process.stderr.write(text + '\n');
  process.exit(2);
}
