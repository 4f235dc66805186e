import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { compareUnversioned } from '../../fossil/unversioned.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import { type BagState, bitsOf, isPublic, isVisible, status, stillWaits } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import { KnownDeltas } from './deltas.ts';
import { hasSameSettings } from './fossil-kind.ts';
import type { FossilManifest, FossilPack, FossilPackKind, FossilState } from './fossil-manifest.ts';
import type { FossilRepository } from './fossil-repository.ts';
import type { PreparedArtifacts } from './prepared-artifacts.ts';

/** Who brought artifacts, and how. */
export interface FossilActor {
  readonly kind: FossilPackKind & ('push' | 'sync' | 'mirror');
  /** The public key that acted, or null if no identity was needed. */
  readonly actor: string | null;
  /** Event id of the evidence, or null. */
  readonly evidence: string | null;
}

/** `stale`: what the pack's deltas are made of has left the repository; they are prepared again over what is there now. */
export type AddedArtifacts =
  | { readonly outcome: 'added'; readonly artifacts: readonly ArtifactName[]; readonly unversioned: number }
  | { readonly outcome: 'stale' };

export interface AddOptions {
  /**
   * The state under which the sender was admitted, if that may be out of date. Nothing is published over a state with other settings:
   * under those the sender may have no right to it.
   */
  readonly admitted?: FossilState;
}

/** The rights, passwords or other settings of the repository have changed since the sender was admitted. Nothing was published. */
export class SettingsChangedError extends CairnError {
  constructor() {
    super('busy', 'the settings of the repository have changed, try again');
  }
}

/**
 * Adds a pack of artifacts to whatever is published: a union. What is there already is no news, nothing is refused for a race,
 * and if nothing is news, nothing is published.
 */
export class AddArtifacts implements Change<FossilManifest, AddedArtifacts> {
  readonly since: number;
  private readonly repository: FossilRepository;
  private readonly prepared: PreparedArtifacts;
  private readonly entry: FossilPack;
  private readonly actor: FossilActor;
  private readonly options: AddOptions;

  constructor(
    repository: FossilRepository,
    prepared: PreparedArtifacts,
    entry: FossilPack,
    actor: FossilActor,
    since: number,
    options: AddOptions = {},
  ) {
    this.repository = repository;
    this.prepared = prepared;
    this.entry = entry;
    this.actor = actor;
    this.since = since;
    this.options = options;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, AddedArtifacts>> {
    const { prepared, entry, repository, actor } = this;
    const { admitted } = this.options;
    const before = prepared.bag.state;
    if (
      current === undefined ||
      current.lifecycle === 'withdrawn' ||
      current.incarnation !== before.incarnation
    ) {
      throw new CairnError('not-found', 'the repository was withdrawn while its artifacts came');
    }
    if (admitted !== undefined && !hasSameSettings(current, admitted)) {
      throw new SettingsChangedError();
    }
    // The same pack again: an earlier attempt was published after all.
    const isThere = current.packs.some(({ pack }) => pack.digest === entry.pack.digest);
    const view = await repository.bags.state(repository.id, current);
    const isStale =
      [...prepared.sources].some((name) => !isHeld(view, name)) ||
      [...prepared.contents].some((hash) => !view.contents.has(hash));
    if (!isThere && isStale) return { result: { outcome: 'stale' } };
    const added = new Set<ArtifactName>();
    const published = new Set<ArtifactName>();
    for (const { name, isPrivate } of prepared.artifacts) {
      const bits = bitsByName(view, name);
      if ((bits & status.shunned) !== 0) continue;
      if (!isVisible(bits)) added.add(name);
      if (!isPrivate && !isPublic(bits)) published.add(name);
    }
    const files = prepared.unversioned.filter(
      (file) => compareUnversioned(view.unversioned.get(file.name), file) <= 2,
    );
    const result: AddedArtifacts = {
      outcome: 'added',
      artifacts: [...new Set([...added, ...published])],
      unversioned: files.length,
    };
    const isNews = result.artifacts.length + files.length > 0 || this.changesWaiting(view);
    if (isThere || !isNews) return { result };
    const { kind, actor: key, evidence } = actor;
    return {
      next: {
        ...current,
        lifecycle: 'live',
        artifacts: view.publicCount + published.size,
        packs: [...current.packs, entry],
      },
      cause: { kind, actor: key, evidence, artifacts: published.size, unversioned: files.length },
      result,
    };
  }

  /** Whether a delta begins to wait, or one that waits is dropped. */
  private changesWaiting(view: BagState): boolean {
    const { waiting, wrong } = this.prepared;
    const here = new KnownDeltas();
    for (const { slot, source, isPrivate } of view.waiting) {
      here.add({ name: view.table.names.at(slot), source: view.table.names.at(source), isPrivate });
    }
    return (
      waiting.some((delta) => !here.has(delta) && stillWaits(bitsByName(view, delta.name), delta)) ||
      wrong.some((delta) => here.has(delta))
    );
  }
}

function slotOf({ table, slots }: BagState, name: ArtifactName): number {
  const slot = table.names.find(name);
  return slot === -1 || slot >= slots ? NONE : slot;
}

function bitsByName(view: BagState, name: ArtifactName): number {
  return bitsOf(view, slotOf(view, name));
}

function isHeld(view: BagState, name: ArtifactName): boolean {
  return (bitsByName(view, name) & status.held) !== 0;
}
