import { describe, expect, it } from 'vitest';
import { PackFrame } from '../../../../src/git/packs/pack-frame.ts';
import { encodeSideband } from '../../../../src/git/protocol/sideband.ts';
import { uploadResponseForm } from '../../../../src/git/protocol/upload-response.ts';

const form = (...words: string[]) => uploadResponseForm(0, (word) => words.includes(word));
const FORMS = [
  ['side-band', 995],
  ['side-band-64k', 65_515],
  ['none', 262_144],
] as const;
const WHOLE = 1_000_000;

/** Fills the places as a read does. */
function fill(frame: PackFrame, data: Buffer): void {
  let at = 0;
  for (const place of frame.places) at += data.copy(place, 0, at, at + place.length);
}

describe.each(FORMS)('a piece of a pack, with %s', (word, capacity) => {
  const sizes = [1, 994, 995, 996, 65_514, 65_515, 65_516, 262_000];

  it.each(sizes)('of %i bytes lies in its packets as it was read', (size) => {
    const data = Buffer.from(Array.from({ length: size }, (_, at) => at % 251));
    const frame = new PackFrame(form(word), WHOLE);
    // What was sent before leaves no trace.
    fill(frame, Buffer.alloc(262_144, 'x'));
    frame.encode(Math.min(262_000, capacity));
    const capacityOfAll = frame.places.reduce((sum, { length }) => sum + length, 0);
    if (size > capacityOfAll) return;
    fill(frame, data);
    const packets = word === 'none' ? [data] : encodeSideband(1, data, capacity);
    expect(frame.encode(size).equals(Buffer.concat(packets))).toBe(true);
    expect(Buffer.concat([...frame.data(size)]).equals(data)).toBe(true);
  });

  it('takes the same memory for every piece', () => {
    const frame = new PackFrame(form(word), WHOLE);
    expect(frame.encode(1).buffer).toBe(frame.encode(frame.places[0]?.length ?? 0).buffer);
    expect(frame.encode(1).buffer.byteLength).toBeLessThanOrEqual(262_144);
  });

  it('of a small pack takes little memory', () => {
    const frame = new PackFrame(form(word), 1_200);
    expect(frame.places.reduce((sum, { length }) => sum + length, 0)).toBe(1_200);
    expect(frame.encode(1_200).length).toBeLessThanOrEqual(1_210);
  });
});

it('a piece that does not fit into the first packet is not put there', () => {
  const frame = new PackFrame(form('side-band'), WHOLE);
  expect(frame.put(Buffer.from('PACK'))).toBe(4);
  expect(frame.encode(4).toString('latin1')).toBe('0009\x01PACK');
  expect(() => frame.put(Buffer.alloc(996))).toThrow(TypeError);
});
