import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Programs that tests start again and again, and that load a whole server. */
const PROGRAMS = { 'killing-server': 'test/helpers/killing-server.mjs' } as const;

const FOLDER = join(ROOT, 'build/test-programs');

/** What {@link joinPrograms} makes of a program. */
export function joinedProgram(name: keyof typeof PROGRAMS): string {
  return join(FOLDER, `${name}.js`);
}

/**
 * Joins the modules of each program into few files, as `join-modules.mjs` does for what users run: to load them one by one takes
 * half of what such a process does.
 * @param newest when the last file that they are made of changed, in milliseconds
 */
export async function joinPrograms(newest: number): Promise<void> {
  const names = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];
  const sources = Object.values(PROGRAMS).map((path) => modifiedAt(join(ROOT, path)));
  const joined = Math.min(...names.map((name) => modifiedAt(joinedProgram(name))));
  if (joined > Math.max(newest, ...sources)) return;
  mkdirSync(FOLDER, { recursive: true });
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    cwd: ROOT,
    input: { ...PROGRAMS },
    platform: 'node',
    // Packages stay where they are, but for what the compiler of `using` adds.
    external: /^(?!@oxc-project\/)(node:)?[a-z@]/,
    tsconfig: false,
    checks: { bundlerTimings: false },
  });
  await bundle.write({ dir: FOLDER, chunkFileNames: '[name].js' });
  await bundle.close();
}

/** In milliseconds; 0 when there is no such file. */
function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
