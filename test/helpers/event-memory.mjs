// A process with a small heap that fills an event log (`fill`) or starts over it (`open`). To be run by
// event-log-larger-than-the-heap.test.ts, with what was built.
//   node --max-old-space-size=<MiB> event-memory.mjs <modules> <folder> fill|open <events> <bytes of content>
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules = '', folder = '', mode, count, contentBytes] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(modules, path)).href);
const { openFileStore } = await load('object-store/file/open-file-store.js');
const { EventStore } = await load('relay/log/event-store.js');
const { systemClock } = await load('lib/clock.js');
const { systemRandom } = await load('lib/random.js');
const { createLogger } = await load('observability/logger.js');

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const END = 1_700_000_000;

function issue(number) {
  return {
    id: sha256(`event ${number}`),
    pubkey: sha256(`author ${number % 1_000}`),
    created_at: END - Number(count) + number,
    kind: 1621,
    tags: [
      ['a', `30617:${sha256('owner')}:r${number % 100}`],
      ['p', sha256('owner')],
      ['subject', `Issue ${number}`],
    ],
    content: `${number} `.padEnd(Number(contentBytes), 'x'),
    sig: '5'.repeat(128),
  };
}

const { store, close } = await openFileStore(folder, { onOwned: 'refuse' });
globalThis.gc?.();
const before = process.memoryUsage();
const events = await EventStore.open({
  control: store,
  bulk: store,
  clock: systemClock,
  random: systemRandom,
  log: createLogger('warn'),
});
if (mode === 'fill') {
  for (let first = 0; first < Number(count); first += 1_000) {
    await events.append(Array.from({ length: 1_000 }, (_, at) => issue(first + at)));
    if (first % 4_000 === 0) await events.compact();
  }
  await events.compact();
}
globalThis.gc?.();
const after = process.memoryUsage();
const middle = issue(Number(count) / 2);
const all = { limit: 3, now: END, visible: () => true };
const newest = events.query([{ kinds: new Set([1621]), tags: new Map() }], all);
process.stdout.write(
  JSON.stringify({
    size: events.size,
    index: events.memory,
    grown: after.heapUsed + after.external - before.heapUsed - before.external,
    found: events.get(middle.id)?.content === middle.content,
    newest: newest.map(({ created_at }) => created_at),
  }),
);
await events.close();
await close();
