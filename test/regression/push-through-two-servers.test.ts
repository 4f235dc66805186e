/**
 * Behind a load balancer `info/refs` and the POST of one push may reach two servers. The second one took the pack in on
 * what it had seen up to two seconds before: a thin pack then lacked its bases, and history that the first server had
 * shown the client counted as missing.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let reads: App;
let writes: App;

beforeAll(async () => {
  folder = await tempDir('cairn-balanced');
  const store = new MemoryObjectStore();
  reads = await startServer({ store, overrides: { background: false } });
  writes = await startServer({ store, overrides: { background: false } });
});

afterAll(async () => {
  await reads.close();
  await writes.close();
  await folder[Symbol.asyncDispose]();
});

/** Sends every GET to one server and every POST to the other, and adds no header. */
async function balance() {
  const balancer = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    const { url } = incoming.method === 'GET' ? reads : writes;
    const { method, headers } = incoming;
    const outgoing = request(`${url}${incoming.url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', (error) => response.destroy(error));
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  const { port } = balancer.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      balancer.closeAllConnections();
      await new Promise<void>((resolve) => balancer.close(() => resolve()));
    },
  };
}

it.each(['a new branch', 'the branch itself'])(
  'a server accepts a push that builds on objects that another server has just published: %s',
  async (what) => {
    await using balancer = await balance();
    const name = what.replaceAll(' ', '-');
    const work = await new GitClient(folder.path).init(name);
    const lines = Array.from({ length: 2_000 }, (_, line) => `line ${line} of ${name}`);
    await work.commit('One', { text: lines.slice(0, 1_000).join('\n') });
    await work.run(['push', '--quiet', repositoryUrl(reads, name), 'main']);
    // The second server sees the first state, and remembers it well when the next push comes.
    await work.run(['ls-remote', repositoryUrl(writes, name)]);
    await work.commit('Two', { text: lines.join('\n') });
    await work.run(['push', '--quiet', repositoryUrl(reads, name), 'main']);
    await work.run(['ls-remote', repositoryUrl(reads, name)]);
    await work.commit('Three', { text: `${lines.join('\n')}\nand one more` });
    const target = what === 'a new branch' ? 'new' : 'main';
    await work.run(['push', '--quiet', repositoryUrl(balancer, name), `main:${target}`]);
    const copy = await new GitClient(folder.path).clone(repositoryUrl(reads, name), `${name}-copy`, '--bare');
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
    expect(await copy.oidOf(target)).toBe(await work.oidOf('main'));
  },
);
