import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { ArtifactStore } from '../../src/repository/artifact-store.ts';
import type { RepositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { CraftedPack } from './craft-pack.ts';
import { run } from './git-client.ts';
import { objectId, type RawObject } from './raw-git.ts';
import { tempDir } from './temp-dir.ts';

/**
 * Publishes a pack and a ref as a push did before there were bounds: past every check of today.
 * @param objects all that the first of them reaches; the ref points at that one
 */
export async function plantPack(
  server: App,
  store: ObjectStore,
  id: RepositoryId,
  ref: string,
  objects: readonly RawObject[],
): Promise<void> {
  const [tip] = objects;
  if (tip === undefined) throw new Error('no objects');
  await using folder = await tempDir('cairn-planted');
  const path = join(folder.path, 'planted.pack');
  const bytes = new CraftedPack().all(objects).bytes();
  await run('git', ['init', '--quiet', '--bare', folder.path]);
  const args = ['index-pack', '--stdin', '-o', `${path}.idx`, path];
  const made = await run('git', args, { cwd: folder.path, input: bytes });
  expect(made.exitCode, made.stderr).toBe(0);
  const idx = await readFile(`${path}.idx`);
  const artifacts = new ArtifactStore({
    stores: { control: store, bulk: store },
    clock: systemClock,
    random: systemRandom,
  });
  const entry = {
    kind: 'push',
    objects: objects.length,
    pack: await artifacts.put(id, 'pack', sha256(bytes), bytes),
    idx: await artifacts.put(id, 'idx', sha256(idx), idx),
    linked: true,
  } as const;
  await server.repositories.get(id).publisher.join({
    since: 0,
    evaluate: async (state) => {
      if (state === undefined) throw new Error('no repository');
      const refs = new Map(
        [...state.refs, [ref, objectId(tip)] as const].sort(([a], [b]) => (a < b ? -1 : 1)),
      );
      const cause = { kind: 'push', actor: null, evidence: null, refs: [ref] } as const;
      return { next: { ...state, refs, packs: [...state.packs, entry] }, cause, result: undefined };
    },
  });
}
