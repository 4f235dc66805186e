/**
 * Buffers of one size that serve again. A buffer of a megabyte lies outside the heap of V8, which collects everything after some
 * sixty of them: for a server that sends megabytes all the time, that costs more than its work.
 */
export class BufferPool {
  /** Bytes of each buffer. */
  readonly size: number;
  private readonly most: number;
  private readonly free: Buffer[] = [];

  /** @param most buffers that are kept while nobody uses them */
  constructor({ size, most }: { readonly size: number; readonly most: number }) {
    this.size = size;
    this.most = most;
  }

  /** Buffers that nobody uses. */
  get idle(): number {
    return this.free.length;
  }

  /** A buffer that nobody else uses, with whatever is in it. One that is never given back is garbage like any other. */
  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.size);
  }

  /** Gives a buffer back, once nothing reads it any more. */
  give(buffer: Buffer): void {
    if (this.free.length < this.most) this.free.push(buffer);
  }
}
