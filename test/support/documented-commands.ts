import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One command as a page of the documentation has it. */
export interface DocumentedCommand {
  /** The page, from the root of the repository. */
  readonly page: string;
  /** Its words, without variables in front, quotes and redirections. */
  readonly words: readonly string[];
  /** In a block of its own, and not within a sentence. */
  readonly inBlock: boolean;
}

/** The pages that people read, from the root of the repository. */
export function pagesOf(root: string): readonly string[] {
  const folders = ['.', 'docs', 'examples', 'examples/dashboard'];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
      .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
  );
}

/**
 * The commands of a page: of its `sh` blocks, of blocks without a language that begin with one of the programs, and in sentences those of this
 * program and of `npm run`. A sentence may leave out the program's name before one of its commands where an option follows.
 */
export function commandsIn(
  root: string,
  page: string,
  { isProgram, commands }: { readonly isProgram: (word: string) => boolean; readonly commands: readonly string[] },
): readonly DocumentedCommand[] {
  const text = readFileSync(join(root, page), 'utf8');
  const fence = /^( *)```(\w*)\n([\s\S]*?)^ *```/gm;
  const blocks = [...text.matchAll(fence)].flatMap(([, , language = '', body = '']) => {
    const found = inShell(body);
    const [first = ''] = found[0] ?? [];
    return language === 'sh' || (language === '' && isProgram(first)) ? found : [];
  });
  const sentences = [...text.replace(fence, '').matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => {
    const own = new RegExp(`^(?:${commands.join('|')}) (?:\\w+ )?--[\\w-]`).test(code);
    const whole = own ? `infakt-kafka ${code}` : code;
    return /^(?:npx )?infakt-kafka [\w-]|^npm run \w/.test(whole) ? inShell(whole.replace(/\s+/g, ' ')) : [];
  });
  return [
    ...blocks.map((words) => ({ page, words, inBlock: true })),
    ...sentences.map((words) => ({ page, words, inBlock: false })),
  ];
}

/** The simple commands of a piece of shell, in their order. */
function inShell(text: string): readonly (readonly string[])[] {
  const joined = text.replace(/\\\n\s*/g, ' ');
  const tokens = joined.matchAll(
    /\d?>{1,2}&?\s*\S+|(?<quoted>(?:[^\s'"|&;#]|'[^']*'|"[^"]*")+)|(?<comment>#.*)|(?<end>\n|&&|\|\|?|&|;)|\s/g,
  );
  const found: string[][] = [[]];
  for (const { groups } of tokens) {
    if (groups?.['quoted'] !== undefined) found.at(-1)?.push(groups['quoted'].replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
    else if (groups?.['end'] !== undefined) found.push([]);
  }
  return found.map(simple).filter(({ length }) => length > 0);
}

/** Without variables in front and words of the shell's own. */
function simple(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^\w+=|^(?:then|do|export|npx)$/.test(word));
  return first < 0 ? [] : words.slice(first);
}
