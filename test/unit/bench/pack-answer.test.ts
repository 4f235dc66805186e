import { describe, expect, it } from 'vitest';
import { PackAnswer } from '../../../bench/pack-answer.ts';

function packet(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

function band(number: number, payload: string | Buffer): Buffer {
  return packet(Buffer.concat([Buffer.from([number]), Buffer.from(payload)]));
}

const header = Buffer.from('PACK\0\0\0\x02\0\0\x01\x02', 'latin1');
const answer = Buffer.concat([
  packet('shallow-info\n'),
  packet(`shallow ${'a'.repeat(40)}\n`),
  Buffer.from('0001'),
  packet('packfile\n'),
  band(2, 'Enumerating objects\n'),
  band(1, ''),
  band(1, header.subarray(0, 5)),
  band(1, Buffer.concat([header.subarray(5), Buffer.alloc(1000)])),
  band(1, Buffer.alloc(65_515, 7)),
  Buffer.from('0000'),
]);

describe('PackAnswer', () => {
  for (const size of [1, 2, 3, 5, 997, 65_520, answer.length]) {
    it(`counts pack bytes and objects when the answer comes in pieces of ${size}`, () => {
      const pack = new PackAnswer();
      for (let at = 0; at < answer.length; at += size) pack.feed(answer.subarray(at, at + size));
      pack.end();
      expect(pack.packBytes).toBe(12 + 1000 + 65_515);
      expect(pack.objects).toBe(258);
    });
  }

  it('refuses a truncated answer', () => {
    const pack = new PackAnswer();
    pack.feed(answer.subarray(0, answer.length - 5));
    expect(() => pack.end()).toThrow(/broke off after \d+ bytes/);
  });

  it('refuses an answer without a pack', () => {
    const pack = new PackAnswer();
    pack.feed(Buffer.concat([packet('packfile\n'), band(1, 'no pack at all'), Buffer.from('0000')]));
    expect(() => pack.end()).toThrow(/broke off/);
  });

  it('reports the server’s text on side-band 3', () => {
    const pack = new PackAnswer();
    expect(() => pack.feed(Buffer.concat([packet('packfile\n'), band(3, 'out of disk\n')]))).toThrow(
      'the server reports: out of disk',
    );
  });

  it('reports an ERR packet', () => {
    expect(() => new PackAnswer().feed(packet('ERR upload-pack: not our ref'))).toThrow(/not our ref/);
  });

  it('refuses bytes that are not packets', () => {
    expect(() => new PackAnswer().feed(Buffer.from('<html>'))).toThrow(/not a packet length/);
  });
});
