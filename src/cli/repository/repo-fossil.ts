/** `cairn repo` for Fossil repositories. */
import type { CairnError } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { history } from '../../maintenance/history.ts';
import { CreateFossil, newFossilState } from '../../repository/fossil/create-fossil.ts';
import type { FossilManifest, PublishedFossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId } from '../../repository/repository-id.ts';
import type { CommandContext } from '../command-context.ts';
import { badValue } from '../flag-values.ts';

/**
 * Creates an empty Fossil repository.
 * @param projectCode 40 hex digits; undefined: the first push sets it
 * @throws CairnError `conflict` when there is a repository already
 */
export async function createFossil(
  repository: FossilRepository,
  projectCode: string | undefined,
  { print }: CommandContext,
): Promise<void> {
  if (projectCode !== undefined && !/^[0-9a-f]{40}$/.test(projectCode)) {
    throw badValue('--project-code', projectCode, '40 hex digits, as "fossil info" prints them');
  }
  const { owner, identifier } = repository.id;
  await repository.resolveOwnKind();
  const state = newFossilState(
    repository.id,
    systemRandom.hex(16),
    projectCode === undefined ? {} : { projectCode },
  );
  await repository.publisher.join(new CreateFossil(state, repository.mark()));
  print(`created ${repository}`);
  print(`fossil URL path: /fossil/${owner}/${encodeURIComponent(identifier)}`);
}

/** Prints a line for each Fossil repository. Damaged ones are passed on and left out. */
export async function listFossil(
  repositories: Repositories<FossilRepository>,
  options: { readonly owner: string | undefined; readonly json: boolean },
  { print }: CommandContext,
  onDamaged: (damage: CairnError) => void,
): Promise<void> {
  for await (const { id, state } of repositories.list(options.owner, onDamaged)) {
    const { lifecycle, packs, artifacts } = state.manifest;
    if (options.json) {
      const { owner, identifier } = id;
      const line = { owner, identifier, vcs: 'fossil', state: lifecycle, artifacts, packs: packs.length };
      print(JSON.stringify(line));
    } else {
      const counts = [`${artifacts} artifacts`, `${packs.length} packs`];
      print([formatRepositoryId(id), ...counts, lifecycle, 'fossil'].join('\t'));
    }
  }
}

/** Prints the published state of a Fossil repository. */
export function showFossil(
  repository: FossilRepository,
  { digest, manifest }: PublishedFossilState,
  json: boolean,
  { print }: CommandContext,
): void {
  if (json) {
    print(JSON.stringify({ digest, manifest: plain(manifest) }, null, 2));
    return;
  }
  const bytes = manifest.packs.reduce((sum, { pack }) => sum + pack.size, 0);
  print(`repository  ${repository}`);
  print(`manifest    ${digest} (depth ${manifest.depth})`);
  print(`state       ${manifest.lifecycle}, fossil`);
  print(
    `project     ${manifest.projectCode}${manifest.projectName === '' ? '' : ` (${manifest.projectName})`}`,
  );
  print(`artifacts   ${manifest.artifacts}`);
  print(`packs       ${manifest.packs.length} (${bytes} bytes)`);
  if (manifest.shunned.length > 0) print(`shunned     ${manifest.shunned.length}`);
}

/** Prints the history of a Fossil repository, newest first. */
export async function logFossil(
  repository: FossilRepository,
  state: PublishedFossilState,
  { limit, json }: { readonly limit: number; readonly json: boolean },
  { print }: CommandContext,
): Promise<void> {
  let left = limit;
  for await (const { digest, manifest } of history(repository, state)) {
    const at = new Date(manifest.receiptAt * 1000).toISOString();
    if (json) {
      print(JSON.stringify({ depth: manifest.depth, digest, at, causes: manifest.causes }));
    } else {
      const causes = manifest.causes
        .map(({ kind, artifacts }) => `${kind} ${artifacts} artifacts`)
        .join('; ');
      print(`${String(manifest.depth).padStart(5)}  ${digest.slice(0, 12)}  ${at}  ${causes}`);
    }
    left--;
    if (left === 0) return;
  }
}

/** A manifest as JSON, with the property names of its stored form. */
function plain({ lifecycle, ...manifest }: FossilManifest): unknown {
  return { ...manifest, kind: 'fossil', state: lifecycle };
}
