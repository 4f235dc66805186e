import type { GitManifest, PublishedGitState } from '../../src/repository/git/git-manifest.ts';
import type { RepositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { type CommandResult, GitClient } from './git-client.ts';

/** The published state of a repository, as the store has it now. */
export async function stateOn(server: App, id: RepositoryId): Promise<PublishedGitState> {
  const state = await server.repositories.get(id).resolve();
  if (state === undefined) throw new Error('no repository');
  return state;
}

/** The kinds of a manifest's packs, in order. */
export function kindsOf({ packs }: GitManifest): string[] {
  return packs.map(({ kind }) => kind);
}

/** Every object of a repository, with type and size, one a line; `folder` is a full clone or a snapshot. */
export async function objectsIn(folder: string): Promise<string[]> {
  const listed = await new GitClient(folder).run(['cat-file', '--batch-all-objects', '--batch-check']);
  return listed.split('\n');
}

/** Runs git in the snapshot from which a server answers readers. */
export async function onSnapshot<T>(
  server: App,
  id: RepositoryId,
  use: (git: GitClient) => Promise<T>,
): Promise<T> {
  const lease = await server.repositories.get(id).snapshot(await stateOn(server, id));
  try {
    return await use(new GitClient(lease.path));
  } finally {
    lease.release();
  }
}

/** Asks the snapshot of a server for an object. */
export function lookUp(server: App, id: RepositoryId, oid: string): Promise<CommandResult> {
  return onSnapshot(server, id, (git) => git.try(['cat-file', '-e', oid]));
}

/** Points a ref at an object that is in the repository already, as a push without objects does. */
export async function bringBack(server: App, id: RepositoryId, name: string, oid: string): Promise<void> {
  await server.repositories.get(id).publisher.join({
    since: 0,
    evaluate: async (state) => {
      if (state === undefined) throw new Error('no repository');
      const refs = new Map([...state.refs, [name, oid] as const].sort(([a], [b]) => (a < b ? -1 : 1)));
      const cause = { kind: 'push', actor: null, evidence: null, refs: [name] } as const;
      return { next: { ...state, refs }, cause, result: undefined };
    },
  });
}
