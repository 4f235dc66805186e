import { execFileSync } from 'node:child_process';

/** End-to-end tests run the built `dist/main.js`, so it is built once before any of them. */
export default function buildOnce(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
