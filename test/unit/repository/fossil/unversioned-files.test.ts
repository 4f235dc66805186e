import { expect, it } from 'vitest';
import { nameOf } from '../../../../src/fossil/artifact-name.ts';
import { MemoryBag } from '../../../../src/fossil-sync/client/memory-bag.ts';
import type { Bag } from '../../../../src/repository/fossil/bag.ts';
import { prepareArtifacts } from '../../../../src/repository/fossil/intake.ts';
import type { ReceivedUnversioned } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { publishArtifacts } from '../../../../src/repository/fossil/publish-artifacts.ts';
import { verifyBag } from '../../../../src/repository/fossil/verify-bag.ts';
import { FossilRig, PUSHED, whole } from '../../../helpers/fossil-rig.ts';

function file(name: string, time: number, text: string): ReceivedUnversioned {
  const content = Buffer.from(text);
  return { name, time, hash: nameOf(content, 'sha1'), size: content.length, content };
}

function deleted(name: string, time: number): ReceivedUnversioned {
  return { name, time, hash: undefined, size: 0 };
}

async function textOf(bag: Bag, name: string): Promise<string | undefined> {
  const hash = (await bag.unversioned()).get(name)?.hash;
  return hash === undefined ? undefined : Buffer.from(await bag.unversionedContent(hash)).toString();
}

it('the newest version of an unversioned file is kept, deletions included, and is not an artifact', async () => {
  const rig = await new FossilRig().create();
  const push = (...unversioned: ReceivedUnversioned[]) => rig.push({ artifacts: [], unversioned });
  const first = await push(file('a', 10, 'old'), file('b', 10, 'b'));
  expect(first.unversioned).toBe(2);
  await push(file('a', 20, 'new'));
  expect((await push(file('a', 15, 'between'))).committed).toBeUndefined();
  await push(deleted('b', 30));
  for (const bag of [await rig.bag(), await rig.another().bag()]) {
    expect([await textOf(bag, 'a'), await textOf(bag, 'b')]).toEqual(['new', undefined]);
    expect((await bag.unversioned()).get('b')).toEqual({ name: 'b', time: 30, hash: undefined, size: 0 });
    expect([bag.count, bag.state.artifacts]).toEqual([0, 0]);
    expect(await verifyBag(bag)).toEqual([]);
  }
  await push(file('b', 40, 'again'));
  expect(await textOf(await rig.another(3).bag(), 'b')).toBe('again');
});

it('all servers keep the same of two versions of the same second, in any order', async () => {
  const outcomes = await Promise.all(
    [0, 1].map(async (order) => {
      const rig = await new FossilRig().create();
      const versions = [file('a', 10, 'one'), file('a', 10, 'two'), deleted('a', 10)];
      for (const version of order === 0 ? versions : versions.reverse()) {
        await rig.push({ artifacts: [], unversioned: [version] });
      }
      return textOf(await rig.bag(), 'a');
    }),
  );
  expect(outcomes[0]).toBeDefined();
  expect(outcomes[0]).toBe(outcomes[1]);
});

it('two servers that change unversioned files at once lose nothing', async () => {
  const rig = await new FossilRig().create();
  const other = rig.another();
  const prepare = async (from: FossilRig, ...unversioned: ReceivedUnversioned[]) =>
    prepareArtifacts(await from.bag(), { artifacts: [whole(`by ${unversioned.length}`)], unversioned });
  const [one, two] = [
    await prepare(rig, file('a', 20, 'winner'), file('c', 1, 'c')),
    await prepare(other, file('a', 10, 'loser'), file('b', 1, 'b'), deleted('c', 5)),
  ];
  await publishArtifacts(other.repository, two, PUSHED);
  const { bag, unversioned } = await publishArtifacts(rig.repository, one, PUSHED);
  // Of c there was a later version already.
  expect(unversioned).toBe(1);
  expect([await textOf(bag, 'a'), await textOf(bag, 'b'), await textOf(bag, 'c')]).toEqual([
    'winner',
    'b',
    undefined,
  ]);
  expect(bag.count).toBe(2);
});

it('a version needs no content if it is stored, and is left out without it', async () => {
  const rig = await new FossilRig().create();
  const { content: _content, ...bare } = file('a', 20, 'text');
  expect((await rig.push({ artifacts: [], unversioned: [bare] })).committed).toBeUndefined();
  await rig.push({ artifacts: [], unversioned: [file('a', 10, 'text')] });
  await rig.push({ artifacts: [], unversioned: [bare, { ...bare, name: 'copy' }] });
  const bag = await rig.another().bag();
  expect((await bag.unversioned()).get('a')?.time).toBe(20);
  expect(await textOf(bag, 'copy')).toBe('text');
});

it('a version of a content that is stored has the size of that content, whatever its sender says', async () => {
  const rig = await new FossilRig().create();
  const { content: _content, ...bare } = file('a', 20, 'text');
  await rig.push({ artifacts: [], unversioned: [file('a', 10, 'text')] });
  await rig.push({
    artifacts: [],
    unversioned: [
      { ...bare, size: 3 },
      { ...bare, name: 'copy', size: 2 ** 40 },
    ],
  });
  const bag = await rig.another().bag();
  expect([...(await bag.unversioned()).values()].map(({ name, size }) => [name, size])).toEqual([
    ['a', 4],
    ['copy', 4],
  ]);
  expect(await verifyBag(bag)).toEqual([]);
  const memory = new MemoryBag('0'.repeat(40));
  await memory.take({ artifacts: [], unversioned: [file('a', 10, 'text')] });
  await memory.take({ artifacts: [], unversioned: [{ ...bare, size: 3 }] });
  expect((await memory.unversioned()).get('a')).toEqual({ ...bare, size: 4 });
});

it.each<[string, ReceivedUnversioned]>([
  ['a name that climbs', file('../a', 1, 'x')],
  ['an absolute name', file('/a', 1, 'x')],
  ['a name with a space', file('a b', 1, 'x')],
  ['a time before 1970', file('a', -1, 'x')],
  ['a time that has no date', file('a', 1e12, 'x')],
  ['another content', { ...file('a', 1, 'x'), content: Buffer.from('y') }],
  ['another size', { ...file('a', 1, 'x'), size: 2 }],
  ['a deletion with a size', { ...deleted('a', 1), size: 1 }],
])('a request with a bad unversioned file stores nothing: %s', async (_, bad) => {
  const rig = await new FossilRig().create();
  rig.store.reset();
  const received = { artifacts: [whole('good')], unversioned: [file('good', 1, 'x'), bad] };
  await expect(rig.push(received)).rejects.toMatchObject({ kind: 'invalid' });
  expect(rig.store.writes()).toBe(0);
});

it('the number and the bytes of unversioned files are bounded', async () => {
  const rig = await new FossilRig().create();
  const unversioned = ['a', 'b', 'c'].map((name) => file(name, 1, `content of ${name}`));
  const push = (limits: object) => rig.push({ artifacts: [], unversioned }, limits);
  await expect(push({ unversionedFiles: 2 })).rejects.toMatchObject({ kind: 'too-large' });
  await expect(push({ unversioned: 30 })).rejects.toMatchObject({ kind: 'too-large' });
  await expect(push({ artifact: 5 })).rejects.toMatchObject({ kind: 'too-large' });
  await push({ unversionedFiles: 3, unversioned: 36 });
});
