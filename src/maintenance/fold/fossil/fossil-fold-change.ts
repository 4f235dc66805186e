import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { Change, Evaluation } from '../../../repository/change.ts';
import { sourcesOutside } from '../../../repository/fossil/bag-state.ts';
import type { FossilManifest, FossilPack, FossilState } from '../../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../../repository/fossil/fossil-repository.ts';

/** What a fold made of some packs of one state. Its pack is in the store. */
export interface FossilFold {
  readonly incarnation: string;
  /** The packs that the new one replaces, in their order. */
  readonly replaced: readonly FossilPack[];
  /** Absent if nothing of them is left. */
  readonly made: FossilPack | undefined;
  /** Shunned artifacts that are in no pack any more. */
  readonly dropped: ReadonlySet<ArtifactName>;
  /** Contents that no unversioned file had any more. They are in no pack any more. */
  readonly droppedContents: ReadonlySet<ArtifactName>;
}

/** `superseded`: another fold, a restore, a withdrawal or a change of what is shunned came first. */
export type FossilFoldVerdict = 'publish' | 'superseded';

/** Other packs for the same artifacts. Pushes that came meanwhile stay behind them. */
export class FossilFoldChange implements Change<FossilManifest, FossilFoldVerdict> {
  readonly since: number;
  private readonly repository: FossilRepository;
  private readonly fold: FossilFold;

  constructor(repository: FossilRepository, fold: FossilFold, since: number) {
    this.repository = repository;
    this.fold = fold;
    this.since = since;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, FossilFoldVerdict>> {
    const { incarnation, replaced, made } = this.fold;
    if (current === undefined || current.lifecycle === 'withdrawn' || current.incarnation !== incarnation) {
      return { result: 'superseded' };
    }
    const from = current.packs.findIndex(({ pack }) => pack.digest === replaced[0]?.pack.digest);
    const isThere =
      from !== -1 && replaced.every(({ pack }, at) => current.packs[from + at]?.pack.digest === pack.digest);
    if (!isThere || !(await this.mayDrop(current))) return { result: 'superseded' };
    const packs = [
      ...current.packs.slice(0, from),
      ...(made === undefined ? [] : [made]),
      ...current.packs.slice(from + replaced.length),
    ];
    return {
      next: { ...current, packs },
      cause: { kind: 'fold', actor: null, evidence: null, artifacts: 0, unversioned: 0 },
      result: 'publish',
    };
  }

  /** Whether what was dropped is still shunned or unused, and the source of nothing that came meanwhile. */
  private async mayDrop(current: FossilState): Promise<boolean> {
    const { dropped, droppedContents, replaced } = this.fold;
    if (dropped.size === 0 && droppedContents.size === 0) return true;
    const shunned = new Set(current.shunned);
    if ([...dropped].some((name) => !shunned.has(name))) return false;
    const view = await this.repository.bags.state(this.repository.id, current);
    for (const { hash } of view.unversioned.values()) {
      if (hash !== undefined && droppedContents.has(hash)) return false;
    }
    const inFold = new Set(replaced.map(({ pack }) => pack.digest));
    const sources = sourcesOutside(view, (number) => inFold.has(view.packs[number]?.pack.digest ?? ''));
    return ![...dropped].some((name) => sources.has(view.table.names.find(name)));
  }
}
