import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Options of `git init` that are known here. */
const KNOWN = /^(--bare|--object-format=(sha1|sha256)|--initial-branch=[\w./-]+)$/;

/**
 * Writes what `git init` writes, but for hooks that do nothing, without starting a process: tests make some thousand repositories.
 * @returns false, and has done nothing, when an option is not known or there is a repository already
 */
export function writeEmptyRepository(folder: string, options: readonly string[]): boolean {
  const bare = options.includes('--bare');
  const top = bare ? folder : join(folder, '.git');
  if (!options.every((option) => KNOWN.test(option)) || existsSync(join(top, 'HEAD'))) return false;
  // Without waiting for each: that takes longer than what is waited for.
  for (const name of ['hooks', 'objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
    mkdirSync(join(top, name), { recursive: true });
  const branch = given(options, '--initial-branch=') ?? 'main';
  writeFileSync(join(top, 'HEAD'), `ref: refs/heads/${branch}\n`);
  writeFileSync(join(top, 'config'), settings(bare, given(options, '--object-format=') === 'sha256'));
  return true;
}

function given(options: readonly string[], name: string): string | undefined {
  return options.findLast((option) => option.startsWith(name))?.slice(name.length);
}

function settings(bare: boolean, isSha256: boolean): string {
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
    '\tfilemode = true',
    `\tbare = ${bare}`,
    ...(bare ? [] : ['\tlogallrefupdates = true']),
    ...(isSha256 ? ['[extensions]', '\tobjectformat = sha256'] : []),
  ];
  return `${lines.join('\n')}\n`;
}
