/** The program `startLimitedCairn` starts: a built server on a file store that lets each key be swapped once a second. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SwapRateStore } from '../test/helpers/swap-rate-store.ts';
import { projectRoot } from './paths.ts';

const [data = '', cache = '', serviceKey = ''] = process.argv.slice(2);

const { startApp } = await built<typeof import('../src/server/app.ts')>('server/app.js');
const { readSettings } = await built<typeof import('../src/config/settings.ts')>('config/settings.js');
const { openFileStore } = await built<typeof import('../src/object-store/file/open-file-store.ts')>(
  'object-store/file/open-file-store.js',
);
const { createLogger } =
  await built<typeof import('../src/observability/logger.ts')>('observability/logger.js');

const { store } = await openFileStore(data, { onOwned: 'refuse' });
const limited = new SwapRateStore(store, { perSecond: 1 });
const settings = readSettings({ port: '0', cache, access: 'open' }, {});
const app = await startApp(settings, { tls: undefined, serviceKey }, createLogger('warn'), {
  stores: { control: limited, bulk: limited },
});
process.stdout.write(`listening on ${app.url}\n`);

/** A module of what was built, before the modules are joined. */
function built<T>(name: string): Promise<T> {
  return import(pathToFileURL(join(projectRoot(), 'build', 'modules', name)).href);
}
