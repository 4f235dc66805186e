#!/usr/bin/env -S node --enable-source-maps --max-semi-space-size=4 --heap-growing-percent=100
import { nodeVersionProblem } from './cli/node-version.ts';
import { programEnd } from './cli/program-end.ts';
import { keepHeapSmall } from './cli/small-heap.ts';
import { systemClock } from './lib/clock.ts';
import { CairnError, systemCode } from './lib/errors.ts';

/** Under npm, Ctrl-C arrives twice, from the terminal and from npm. Signals within this time count as one. */
const ONE_WISH_MS = 1_000;

/** Entry: arguments → one command → exit code. The first signal asks for a clean stop, a later one exits at once. */
async function main(): Promise<void> {
  // All files are private to the current user, also those that git creates.
  process.umask(0o077);
  const stop = new AbortController();
  let askedAt: number | undefined;
  // A terminal that is closed, or a connection to it that breaks, sends SIGHUP.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const now = systemClock.monotonic();
      askedAt ??= now;
      if (now - askedAt > ONE_WISH_MS) process.exit(130);
      stop.abort();
    });
  }
  // Whoever reads the output may stop early, as `head` does. What is left to print is then for nobody.
  process.stdout.on('error', (error) => {
    if (systemCode(error) === 'EPIPE') return;
    process.stderr.write(`cairn: standard output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  // Messages and logs that nobody can read must not end the work that they are about.
  process.stderr.on('error', () => undefined);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const warn = (text: string) => process.stderr.write(`cairn: warning: ${text}\n`);
  try {
    const problem = nodeVersionProblem(process.versions.node);
    if (problem !== undefined) throw new CairnError('invalid', problem);
    keepHeapSmall(process.argv[2]);
    const { commandLine } = await import('./cli/command-line.ts');
    await commandLine({ environment: process.env, print, warn, signal: stop.signal }).parseAsync();
  } catch (thrown) {
    const { exitCode, words } = programEnd(thrown);
    if (words !== '') process.stderr.write(words);
    process.exitCode = exitCode;
  }
}

await main();
