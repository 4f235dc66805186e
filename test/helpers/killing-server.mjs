/**
 * A whole server over a folder that kills itself, `kill -9`, at one of the writes of a push. Runs what was built.
 *
 * Arguments: data folder, cache folder, how a key ends (`.pack`, `/pointer`, …; `log`: an entry of the event log), which of the writes of such keys (from
 * 1), and when: `before` the write, `during` it (it has been begun and nobody waits for it), or `after` it has been
 * answered. Prints `listening on <url>`.
 */

import { readSettings } from '../../build/modules/config/settings.js';
import { openFileStore } from '../../build/modules/object-store/file/open-file-store.js';
import { createLogger } from '../../build/modules/observability/logger.js';
import { startApp } from '../../build/modules/server/app.js';

const [, , data, cache, ending, ordinal, moment] = process.argv;

/** Passes everything on, and dies at the chosen write. */
class KillingStore {
  constructor(store) {
    this.store = store;
    this.writes = 0;
  }

  async put(key, ...rest) {
    const chosen = isOfKind(key) && ++this.writes === Number(ordinal);
    if (chosen && moment === 'before') die();
    const writing = this.store.put(key, ...rest);
    if (chosen && moment === 'during') setImmediate(die);
    const outcome = await writing;
    if (chosen && moment === 'after') die();
    return outcome;
  }

  get(...args) {
    return this.store.get(...args);
  }

  head(...args) {
    return this.store.head(...args);
  }

  list(...args) {
    return this.store.list(...args);
  }

  delete(...args) {
    return this.store.delete(...args);
  }

  close() {
    return this.store.close();
  }
}

/** Entries of the event log are told from what belongs to repositories. */
function isOfKind(key) {
  if (ending === 'log') return key.startsWith('v1/events/writers/');
  return key.startsWith('v1/repos/') && !key.includes('/events/') && key.endsWith(ending);
}

function die() {
  process.kill(process.pid, 'SIGKILL');
}

const { store } = await openFileStore(data, { onOwned: 'refuse' });
const killing = new KillingStore(store);
const log = createLogger('silent', { write: () => undefined });
const settings = readSettings({ port: '0', cache, access: 'open' }, {});
const app = await startApp(settings, { tls: undefined, serviceKey: '5e'.repeat(32) }, log, {
  stores: { control: killing, bulk: killing },
});
process.stdout.write(`listening on ${app.url}\n`);
