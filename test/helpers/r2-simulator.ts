import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { S3Credentials } from '../../src/object-store/s3/s3-client.ts';

/** Where a bucket is, and what opens it. */
export interface BucketAccess {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: S3Credentials;
}

export interface Simulator {
  readonly access: BucketAccess;
  stop(): Promise<void>;
}

/** What the simulator prints at every upload in parts. It means nothing to who runs it. */
const MEANINGLESS = 'R2MultipartUpload::getUploadId called';

/** Starts Cloudflare's own R2 simulator, a process of its own, with one bucket. */
export async function startSimulator(): Promise<Simulator> {
  // Loading it takes half a second, which only those pay who start one.
  const { Miniflare } = await import('miniflare');
  const credentials = { accessKeyId: 'test-key', secretAccessKey: randomBytes(16).toString('hex') };
  const bucket = 'test-bucket';
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    modules: true,
    script: 'export default { fetch: () => new Response("a bucket for tests") };',
    r2Buckets: { BUCKET: { id: bucket, s3Credentials: credentials } },
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      printMeaningful(stderr);
    },
  });
  const endpoint = new URL('cdn-cgi/local/r2/s3', await miniflare.ready).href;
  return {
    access: { endpoint, bucket, region: 'auto', credentials },
    stop: () => miniflare.dispose(),
  };
}

function printMeaningful(stderr: Readable): void {
  stderr.on('data', (text: Buffer) => {
    for (const line of text.toString().split('\n')) {
      if (line !== '' && !line.includes(MEANINGLESS)) process.stderr.write(`${line}\n`);
    }
  });
}
