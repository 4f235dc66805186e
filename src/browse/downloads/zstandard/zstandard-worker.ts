/** The thread that compresses one stream with Zstandard. It answers each request in turn. */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { NICENESS } from '../../../git-process/browse-commands.ts';
import { copyAtOnce } from './copy-at-once.ts';
import { LEVEL, type ZstandardReply, type ZstandardRequest } from './zstandard-task.ts';

// On Linux this is the niceness of the calling thread, elsewhere that of the whole process.
if (process.platform === 'linux' && getPriority() < NICENESS) setPriority(NICENESS);

const loading = Zstd.load().then((zstd) => {
  copyAtOnce(zstd);
  zstd.setCompressionLevel(LEVEL);
  zstd.reset();
  return zstd;
});

const reply = (message: ZstandardReply, moved: ArrayBuffer[] = []) => parentPort?.postMessage(message, moved);

const answer = async (request: ZstandardRequest) => {
  try {
    const zstd = await loading;
    const compressed = request === 'end' ? zstd.compressEnd() : zstd.compressChunk(request);
    // Both have memory of their own, which is not copied once more.
    const memory = request === 'end' ? undefined : request.buffer;
    reply({ compressed, memory }, [
      compressed.buffer as ArrayBuffer,
      ...(memory === undefined ? [] : [memory]),
    ]);
  } catch (error) {
    reply({ failure: error instanceof Error ? error.message : String(error) });
  }
};

parentPort?.on('message', (request: ZstandardRequest) => void answer(request));
