import { createCipheriv } from 'node:crypto';

/** Bytes that nothing compresses, the same for the same seed. */
export function noise(bytes: number, seed = 0): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}
