import type { Output } from './output.ts';

/**
 * Memory for chunks that are written to one output, one after the other. It is the same for all of them if the output tells when it
 * needs a chunk no more. Otherwise each chunk has memory of its own.
 */
export class Reused<Memory> {
  private readonly make: () => Memory;
  private made: Memory | undefined;

  constructor(make: () => Memory) {
    this.make = make;
  }

  /** Memory for the next chunk. Nothing that was written needs it. */
  get memory(): Memory {
    this.made ??= this.make();
    return this.made;
  }

  /** Call it after a chunk has been written from this memory. @returns false if the client has gone */
  async written(output: Output): Promise<boolean> {
    if (output.taken !== undefined) return output.taken();
    this.made = undefined;
    return true;
  }
}
