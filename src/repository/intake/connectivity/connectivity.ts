/**
 * What has to be known before refs may be pointed at what a pack brings: that the new tips are complete, and what they are.
 *
 * Where no object in the packs of a repository links to anything that is not there, `git index-pack --strict` has shown all of
 * it: it looks for every object that one in the pack links to. Elsewhere git walks down from the tips.
 */
import { isBranch, type ObjectDescription, type RefCommand } from '../../../git/index.ts';
import type { QuarantinePaths } from '../../../git-process/commands.ts';
import type { Git } from '../../../git-process/git.ts';
import { inspectObjects } from '../../../git-process/inspect-objects.ts';
import { inspectTips, type PublishedTips, type TipsInspection } from '../../../git-process/inspect-tips.ts';
import { cooperate, mapped } from '../../../lib/cooperative.ts';
import { isClosed, type PublishedGitState } from '../../git/git-manifest.ts';
import type { ReceivedPack } from '../received-pack.ts';
import type { IntakeWorkspace } from '../workspace.ts';
import { linksAreFound } from './cut-links.ts';
import { knownObjects } from './known-objects.ts';
import { publishedTips } from './published-tips.ts';

/** Evidence that what a pack brings is complete, and what that rests on. */
export interface Connectivity {
  /** Digests of packs of the repository that git may have found objects in. */
  readonly packs: ReadonlySet<string>;
  readonly incarnation: string | undefined;
  /** The epoch of the state it was made over. */
  readonly epoch: string | undefined;
  /** True when git has walked down from the tips. If not, it counts only where {@link isClosed}. */
  readonly walked: boolean;
  /** True when git has found whatever the objects in the pack link to. */
  readonly linked: boolean;
}

/** What is known of new tips. */
export interface CheckedTips extends TipsInspection {
  readonly proof: Connectivity;
}

/** A ref, and the id of the object it is to point at. */
export type RefTarget = Pick<RefCommand, 'name' | 'newId'>;

export interface ConnectivityCheckOptions {
  readonly git: Git;
  readonly workspace: IntakeWorkspace;
  /** What refs are to point at. */
  readonly targets: readonly RefTarget[];
  /** Commits that the sender says it has no parents of. */
  readonly shallow: readonly string[];
  /** The state the pack is taken in on. */
  readonly published: PublishedGitState | undefined;
  readonly signal: AbortSignal;
}

/** Shows what one pack brings complete. */
export class ConnectivityCheck {
  private readonly options: ConnectivityCheckOptions;

  constructor(options: ConnectivityCheckOptions) {
    this.options = options;
  }

  /** Where nothing comes, and nothing is needed but what is there. */
  nothing(): CheckedTips {
    return { disconnected: new Set(), objects: new Map(), proof: this.proof(true, true) };
  }

  /**
   * Looks at tips.
   * @param pack undefined when no objects came
   * @throws CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted
   */
  async prove(tips: readonly string[], pack: ReceivedPack | undefined): Promise<CheckedTips> {
    const linked = await this.isLinked(pack);
    const walked = !this.isProvenByLinks(linked);
    const objects = new Map<string, ObjectDescription>();
    if (!walked) for (const oid of pack?.commits ?? []) objects.set(oid, { type: 'commit' });
    for (const [oid, description] of await this.published(tips.filter((tip) => !objects.has(tip))))
      objects.set(oid, description);
    const unknown = tips.filter((oid) => !objects.has(oid));
    const found = walked ? await this.walk(unknown) : await this.lookAt(unknown);
    for (const [oid, description] of found.objects) objects.set(oid, description);
    return { disconnected: found.disconnected, objects, proof: this.proof(walked, linked) };
  }

  /** What published refs say of tips that they point at, too. */
  private async published(tips: readonly string[]): Promise<Map<string, ObjectDescription>> {
    const objects = new Map<string, ObjectDescription>();
    if (tips.length === 0) return objects;
    const known = knownObjects(this.options.published?.manifest);
    const look = (oid: string) => {
      const description = known.get(oid);
      if (description !== undefined) objects.set(oid, description);
    };
    await cooperate(mapped(tips, look));
    return objects;
  }

  /** The same by a walk over another state: tips that something is missing below there, and what the others are. */
  async again(published: PublishedGitState | undefined, tips: readonly string[]): Promise<TipsInspection> {
    const paths = await this.options.workspace.moveOver(published);
    const { signal } = new AbortController();
    return this.inspect(paths, published, tips, signal);
  }

  private isProvenByLinks(linked: boolean): boolean {
    const { published } = this.options;
    return linked && (published === undefined || isClosed(published.manifest));
  }

  /** A pack that is cut where the sender's history is may have been let off a part of its links. */
  private async isLinked(pack: ReceivedPack | undefined): Promise<boolean> {
    const { git, workspace, shallow, published, signal } = this.options;
    if (shallow.length === 0 || pack === undefined) return true;
    return linksAreFound({ git, paths: await workspace.open(published), pack, shallow, signal });
  }

  private proof(walked: boolean, linked: boolean): Connectivity {
    const { workspace, published } = this.options;
    // All that git may have found objects in up to now.
    const named = published?.manifest.packs.map((entry) => entry.pack.digest) ?? [];
    return {
      packs: new Set([...named, ...workspace.packs()]),
      incarnation: published?.manifest.incarnation,
      epoch: published?.manifest.epoch,
      walked,
      linked,
    };
  }

  /** Whatever is there is complete. */
  private async lookAt(tips: readonly string[]) {
    const { git, workspace, published, signal } = this.options;
    if (tips.length === 0) return { disconnected: new Set<string>(), objects: new Map() };
    const objects = await inspectObjects(git, await workspace.open(published), tips, signal);
    return { disconnected: new Set(tips.filter((oid) => !objects.has(oid))), objects };
  }

  private async walk(tips: readonly string[]) {
    const { workspace, published, signal } = this.options;
    if (tips.length === 0) return { disconnected: new Set<string>(), objects: new Map() };
    return this.inspect(await workspace.open(published), published, tips, signal);
  }

  private inspect(
    paths: QuarantinePaths,
    state: PublishedGitState | undefined,
    tips: readonly string[],
    signal: AbortSignal,
  ): Promise<TipsInspection> {
    const { git, targets } = this.options;
    // What is meant for a branch has to be a commit, and nearly always is.
    const others = new Set(targets.flatMap(({ name, newId }) => (isBranch(name) ? [] : newId)));
    return inspectTips(git, {
      paths,
      tips,
      doubtful: tips.filter((oid) => others.has(oid)),
      published: this.publishedTips(state),
      signal,
    });
  }

  private publishedTips(state: PublishedGitState | undefined): PublishedTips {
    return publishedTips(
      state?.manifest,
      this.options.targets.map(({ name }) => name),
    );
  }
}
