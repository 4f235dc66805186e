import type { GivenFlags } from '../../config/given-flags.ts';
import { readSettings } from '../../config/settings.ts';
import { systemClock } from '../../lib/clock.ts';
import { counted } from '../../lib/counted.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { createRepository, restore, setHead } from '../../maintenance/administer.ts';
import { history } from '../../maintenance/history.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { createLogger } from '../../observability/logger.ts';
import type { ArtifactStore } from '../../repository/artifact-store.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { GitManifest, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId } from '../../repository/repository-id.ts';
import { type AllRepositories, buildRepositories } from '../../server/open-repositories.ts';
import { openStoresForCommand, verdictsFolder } from '../../server/stores.ts';
import type { CommandContext } from '../command-context.ts';
import { badValue, countValue } from '../flag-values.ts';
import { publicKeyArgument } from '../public-key-argument.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { createFossil, listFossil, logFossil, showFossil } from './repo-fossil.ts';

/** A command that writes needs a store that has passed the probe. */
type Intent = 'reads' | 'writes';

/** Repositories opened for one command, without a server. */
interface Opened {
  readonly repositories: Repositories;
  readonly fossil: Repositories<FossilRepository>;
  readonly all: AllRepositories;
  readonly artifacts: ArtifactStore;
  readonly control: ObjectStore;
}

export async function repoCreate(
  name: string,
  options: {
    readonly objectFormat: string;
    readonly head: string;
    readonly fossil?: boolean;
    readonly projectCode?: string;
  },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  if (options.fossil === true) {
    await withRepositories(flags, context, 'writes', ({ fossil }) =>
      createFossil(fossil.get(repositoryArgument(name)), options.projectCode, context),
    );
    return;
  }
  if (options.projectCode !== undefined) {
    throw new CairnError('invalid', '--project-code: only for repositories of Fossil (--fossil)');
  }
  const { objectFormat } = options;
  if (objectFormat !== 'sha1' && objectFormat !== 'sha256') {
    throw badValue('--object-format', objectFormat, 'sha1 or sha256');
  }
  await withRepository(name, flags, context, 'writes', async (repository) => {
    await createRepository(repository, {
      objectFormat,
      head: branchName(options.head),
      random: systemRandom,
    });
    const { owner, identifier } = repository.id;
    context.print(`created ${repository}`);
    context.print(`git URL path: /git/${owner}/${encodeURIComponent(identifier)}.git`);
  });
}

export async function repoList(
  owner: string | undefined,
  options: { readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withRepositories(flags, context, 'reads', async ({ repositories, fossil }) => {
    const damaged: CairnError[] = [];
    const ofOwner = owner === undefined ? undefined : publicKeyArgument(owner);
    const listed = repositories.list(ofOwner, (damage) => {
      damaged.push(damage);
    });
    for await (const { id, state } of listed) {
      const { refs, lifecycle, packs, objectFormat } = state.manifest;
      if (options.json === true) {
        const line = {
          owner: id.owner,
          identifier: id.identifier,
          state: lifecycle,
          objectFormat,
          refs: refs.size,
          packs: packs.length,
        };
        context.print(JSON.stringify(line));
      } else {
        context.print(
          [formatRepositoryId(id), counted(refs.size, 'ref'), counted(packs.length, 'pack'), lifecycle].join(
            '\t',
          ),
        );
      }
    }
    const json = options.json === true;
    // Those that cannot be read are known from the first listing.
    await listFossil(fossil, { owner: ofOwner, json }, context, () => undefined);
    // Report failures at the end: a damaged repository must not hide the others.
    if (damaged.length > 0) throw new CairnError('corrupt', damaged.map(messageOf).join('; '));
  });
}

export async function repoShow(
  name: string,
  options: { readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withRepository(name, flags, context, 'reads', async (repository, { all }) => {
    const opened = await all.open(repository.id);
    if (opened?.kind === 'fossil') {
      showFossil(opened.repository, opened.state, options.json === true, context);
      return;
    }
    const state = await mustResolve(repository);
    if (options.json === true) {
      context.print(JSON.stringify({ digest: state.digest, manifest: plain(state.manifest) }, null, 2));
      return;
    }
    const { manifest } = state;
    const bytes = manifest.packs.reduce((sum, entry) => sum + entry.pack.size, 0);
    context.print(`repository  ${repository}`);
    context.print(`manifest    ${state.digest} (depth ${manifest.depth})`);
    context.print(`state       ${manifest.lifecycle}, ${manifest.objectFormat}`);
    context.print(`packs       ${manifest.packs.length} (${counted(bytes, 'byte')})`);
    context.print(`HEAD        ${manifest.head}${manifest.refs.has(manifest.head) ? '' : ' (unborn)'}`);
    for (const [ref, oid] of manifest.refs) context.print(`${oid}  ${ref}`);
  });
}

export async function repoLog(
  name: string,
  options: { readonly limit: string; readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const limit = countValue('--limit', options.limit);
  await withRepository(name, flags, context, 'reads', async (repository, { all }) => {
    const opened = await all.open(repository.id);
    if (opened?.kind === 'fossil') {
      await logFossil(opened.repository, opened.state, { limit, json: options.json === true }, context);
      return;
    }
    let left = limit;
    for await (const { digest, manifest } of history(repository, await mustResolve(repository))) {
      const at = new Date(manifest.receiptAt * 1000).toISOString();
      if (options.json === true) {
        context.print(JSON.stringify({ depth: manifest.depth, digest, at, causes: manifest.causes }));
      } else {
        const causes = manifest.causes
          .map((cause) => [cause.kind, ...cause.refs.slice(0, 5)].join(' '))
          .join('; ');
        context.print(`${String(manifest.depth).padStart(5)}  ${digest.slice(0, 12)}  ${at}  ${causes}`);
      }
      left--;
      if (left === 0) return;
    }
  });
}

export async function repoRestore(
  name: string,
  which: string,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withRepository(name, flags, context, 'writes', async (repository, { artifacts }) => {
    const committed = await restore(repository, { artifacts, random: systemRandom }, which);
    context.print(
      committed.digest === undefined
        ? 'nothing to do: the repository is in that state'
        : `restored: depth ${committed.manifest?.depth}, manifest ${committed.digest}`,
    );
  });
}

export async function repoSetHead(
  name: string,
  branch: string,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withRepository(name, flags, context, 'writes', async (repository) => {
    await setHead(repository, branchName(branch));
    context.print(`HEAD is ${branchName(branch)}`);
  });
}

/** Opens one repository, named `<owner>/<identifier>`, for one command. */
export async function withRepository(
  name: string,
  flags: GivenFlags,
  context: CommandContext,
  intent: Intent,
  use: (repository: GitRepository, opened: Opened) => Promise<void>,
): Promise<void> {
  const id = repositoryArgument(name);
  await withRepositories(flags, context, intent, (opened) => use(opened.repositories.get(id), opened));
}

async function withRepositories(
  flags: GivenFlags,
  context: CommandContext,
  intent: Intent,
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  const settings = readSettings(flags, context.environment);
  const { stores, close } = await openStoresForCommand(settings.store, {
    writes: intent === 'writes',
    verdicts: verdictsFolder(settings.cache.folder),
    log: createLogger('error'),
  });
  try {
    const { swapPatience } = settings;
    // These commands do not run git, so there is no cache.
    const parts = { stores, clock: systemClock, random: systemRandom, swapPatience };
    const { repositories, fossil, all, artifacts } = buildRepositories(parts);
    await use({ repositories, fossil, all, artifacts, control: stores.control });
  } finally {
    await close();
  }
}

async function mustResolve(repository: GitRepository): Promise<PublishedGitState> {
  const state = await repository.resolveOwnKind();
  if (state === undefined) throw new CairnError('not-found', `there is no repository ${repository}`);
  return state;
}

function branchName(text: string): string {
  return text.startsWith('refs/') ? text : `refs/heads/${text}`;
}

/** A manifest as JSON, with the property names of its stored form. */
function plain({ lifecycle, appliedState, ...manifest }: GitManifest): unknown {
  return {
    ...manifest,
    state: lifecycle,
    order: appliedState,
    refs: Object.fromEntries(manifest.refs),
    peeled: Object.fromEntries(manifest.peeled),
  };
}
