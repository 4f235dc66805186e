import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startService } from './processes.ts';

/** A running S3 endpoint and how to reach it (path style). */
export interface R2 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
}

const bucket = 'bench';
const accessKeyId = 'bench-key';
const secretAccessKey = 'bench-secret';

/**
 * Starts miniflare's R2, which speaks S3, in a process of its own with its data under `folder`: its
 * work must not run in the process that takes the time.
 */
export async function startR2(folder: string): Promise<R2> {
  const entry = fileURLToPath(new URL('./r2-server.js', import.meta.url));
  const args = [entry, join(folder, 'r2'), bucket, accessKeyId, secretAccessKey];
  const service = await startService(process.execPath, args, {
    env: { PATH: process.env['PATH'], HOME: folder },
    log: join(folder, 'r2.log'),
    ready: /ready at (\S+)\//,
  });
  const endpoint = `${service.ready[1]}/cdn-cgi/local/r2/s3`;
  return { endpoint, bucket, accessKeyId, secretAccessKey, stop: service.stop };
}
