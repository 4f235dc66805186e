import { chmod, writeFile } from 'node:fs/promises';

/** Writes a `git` that is a shell script. @returns its path */
export async function gitScript(path: string, script: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Writes a `git` that runs a shell script before it is git. @returns its path */
export function gitAfter(path: string, script: string): Promise<string> {
  return gitScript(path, `${script}\nexec git "$@"`);
}
