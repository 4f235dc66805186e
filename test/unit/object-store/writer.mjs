/** Writes objects without end to the folder given, and names each key once its write was answered. */
import { FileObjectStore } from '../../../dist/object-store/file/file.js';

const store = await FileObjectStore.open(process.argv[2] ?? '');
const work = async (writer) => {
  for (let n = 0; ; n++) {
    const key = `writer-${writer}/folder-${n % 7}/${n}`;
    const { outcome } = await store.put(key, Buffer.alloc(1 + ((n * 7919) % 200_000), key), {
      mode: 'create',
    });
    process.stdout.write(`${outcome} ${key}\n`);
  }
};
await Promise.all([0, 1, 2, 3].map(work));
