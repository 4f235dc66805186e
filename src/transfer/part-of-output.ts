import type { Output } from './output.ts';

/** An output that does not get the first bytes of what is written. */
export function withoutFirst(output: Output, bytes: number): Output {
  let missing = bytes;
  return {
    write: (chunk) => {
      const left = chunk.subarray(Math.min(missing, chunk.length));
      missing -= chunk.length - left.length;
      return left.length === 0 ? Promise.resolve(true) : output.write(left);
    },
  };
}

/** An output that gets no more than some bytes of what is written, and then wants no more. */
export function atMost(output: Output, bytes: number): Output {
  let room = bytes;
  return {
    write: async (chunk) => {
      const part = chunk.subarray(0, room);
      room -= part.length;
      return (await output.write(part)) && room > 0;
    },
  };
}
