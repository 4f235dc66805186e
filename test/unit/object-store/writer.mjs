/** Writes objects without end to the folder given, and names each key once its write was answered. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileObjectStore } from '../../../build/modules/object-store/file/file.js';

const root = process.argv[2] ?? '';
const scratch = join(root, 'scratch');
await mkdir(scratch, { recursive: true });
const store = await FileObjectStore.open(root);
/** Some are large and final, so that the store takes the file over. */
const bodyOf = async (key, n, writer) => {
  if (n % 5 !== 3) return Buffer.alloc(1 + ((n * 7919) % 200_000), key);
  const path = join(scratch, `${writer}-${n}`);
  const length = 1024 * 1024 + n;
  await writeFile(path, Buffer.alloc(length, key));
  return { path, offset: 0, length, final: true };
};
const work = async (writer) => {
  for (let n = 0; ; n++) {
    const key = `writer-${writer}/folder-${n % 7}/${n}`;
    const body = await bodyOf(key, n, writer);
    const { outcome } = await store.put(key, body, { mode: 'create' });
    if (body.path !== undefined) await rm(body.path);
    process.stdout.write(`${outcome} ${key}\n`);
  }
};
await Promise.all([0, 1, 2, 3].map(work));
