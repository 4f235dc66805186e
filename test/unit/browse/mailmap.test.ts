import { expect, it } from 'vitest';
import { mailmapOf } from '../../../src/browse/mailmap.ts';
import { peel, readCommit } from '../../../src/browse/objects.ts';
import { Mailmap } from '../../../src/git/index.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

it('people have the names of the default branch’s mailmap on every commit and tag', async () => {
  await using rig = await BrowseRig.open('sha256');
  const { client } = rig;
  const old = await client.commit('Before there was one', { a: '1' });
  await client.run(['tag', '-a', '-m', 'tagged', 'v1']);
  const before = await rig.view();
  expect(await mailmapOf(before)).toBe(Mailmap.empty);
  expect((await readCommit(before, old)).commit.author.name).toBe('A User');
  await client.commit('Rename', { '.mailmap': 'New Name <new@example.com> <user@example.com>\n' });
  await client.run(['checkout', '-q', '-b', 'other', old]);
  await client.commit('Other', { '.mailmap': 'Wrong <user@example.com>\n' });
  const view = await rig.view();
  const { author, committer } = (await readCommit(view, old)).commit;
  expect([author.name, author.email, committer.name]).toEqual(['New Name', 'new@example.com', 'New Name']);
  const tag = view.manifest.refs.get('refs/tags/v1') ?? '';
  expect((await peel(view, tag)).tags[0]?.tag.tagger?.name).toBe('New Name');
  // It is read once, whatever the state.
  expect(await mailmapOf(await rig.view())).toBe(await mailmapOf(view));
});

it('a mailmap that is too large, a link or a folder is ignored', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  const line = 'Other <user@example.com>\n';
  await client.commit('Large', { '.mailmap': line.repeat(50_000) });
  expect(await mailmapOf(await rig.view())).toBe(Mailmap.empty);
  const blob = await client.run(['hash-object', '-w', '--stdin'], { input: line });
  const shown = async (entry: string) => {
    const tree = await client.run(['mktree'], { input: `${entry}\t.mailmap\n` });
    await client.run(['update-ref', 'refs/heads/main', await client.run(['commit-tree', tree, '-m', 'x'])]);
    return (await mailmapOf(await rig.view())).apply({ name: 'A User', email: 'user@example.com' }).name;
  };
  expect(await shown(`120000 blob ${blob}`)).toBe('A User');
  expect(await shown(`100644 blob ${blob}`)).toBe('Other');
  const empty = await client.run(['mktree'], { input: '' });
  expect(await shown(`040000 tree ${empty}`)).toBe('A User');
});
