import { CairnError } from '../lib/errors.ts';

/** How many bytes a difference makes of its base (gitformat-pack, "Deltified representation"). */
export function deltaResultSize(delta: Buffer): number {
  return new DeltaReader(delta).sizes().result;
}

/**
 * What a difference makes of its base.
 * @throws CairnError `corrupt` when it is none, or was made for another base
 */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const reader = new DeltaReader(delta);
  const sizes = reader.sizes();
  if (sizes.base !== base.length) throw damaged();
  const result = Buffer.alloc(sizes.result);
  let filled = 0;
  while (!reader.ended) {
    const op = reader.byte();
    const from = (op & 0x80) === 0 ? reader.bytes(op) : copied(base, reader, op);
    if (from.length === 0 || filled + from.length > result.length) throw damaged();
    filled += from.copy(result, filled);
  }
  if (filled !== result.length) throw damaged();
  return result;
}

function copied(base: Buffer, reader: DeltaReader, op: number): Buffer {
  let offset = 0;
  let size = 0;
  for (let bit = 0; bit < 4; bit++) if (op & (1 << bit)) offset += reader.byte() * 256 ** bit;
  for (let bit = 0; bit < 3; bit++) if (op & (16 << bit)) size += reader.byte() * 256 ** bit;
  if (size === 0) size = 0x1_00_00;
  if (offset + size > base.length) throw damaged();
  return base.subarray(offset, offset + size);
}

class DeltaReader {
  private readonly delta: Buffer;
  private at = 0;

  constructor(delta: Buffer) {
    this.delta = delta;
  }

  get ended(): boolean {
    return this.at === this.delta.length;
  }

  sizes(): { readonly base: number; readonly result: number } {
    return { base: this.number(), result: this.number() };
  }

  byte(): number {
    const byte = this.delta[this.at++];
    if (byte === undefined) throw damaged();
    return byte;
  }

  bytes(count: number): Buffer {
    const bytes = this.delta.subarray(this.at, this.at + count);
    if (bytes.length < count) throw damaged();
    this.at += count;
    return bytes;
  }

  /** Seven bits a byte, the lowest first. */
  private number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }
}

function damaged(): CairnError {
  return new CairnError('corrupt', 'a difference in a pack cannot be applied');
}
