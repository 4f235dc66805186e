import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { joinPrograms } from './join-programs.ts';

/** The secret key of every server that tests start, so that any number of them can share a store. */
export const SERVICE_SECRET = '5e'.repeat(32);

/** A file with that key, where nothing that a test leaves behind is looked for. */
export const SERVICE_KEY_FILE = fileURLToPath(new URL('../../build/test-service.key', import.meta.url));

/** End-to-end tests run the built `dist/main.js`, so it is built once before any of them, if it is not up to date. */
export default async function buildOnce(): Promise<void> {
  mkdirSync(dirname(SERVICE_KEY_FILE), { recursive: true });
  writeFileSync(SERVICE_KEY_FILE, `${SERVICE_SECRET}\n`, { mode: 0o600 });
  // What is run and the modules that it is made of; a few tests run a module itself.
  const built = Math.min(newestIn('dist'), newestIn('build/modules'));
  const sources = Math.max(newestIn('src'), statSync('join-modules.mjs').mtimeMs);
  if (built <= sources) execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  await joinPrograms(newestIn('build/modules'));
}

/** When the last file below a folder changed, in milliseconds; 0 when there is none. */
function newestIn(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return Math.max(0, ...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
  } catch {
    // Nothing built yet.
    return 0;
  }
}
