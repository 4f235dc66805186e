import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sha256 } from '../lib/digest.ts';

const compress = promisify(gzip);

/** A page that was made. */
export class MadePage {
  readonly body: Buffer;
  /** Digest of the body: what its validators are made of. */
  readonly digest: string;
  private compressed: Promise<Buffer> | undefined;

  /** @param compressed the body in gzip's format, if it is known */
  constructor(body: Buffer, compressed?: Buffer) {
    this.body = body;
    this.digest = sha256(body).slice(0, 32);
    this.compressed = compressed === undefined ? undefined : Promise.resolve(compressed);
  }

  /** The body in gzip's format. It is compressed once, by a thread that answers no requests. */
  zipped(): Promise<Buffer> {
    this.compressed ??= compress(this.body);
    return this.compressed;
  }
}
