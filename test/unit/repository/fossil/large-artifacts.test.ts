import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import { compressed, FossilRig, whole } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const MIB = 2 ** 20;

/** Turns of the event loop that others get while work goes on. */
async function turnsDuring(work: () => Promise<AsyncDisposable>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = async () => {
    for (; !isOver; turns++) await nextTurn();
  };
  const counted = count();
  await using _made = await work();
  isOver = true;
  await counted;
  return turns;
}

/** Bytes that do not compress: a block of noise, over and over, farther apart than zlib looks back. */
function noise(size: number): Buffer {
  return Buffer.alloc(size, Buffer.from(new SeededRandom(size).hex(40_000), 'hex'));
}

describe('a large artifact', () => {
  it.each(['whole', 'compressed'] as const)('that comes %s leaves turns to others', async (form) => {
    const rig = await new FossilRig().create();
    const bag = await rig.bag();
    const small = whole('small');
    const few = await turnsDuring(() =>
      prepareArtifacts(bag, [form === 'whole' ? small : compressed(small)]),
    );
    expect(few).toBeLessThan(8);
    const artifact = whole(noise(16 * MIB));
    const received = form === 'whole' ? artifact : compressed(artifact);
    // zlib takes 256 KiB at once, and each of these is a turn at least.
    expect(await turnsDuring(() => prepareArtifacts(bag, [received]))).toBeGreaterThan(32);
  });

  it('is stored and expanded as it came, and refused under another name', async () => {
    const rig = await new FossilRig().create();
    const artifacts = [whole(noise(3 * MIB)), compressed(whole(noise(2 * MIB + 1))), whole(noise(MIB - 1))];
    await rig.push(artifacts);
    const bag = await rig.another().bag();
    for (const { name, payload, form } of artifacts) {
      const content = Buffer.from(await bag.content(name));
      if (form === 'plain') expect(content.equals(payload)).toBe(true);
    }
    const wrong = { ...whole(noise(2 * MIB)), name: whole('another one').name };
    await expect(rig.push([wrong])).rejects.toThrow('its content does not match its name');
  });
});
