import { expect, it } from 'vitest';
import { encodePacket, encodeSideband, flushPacket, ResponseFrames } from '../../../../src/git/index.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const NAK = encodePacket('NAK\n');
const PROGRESS = Buffer.concat(encodeSideband(2, 'Counting\n'));
const DATA = Buffer.concat(encodeSideband(1, 'x'.repeat(1000)));
const ERR = encodePacket('ERR no\n');
const PACK = Buffer.from('PACK\0\0\0\u0002 and so on');

function after(...chunks: readonly Uint8Array[]): string | undefined {
  const frames = new ResponseFrames();
  for (const chunk of chunks) frames.push(chunk);
  return frames.errorPacket('why')?.toString('latin1');
}

it('the failure of git is found in the response, with the messages of its children (issue 11, point 3)', () => {
  const frames = new ResponseFrames();
  expect(frames.push(Buffer.concat([NAK, PROGRESS, DATA]))).toBeUndefined();
  const last = Buffer.concat(encodeSideband(2, 'fatal: Out of memory, malloc failed\n'));
  const packets = Buffer.concat([last, ...encodeSideband(3, 'aborting\n')]);
  expect(frames.push(packets)).toBe(last.length);
  expect(frames.progress).toBe('\u0002Counting\n\u0002fatal: Out of memory, malloc failed\n');
  // Data on band 1 that looks like it is none.
  expect(new ResponseFrames().push(Buffer.concat(encodeSideband(1, '0009\u0003why\n')))).toBeUndefined();
});

it('the packet with git’s failure is found for any division of the bytes (issue 13)', () => {
  const [before, error] = [Buffer.concat([NAK, PROGRESS]), Buffer.concat(encodeSideband(3, 'aborting\n'))];
  for (let cut = 0; cut <= 5; cut++) {
    const frames = new ResponseFrames();
    const first = frames.push(Buffer.concat([before, error.subarray(0, cut)]));
    const undecided = Math.min(cut, 4);
    expect(frames.undecided, `cut at ${cut}`).toBe(cut === 5 ? 0 : undecided);
    const second = frames.push(error.subarray(cut));
    expect(cut === 5 ? first : second, `cut at ${cut}`).toBe(cut === 5 ? before.length : -undecided || 0);
  }
});

it.each<[string, Buffer, string | undefined]>([
  ['nothing', Buffer.alloc(0), '000cERR why\n'],
  ['a line', NAK, '000cERR why\n'],
  ['a section', Buffer.concat([encodePacket('shallow-info\n'), Buffer.from('0001')]), '000cERR why\n'],
  ['progress', Buffer.concat([NAK, PROGRESS]), '0009\u0003why\n'],
  ['a part of a pack', Buffer.concat([NAK, PROGRESS, DATA]), '0009\u0003why\n'],
  ['half a packet', Buffer.concat([NAK, DATA.subarray(0, 500)]), undefined],
  ['half a length', Buffer.concat([NAK, Buffer.from('00')]), undefined],
  ['a pack without a side-band', Buffer.concat([NAK, PACK]), undefined],
  ['a reason', Buffer.concat([NAK, ERR]), undefined],
  ['a reason on band 3', Buffer.concat([NAK, ...encodeSideband(3, 'no\n')]), undefined],
  ['a reason and a flush', Buffer.concat([ERR, flushPacket]), '000cERR why\n'],
])(
  'a reason after %s is written where its client reads it, for any division of the bytes (issue 11, point 19)',
  (_what, bytes, said) => {
    expect(after(bytes)).toBe(said);
    expect(after(...[...bytes].map((byte) => Buffer.of(byte)))).toBe(said);
    const random = new SeededRandom(7);
    for (let round = 0; round < 20; round++) {
      const cut = Math.floor(random.fraction() * bytes.length);
      expect(after(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).toBe(said);
    }
  },
);
