import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RemoteObjectStore } from '../../../../src/object-store/file/remote-client.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

it.each([10, 2_000_000])(
  'a write of %i bytes that is aborted at any moment does not wait for its answer',
  async (length) => {
    await using folder = await tempDir();
    const socket = join(folder.path, 'socket');
    const path = join(folder.path, 'file');
    await writeFile(path, Buffer.alloc(length));
    // An owner that never answers.
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const store = new RemoteObjectStore(socket);
    try {
      const reason = new Error('no longer wanted');
      for (const moment of [
        Promise.resolve(),
        new Promise((resolve) => setImmediate(resolve)),
        pause(1),
        pause(50),
      ]) {
        const abort = new AbortController();
        const body = { path, offset: 0, length, final: true } as const;
        const put = store.put('key', body, { mode: 'create' }, { signal: abort.signal });
        await moment;
        abort.abort(reason);
        const outcome = await Promise.race([put, pause(5_000)]);
        expect(outcome).toEqual({ outcome: 'unknown', cause: reason });
      }
    } finally {
      await store.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  },
);

function pause(milliseconds: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, 'no answer'));
}
