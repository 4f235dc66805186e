import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Packs the package as it would be published, installs it in a folder, and compiles a program against its types.
 * @param folder is made
 * @param more further programs beside it, by their file names
 * @returns runs the program with arguments, and gives what it printed
 */
export async function packedProgram(
  folder: string,
  program: string,
  more: Readonly<Record<string, string>> = {},
): Promise<(args: readonly string[]) => Promise<string>> {
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, 'cairn'), { recursive: true });
  // The build is there already; nothing else of the checkout may be needed.
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: ROOT });
  const into = join(modules, 'cairn');
  await run('tar', ['-xzf', join(folder, stdout.trim()), '-C', into, '--strip-components=1']);
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (name !== 'cairn' && !name.startsWith('.'))
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const programs = { 'program.ts': program, ...more };
  for (const [name, text] of Object.entries(programs)) await writeFile(join(folder, name), text);
  const options = ['--strict', '--target', 'es2023', '--lib', 'es2024,esnext.disposable', '--types', 'node'];
  const tsc = [...options, '--module', 'nodenext', ...Object.keys(programs)];
  await run(join(ROOT, 'node_modules/.bin/tsc'), tsc, { cwd: folder }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
  return async (args) => (await run(process.execPath, ['program.js', ...args], { cwd: folder })).stdout;
}
