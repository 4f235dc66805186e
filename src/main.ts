#!/usr/bin/env node
import { commandLine } from './cli/command-line.ts';
import { CairnError, messageOf } from './lib/errors.ts';

/** Entry: arguments → one command → exit code. The first signal asks for a clean end, the second one insists. */
async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    });
  }
  const print = (text: string) => process.stdout.write(`${text}\n`);
  try {
    await commandLine({ environment: process.env, print, signal: stop.signal }).parseAsync();
  } catch (error) {
    const reason = error instanceof CairnError ? error.message : error instanceof Error ? error.stack : messageOf(error);
    process.stderr.write(`cairn: ${reason}\n`);
    process.exitCode = 1;
  }
}

await main();
