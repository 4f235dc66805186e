import { startApp } from '../app.ts';
import { readSecrets } from '../config/secrets.ts';
import { type GivenFlags, readSettings, refuseBeyondLoopback } from '../config/settings.ts';
import { createLogger } from '../observability/logger.ts';
import type { CommandContext } from './command-context.ts';

/** `cairn serve`: runs until the process is asked to stop. Prints `listening on <url>` when it can be used. */
export async function serve(flags: GivenFlags, context: CommandContext): Promise<void> {
  const settings = readSettings(flags, context.environment);
  refuseBeyondLoopback(settings);
  const secrets = await readSecrets(settings);
  const log = createLogger(settings.logLevel);
  const app = await startApp(settings, secrets, log);
  context.print(`listening on ${app.url}`);
  if (!context.signal.aborted) {
    await new Promise<void>((resolve) =>
      context.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  }
  log.info('stopping: running requests get to finish');
  await app.close();
}
