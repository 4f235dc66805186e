/**
 * A pack from its first byte to its entry in a manifest: index it, check its bounds, prove it complete, store it. This is for those who
 * decide nothing on the way. A push does: it calls the same steps by itself, since whatever is refused must not be stored.
 */
import { isZeroId, type RefCommand } from '../../git/index.ts';
import { isFastForward } from '../../git-process/inspect-objects.ts';
import { type GitState, hasNoObjects, type PackEntry, type PublishedGitState } from '../git/git-manifest.ts';
import type { GitRepository } from '../git/git-repository.ts';
import { type AllowedPack, packBounds } from './bounds/pack-bounds.ts';
import { type CheckedTips, ConnectivityCheck, type RefTarget } from './connectivity/connectivity.ts';
import type { StandingProofOptions } from './connectivity/standing-proof.ts';
import { indexPack } from './indexing/index-pack.ts';
import type { IntakeContext } from './intake-context.ts';
import type { PackSource } from './pack-source.ts';
import { type ReceivedPack, receivedFacts } from './received-pack.ts';
import { keepForReaders, storePack } from './store-pack.ts';
import { IntakeWorkspace } from './workspace.ts';

export interface TakeInOptions {
  readonly repository: GitRepository;
  /** The state it is taken in on; undefined when there is no repository yet. */
  readonly published: PublishedGitState | undefined;
  /** The substitute for that state. */
  readonly empty: GitState;
  /** What refs are to point at. One with a zero id is to go. */
  readonly targets: readonly RefTarget[];
  /** Branches that must not lose commits. The old ids are commits that are here. */
  readonly forward?: readonly RefCommand[];
  /** What the entry says of where the pack comes from. */
  readonly kind: 'push' | 'mirror';
  /** How much may come, where that is less than this server takes in. */
  readonly allowed?: AllowedPack;
  /** Gets what git says about its progress. */
  readonly onProgress?: (text: Buffer) => void;
  /** Told how long git has worked on the pack since it was told last, in seconds. */
  readonly onWorked?: (seconds: number) => void;
  readonly signal: AbortSignal;
}

/** A pack that is stored, and that no manifest names yet. */
export interface TakenPack {
  readonly outcome: 'taken';
  /** How a manifest names it, without `linked`; undefined when no objects came. */
  readonly entry: PackEntry | undefined;
  /** Tips that are commits in the pack itself. */
  readonly commits: ReadonlySet<string>;
  /** What was shown of the tips on the state it was taken in on, and how to show it again on another one. */
  readonly proof: StandingProofOptions;
  /** Gives back what is needed to show it again. Must be called, and not before the change has been published. */
  drop(): Promise<void>;
}

/** A pack that is not taken in. Nothing of it is left, on disk or in the store. */
export interface RefusedPack {
  readonly outcome: 'refused';
  readonly reason: string;
  /** What git's checks found wrong with objects: `object <id>: <rule>: <text>` each. */
  readonly findings: readonly string[];
  /** True when it is beyond a bound: nothing is wrong with it but how much it holds, or makes of what it holds. */
  readonly excess?: true;
  /** Names of branches that would lose commits, if that is why. */
  readonly diverged?: readonly string[];
}

/**
 * Takes in one pack. It is stored only when all that its tips need is here.
 * @param source read to its end, unless this throws: then the caller ends it
 * @throws DiskFullError; CairnError `unavailable` when git cannot be run or the store does not take the pack; `corrupt` when packs of
 *   the repository are damaged; the signal's reason when it is aborted; what the source throws. Nothing is left on disk then.
 */
export async function takeInPack(
  context: IntakeContext,
  source: PackSource,
  options: TakeInOptions,
): Promise<TakenPack | RefusedPack> {
  const { repository, empty } = options;
  const { cache, scratch } = context;
  const workspace = new IntakeWorkspace({ repository, cache, scratch, empty, shallow: [] });
  let taken: TakenPack | RefusedPack | undefined;
  try {
    taken = await takeInto(workspace, context, source, options);
    return taken;
  } finally {
    if (taken?.outcome !== 'taken') await workspace.drop();
  }
}

async function takeInto(
  workspace: IntakeWorkspace,
  context: IntakeContext,
  source: PackSource,
  options: TakeInOptions,
): Promise<TakenPack | RefusedPack> {
  const { git, clock } = context;
  const { published, empty, targets, onProgress, onWorked = () => undefined, signal } = options;
  const tips = newIds(targets);
  const indexed = await indexPack({
    keepsFiles: context.artifacts.keepsFiles,
    git,
    source,
    paths: () => workspace.open(published),
    bounds: packBounds(context, options.allowed),
    clock,
    onWorked,
    format: (published?.manifest ?? empty).objectFormat,
    tips,
    isFirst: hasNoObjects(published),
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  if (indexed.outcome === 'refused') return indexed;
  const received = indexed.outcome === 'received' ? indexed.pack : undefined;
  const check = new ConnectivityCheck({ git, workspace, targets, shallow: [], published, signal });
  const checked = await check.prove(tips, received);
  if (checked.disconnected.size > 0) return missing(checked);
  const diverged = await divergedIn(workspace, context, options);
  if (diverged.length > 0) return lossOf(diverged);
  return {
    outcome: 'taken',
    entry: received === undefined ? undefined : await store(context, received, options),
    commits: received?.commits ?? new Set(),
    proof: { ...checked, tips: () => tips, again: (over, asked) => check.again(over, asked) },
    drop: () => workspace.drop(),
  };
}

/** Object ids that refs are to point at. */
function newIds(targets: readonly RefTarget[]): string[] {
  return [...new Set(targets.map(({ newId }) => newId).filter((oid) => !isZeroId(oid)))];
}

function missing({ disconnected }: CheckedTips): RefusedPack {
  const [first = ''] = disconnected;
  const others = disconnected.size > 1 ? ` and ${disconnected.size - 1} more` : '';
  return { outcome: 'refused', reason: `objects that ${first}${others} needs are missing`, findings: [] };
}

/** Names of branches that would lose commits. */
async function divergedIn(
  workspace: IntakeWorkspace,
  { git }: IntakeContext,
  { forward = [], published, signal }: TakeInOptions,
): Promise<string[]> {
  const names: string[] = [];
  for (const { name, oldId, newId } of forward) {
    const paths = await workspace.open(published);
    if (!(await isFastForward(git, paths, oldId, newId, signal))) names.push(name);
  }
  return names;
}

function lossOf(diverged: readonly string[]): RefusedPack {
  const [first = ''] = diverged;
  const others = diverged.length > 1 ? ` and ${diverged.length - 1} more` : '';
  return { outcome: 'refused', reason: `${first}${others} would lose commits`, findings: [], diverged };
}

async function store(
  { artifacts, cache }: IntakeContext,
  received: ReceivedPack,
  { repository, published, kind }: TakeInOptions,
): Promise<PackEntry> {
  const generation = published?.manifest.generation;
  const facts = receivedFacts(kind, received);
  const entry = await storePack(artifacts, repository.id, facts, received, generation);
  await keepForReaders(cache, received, entry);
  return entry;
}
