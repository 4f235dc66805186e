/** Where lines come from, as real git says it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Blame, readBlame } from '../../../src/browse/blame.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

const MINUTE = 60_000;
let rig: BrowseRig;

beforeAll(async () => {
  rig = await BrowseRig.open();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** The subject of the commit of each line. */
function subjects({ groups, commits }: Blame): string[] {
  return groups.flatMap(({ oid, count }) =>
    Array.from({ length: count }, () => commits.get(oid)?.subject ?? ''),
  );
}

it('blame follows lines through renames, and names the commit before each', async () => {
  const first = await rig.client.commit('One', { 'old name': 'a\nb\nc\nd\ne\n' });
  await rig.client.run(['mv', 'old name', 'new']);
  const second = await rig.client.commit('Two', { new: 'a\nB\nc\nd\ne\nf' });
  const view = await rig.view();
  const blame = await readBlame(view, second, [Buffer.from('new')], 6, MINUTE);
  expect(blame.complete).toBe(true);
  expect(subjects(blame)).toEqual(['One', 'Two', 'One', 'One', 'One', 'Two']);
  expect(blame.groups.find(({ oid }) => oid === second)?.previous).toEqual({
    oid: first,
    path: Buffer.from('old name'),
  });
  expect(blame.groups[0]).toMatchObject({
    first: 1,
    count: 1,
    path: Buffer.from('old name'),
    previous: undefined,
  });
  // As many lines as are asked for, and no line of an empty file.
  expect((await readBlame(view, second, [Buffer.from('new')], 2, MINUTE)).groups).toHaveLength(2);
  expect((await readBlame(view, second, [Buffer.from('new')], 0, MINUTE)).groups).toEqual([]);
});

it('blame accepts paths that look like options or patterns, and paths with any bytes', async () => {
  const bytes = Buffer.from(Array.from({ length: 255 }, (_, at) => at + 1).filter((byte) => byte !== 0x2f));
  const names = [
    ...[
      '--help',
      '-s',
      '*',
      ':(glob)**',
      ':!x',
      '$(touch x)',
      '`x`',
      '%s\\n',
      '"',
      "'",
      '\\',
      '~',
      '^{tree}',
    ],
    ...['line\n', '\n\n', 'dot.', '.. '],
  ].map((name) => Buffer.from(name, 'latin1'));
  const blob = await rig.client.run(['hash-object', '-w', '--stdin'], { input: 'x\n' });
  const entries = [...names, bytes].flatMap((name) => [
    Buffer.from(`100644 blob ${blob}\t`),
    name,
    Buffer.from([0]),
  ]);
  const folder = await rig.client.run(['mktree', '-z'], { input: Buffer.concat(entries) });
  const tree = await rig.client.run(['mktree'], { input: `040000 tree ${folder}\t-d\n` });
  const commit = await rig.client.run(['commit-tree', tree, '-m', 'Odd']);
  const view = await rig.view();
  for (const name of [...names, bytes]) {
    const { groups, complete } = await readBlame(view, commit, [Buffer.from('-d'), name], 1, MINUTE);
    expect(
      groups.map(({ oid, path }) => [oid, path.toString('latin1')]),
      name.toString('latin1'),
    ).toEqual([[commit, `-d/${name.toString('latin1')}`]]);
    expect(complete).toBe(true);
  }
});

it('blame is bounded by the output of git, however long messages and names are', async () => {
  const message = `${'many words '.repeat(90_000)}\n`;
  const files = (at: number) => ({
    wordy: Array.from({ length: 12 }, (_, line) => (line < at ? 'new' : 'old')).join('\n'),
  });
  let tip = '';
  for (let at = 0; at < 12; at++) {
    await rig.client.commit('x', files(at));
    await rig.client.run(['commit', '-q', '--amend', '-F', '-'], { input: `${at} ${message}` });
    tip = await rig.client.oidOf('HEAD');
  }
  const blame = await readBlame(await rig.view(), tip, [Buffer.from('wordy')], 12, MINUTE);
  // 12 MiB in all, of which 8 are read.
  expect(blame.complete).toBe(false);
  expect(blame.groups.length).toBeGreaterThan(5);
  expect(blame.groups.length).toBeLessThan(9);
});

it('blame leaves out what takes longer than its time limit', async () => {
  const commit = await rig.client.commit('Late', { late: 'x\n' });
  const blame = await readBlame(await rig.view(), commit, [Buffer.from('late')], 1, 0);
  expect(blame.groups.length).toBeLessThan(2);
  expect(blame.complete).toBe(blame.groups.length === 1);
});

it('blame ends git when the visitor leaves, and fails for a missing file', async () => {
  const commit = await rig.client.commit('Gone', { gone: 'x\n' });
  const view = await rig.view();
  await expect(readBlame(view, commit, [Buffer.from('none')], 1, MINUTE)).rejects.toMatchObject({
    kind: 'unavailable',
  });
  const left = await rig.view(AbortSignal.abort(new Error('left')));
  await expect(readBlame(left, commit, [Buffer.from('gone')], 1, MINUTE)).rejects.toThrow('left');
});

it('blame shows people by the names of the mailmap', async () => {
  // Once: whoever is called Old would be called New.
  const mailmap = 'Old <old@example.org> <user@example.com>\nNew <new@example.org> <old@example.org>\n';
  const commit = await rig.client.commit('Mapped', { '.mailmap': mailmap, m: 'x\n' });
  const { commits } = await readBlame(await rig.view(), commit, [Buffer.from('m')], 1, MINUTE);
  expect(commits.get(commit)?.author).toMatchObject({ name: 'Old', email: 'old@example.org' });
});
