import type { GivenFlags } from '../config/given-flags.ts';
import { readTls } from '../config/secrets.ts';
import { readSettings, refuseBeyondLoopback } from '../config/settings.ts';
import { unknownVariables, unknownVariableWarning } from '../config/unknown-variables.ts';
import { systemRandom } from '../lib/random.ts';
import { createLogger } from '../observability/logger.ts';
import { openServiceKey } from '../server/service-key.ts';
import type { CommandContext } from './command-context.ts';
import { openFileLimit, openFilesWarning } from './open-files.ts';

/** `cairn serve`: runs until the process is asked to stop. Prints `listening on <url>` when the server is ready. */
export async function serve(flags: GivenFlags, context: CommandContext): Promise<void> {
  const settings = readSettings(flags, context.environment);
  refuseBeyondLoopback(settings);
  const tls = await readTls(settings);
  const { secretKey: serviceKey, isNew } = await openServiceKey(settings.serviceKeyFile, systemRandom);
  const log = createLogger(settings.logLevel);
  for (const variable of unknownVariables(context.environment)) {
    log.warn({ variable: variable.name }, unknownVariableWarning(variable));
  }
  if (isNew) log.info({ file: settings.serviceKeyFile }, 'created a key for this service: keep a copy of it');
  if (settings.access === 'open') {
    log.warn(
      'ACCESS OPEN: anyone who reaches this address may push anything to any repository; for development only',
    );
  }
  const fewFiles = openFilesWarning(await openFileLimit(), settings.maxConnections);
  if (fewFiles !== undefined) log.warn(fewFiles);
  // Report a misspelt setting before the server is loaded, which takes longer than all of the above.
  const { startApp } = await import('../server/app.ts');
  const app = await startApp(settings, { tls, serviceKey }, log);
  context.print(`listening on ${app.url}`);
  if (!context.signal.aborted) {
    await new Promise<void>((resolve) =>
      context.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  }
  log.info('stopping: running requests may finish');
  await app.close();
}
