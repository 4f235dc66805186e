import { expect, it, vi } from 'vitest';
import { type BranchFiles, branchFilesOf } from '../../../../src/browse/branch-files.ts';
import type { RepositoryView } from '../../../../src/browse/repository-view.ts';
import type { RepositoryViews } from '../../../../src/browse/repository-views.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import type { GitRepository } from '../../../../src/repository/git/git-repository.ts';
import { type RepositoryId, repositoryId } from '../../../../src/repository/repository-id.ts';
import { codeRoutes } from '../../../../src/web/code/code-routes.ts';
import { KeptPages } from '../../../../src/web/code/kept-pages.ts';
import { textOf } from '../../../helpers/code-rig.ts';
import { gate } from '../../../helpers/gate.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';

const OTHER = repositoryId('b'.repeat(64), ID.identifier);
const FILES: BranchFiles = { mailmap: undefined, signers: undefined };

it('what is read of a default branch is shared by the visitors of a repository, and not by another one with an equal state', async () => {
  const rig = new RepositoryRig();
  const manifest = manifestOf({ refs: new Map([['refs/heads/main', oid('7')]]) });
  const states = await Promise.all([ID, OTHER].map((id) => rig.publish(manifest, undefined, id)));
  expect(states[0]?.digest).toBe(states[1]?.digest);

  const gates = new Map([ID, OTHER].map(({ owner }) => [owner, gate()]));
  const reads: string[] = [];
  let isBroken = true;
  const read: RepositoryViews['read'] = async <T>(
    { id: { owner } }: GitRepository,
    _state: unknown,
    _signal: unknown,
    use: (view: RepositoryView) => Promise<T>,
  ) => {
    // Pages are made of nothing.
    if (use !== (branchFilesOf as unknown)) return `page of ${owner}` as T;
    reads.push(owner);
    await gates.get(owner)?.opened;
    if (owner === OTHER.owner && isBroken) throw new CairnError('unavailable', 'no copy');
    return FILES as T;
  };
  const { repositories, clock } = rig;
  const namesOf = ({ identifier }: RepositoryId) => ({ name: identifier });
  const kept = new KeptPages({ repositories, namesOf, clock });
  using facts = vi.spyOn(kept, 'factsOf');
  const app = codeRoutes({
    repositories,
    views: { read },
    kept,
    base: 'https://git.example.org',
    clock,
    namesOf,
  });
  app.onError((error, c) => c.text(error.message, 503));
  const get = (id: RepositoryId, page: string) =>
    Promise.resolve(app.request(`/${formatNpub(id.owner)}/${id.identifier}/${page}`));
  const ofOne = [get(ID, 'branches'), get(ID, 'tags'), get(ID, 'commits/main')];
  const ofOther = get(OTHER, 'branches');
  // Right after that, a page asks for the files.
  const begun = () => new Set(facts.mock.calls.map(([{ id }, { word }]) => `${id.owner} ${word}`));
  await expect.poll(() => begun().size).toBe(4);
  expect(reads.toSorted()).toEqual([ID.owner, OTHER.owner]);
  // A copy that fails is a matter of its repository alone.
  gates.get(OTHER.owner)?.open();
  expect(await textOf(await ofOther, 503)).toBe('no copy');
  gates.get(ID.owner)?.open();
  for (const page of ofOne) expect(await textOf(await page)).toBe(`page of ${ID.owner}`);
  expect(reads.toSorted()).toEqual([ID.owner, OTHER.owner]);
  // It is read again for whoever comes later.
  isBroken = false;
  expect(await textOf(await get(OTHER, 'branches'))).toBe(`page of ${OTHER.owner}`);
  expect(reads).toHaveLength(3);
});
