import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { ManifestStore } from '../../../src/repository/manifest-store.ts';
import { OtherKindError } from '../../../src/repository/other-kind.ts';
import { Repositories } from '../../../src/repository/repositories.ts';
import { RepositoriesOfAllKinds } from '../../../src/repository/repositories-of-all-kinds.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { FaultyStore } from '../../helpers/faulty-store.ts';
import { ID, manifestOf, RepositoryRig } from '../../helpers/repository-rig.ts';
import { WORDS_ID, type WordManifest, WordServer, wordKind } from '../../helpers/word-repository.ts';

/** A server over a store with a repository of git and one of words. Both are published by another server. */
async function openBoth() {
  const store = new FaultyStore(new MemoryObjectStore());
  const rig = new RepositoryRig({ store });
  await rig.publish(manifestOf());
  await new WordServer(store).add('first');
  const { artifacts, clock, random } = rig;
  const manifests = new ManifestStore(artifacts, wordKind);
  const context = { control: store, manifests, clock, random, swapPatience: 1_000 };
  const words = new Repositories<Repository<WordManifest>>({
    ...context,
    open: (id) => new Repository(id, context),
  });
  store.reset();
  return { store, rig, words, all: new RepositoriesOfAllKinds({ git: rig.repositories, words }) };
}

it('a repository is opened by the kind in its manifest', async () => {
  const { all, rig, words } = await openBoth();
  const git = await all.open(ID);
  expect(git?.kind).toBe('git');
  expect(git?.repository).toBe(rig.repositories.get(ID));
  const other = await all.open(WORDS_ID);
  expect(other?.kind === 'words' ? [...other.state.manifest.words.keys()] : other?.kind).toEqual(['first']);
  expect(other?.repository).toBe(words.get(WORDS_ID));
  expect(await all.open(repositoryId('c'.repeat(64), 'none'))).toBeUndefined();
});

it('the most frequent kind costs no extra request, and another one only once', async () => {
  const { all, store } = await openBoth();
  await all.open(ID);
  expect(store.log, 'its manifest is remembered').toHaveLength(1);
  await all.open(WORDS_ID);
  store.reset();
  await all.open(WORDS_ID);
  expect(store.log).toHaveLength(1);
});

it('a caller for one kind finds no repository of another, and cannot publish over it', async () => {
  const { all, rig, words } = await openBoth();
  expect(await all.of('git').get(WORDS_ID).resolve()).toBeUndefined();
  expect(await all.of('git').get(WORDS_ID).known()).toBeUndefined();
  expect(await all.of('words').get(ID).resolve()).toBeUndefined();
  const change = { since: 0, evaluate: async () => ({ result: undefined }) };
  await expect(rig.repositories.get(WORDS_ID).publisher.join(change)).rejects.toThrow(
    'this is a repository of words, not of git',
  );
  expect((await words.get(WORDS_ID).resolve())?.manifest.depth).toBe(0);
});

it('a list of one kind leaves out the others, and does not report them as damaged', async () => {
  const { rig, words } = await openBoth();
  const listed = async (of: AsyncGenerator<{ readonly id: unknown }>) => {
    const ids = [];
    for await (const { id } of of) ids.push(id);
    return ids;
  };
  expect(await listed(rig.repositories.list())).toEqual([ID]);
  expect(await listed(words.list())).toEqual([WORDS_ID]);
});

it('a list of all kinds has each repository with its kind, and leaves out those that this server does not open', async () => {
  const { all, rig, words } = await openBoth();
  const listed = async (of: Pick<typeof all, 'list'>) => {
    const found = [];
    for await (const { kind, id } of of.list((damage) => expect.unreachable(damage.message)))
      found.push([kind, id]);
    return found.sort();
  };
  const both = [
    ['git', ID],
    ['words', WORDS_ID],
  ];
  expect(await listed(all)).toEqual(both);
  // Whichever kind is tried first.
  expect(await listed(new RepositoriesOfAllKinds({ words, git: rig.repositories }))).toEqual(both);
  expect(await listed(new RepositoriesOfAllKinds({ words }))).toEqual([['words', WORDS_ID]]);
});

it('a kind that this server does not open is named', async () => {
  const { rig } = await openBoth();
  const onlyGit = new RepositoriesOfAllKinds({ git: rig.repositories });
  await expect(onlyGit.open(WORDS_ID)).rejects.toThrow(OtherKindError);
});
