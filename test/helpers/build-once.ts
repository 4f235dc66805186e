import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** End-to-end tests run the built `dist/main.js`, so it is built once before any of them, if it is not up to date. */
export default function buildOnce(): void {
  if (newestIn('dist') > newestIn('src')) return;
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
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
