import type { GivenFlags } from '../../config/given-flags.ts';
import { counted } from '../../lib/counted.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { type FoldMode, type FoldOutcome, foldRepository } from '../../maintenance/fold/fold.ts';
import { type FossilFoldOutcome, foldFossil } from '../../maintenance/fold/fossil/fossil-fold.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import type { AllRepositories } from '../../server/open-repositories.ts';
import type { CommandContext } from '../command-context.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { withStoreAndGit } from '../store-and-git.ts';

/** What is needed to fold repositories. */
interface Opened {
  readonly repositories: Repositories;
  readonly fossil: Repositories<FossilRepository>;
  readonly all: AllRepositories;
  fold(repository: GitRepository, mode: FoldMode): Promise<FoldOutcome>;
  foldFossil(repository: FossilRepository, mode: 'due' | 'full'): Promise<FossilFoldOutcome>;
}

/**
 * Folds one repository completely, or every repository that has enough packs. It works beside running servers in a
 * folder of its own, because the cache folder belongs to a server.
 */
export async function fold(
  name: string | undefined,
  options: { readonly all?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const all = options.all === true;
  if ((name === undefined) !== all) {
    throw new CairnError('invalid', 'name a repository, <owner>/<identifier>, or use --all');
  }
  await withFolding(flags, context, async (opened) => {
    if (name === undefined) {
      await foldAll(opened, context);
      return;
    }
    const id = repositoryArgument(name);
    const found = await opened.all.open(id);
    if (found?.kind === 'fossil') {
      context.print(fossilDescribed(await opened.foldFossil(found.repository, 'full')));
      return;
    }
    const repository = opened.repositories.get(id);
    const outcome = await opened.fold(repository, 'full');
    if (outcome.outcome === 'leased') {
      throw new CairnError('busy', `a server is folding ${repository} right now; try again when it is done`);
    }
    context.print(described(outcome));
  });
}

async function foldAll(opened: Opened, context: CommandContext): Promise<void> {
  const problems: string[] = [];
  const trouble = (error: unknown) => problems.push(messageOf(error));
  for await (const { id } of opened.repositories.list(undefined, trouble)) {
    context.signal.throwIfAborted();
    const repository = opened.repositories.get(id);
    try {
      const outcome = await opened.fold(repository, 'due');
      const isQuiet = outcome.outcome === 'nothing to do' && outcome.refusal === undefined;
      if (!isQuiet) context.print(`${repository}\t${described(outcome)}`);
    } catch (error) {
      context.signal.throwIfAborted();
      problems.push(`${repository}: ${messageOf(error)}`);
    }
  }
  // What cannot be read was reported by the first listing.
  for await (const { id } of opened.fossil.list(undefined, () => undefined)) {
    context.signal.throwIfAborted();
    const repository = opened.fossil.get(id);
    try {
      const outcome = await opened.foldFossil(repository, 'due');
      if (outcome.outcome !== 'nothing to do') context.print(`${repository}\t${fossilDescribed(outcome)}`);
    } catch (error) {
      context.signal.throwIfAborted();
      problems.push(`${repository}: ${messageOf(error)}`);
    }
  }
  // Report failures at the end: one repository in trouble must not prevent the others from being folded.
  if (problems.length > 0) throw new CairnError('unavailable', problems.join('; '));
}

function fossilDescribed(outcome: FossilFoldOutcome): string {
  if (outcome.outcome !== 'folded') return ended(outcome);
  return `folded: ${counted(outcome.packs, 'pack')} became one, ${counted(outcome.records, 'record')} in it`;
}

function described(outcome: FoldOutcome): string {
  const refusal = 'refusal' in outcome && outcome.refusal !== undefined ? `; ${outcome.refusal}` : '';
  return `${ended(outcome)}${refusal}`;
}

function ended(outcome: FoldOutcome | Exclude<FossilFoldOutcome, { readonly outcome: 'folded' }>): string {
  switch (outcome.outcome) {
    case 'folded':
    case 'rolled up': {
      const [before, after] = outcome.packs;
      return `${outcome.outcome}: ${counted(before, 'pack')} before, ${after} now, ${counted(outcome.objects, 'object')} packed`;
    }
    case 'leased':
      return 'skipped: a server is folding it right now';
    case 'superseded':
      return 'unchanged: the repository changed meanwhile, and this fold no longer fits';
    case 'nothing to do':
      return 'nothing to do';
  }
}

async function withFolding(
  flags: GivenFlags,
  context: CommandContext,
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  await withStoreAndGit('fold', flags, context, async (opened) => {
    const { settings, log, git, stores, repositories, artifacts, cache, scratch, clock, random } = opened;
    const folding = {
      artifacts,
      cache,
      git,
      scratch,
      clock,
      random,
      control: stores.control,
      holder: random.hex(8),
      grace: Math.floor(settings.unreachableGrace / 1000),
      onTrouble: (id: RepositoryId, error: unknown) =>
        log.warn(
          { repository: formatRepositoryId(id), problem: messageOf(error) },
          'a step of a fold failed, the fold continues',
        ),
    };
    await use({
      repositories,
      fossil: opened.fossil,
      all: opened.all,
      foldFossil: (repository, mode) => foldFossil(folding, repository, mode, context.signal),
      fold: (repository, mode) =>
        // Repositories are folded one after another, so the cached files of this one are no longer needed.
        foldRepository(folding, repository, mode, 0, context.signal).finally(() => cache.relieve()),
    });
  });
}
