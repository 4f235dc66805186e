/** A push in the simulated world, where an object is its id, a pack is a set of ids, and history is who builds on whom. */

import type { ObjectDescription } from '../../src/git/index.ts';
import { commandKind, type ReceivedCommand } from '../../src/git/index.ts';
import { sha256 } from '../../src/lib/digest.ts';
import type { Change, Evaluation } from '../../src/repository/change.ts';
import type {
  GitManifest,
  GitState,
  PackEntry,
  PublishedGitState,
} from '../../src/repository/git/git-manifest.ts';

/** Every object there ever was, and every pack. */
export class Objects {
  private readonly parents = new Map<string, string | undefined>();
  private readonly packs = new Map<string, ReadonlySet<string>>();

  /** Makes an object that builds on another, or on none. */
  make(name: string, parent: string | undefined): string {
    const oid = sha256(name).slice(0, 40);
    this.parents.set(oid, parent);
    return oid;
  }

  /** Makes a pack of these objects; the bytes stand for it in the store. */
  pack(name: string, oids: Iterable<string>): { readonly bytes: Buffer; readonly digest: string } {
    const bytes = Buffer.from(`pack ${name}`);
    const digest = sha256(bytes);
    this.packs.set(digest, new Set(oids));
    return { bytes, digest };
  }

  /** An object and everything it builds on. */
  closure(oid: string): string[] {
    const found: string[] = [];
    for (let at: string | undefined = oid; at !== undefined; at = this.parents.get(at)) found.push(at);
    return found;
  }

  /** True when whatever the objects of one of these packs build on directly is in one of them. */
  isLinked(digest: string, packs: Iterable<{ readonly pack: { readonly digest: string } }>): boolean {
    const present = this.present(packs);
    return [...(this.packs.get(digest) ?? [])].every((oid) => {
      const parent = this.parents.get(oid);
      return parent === undefined || present.has(parent);
    });
  }

  private present(packs: Iterable<{ readonly pack: { readonly digest: string } }>): Set<string> {
    const present = new Set<string>();
    for (const { pack } of packs) for (const oid of this.packs.get(pack.digest) ?? []) present.add(oid);
    return present;
  }

  /** Which of these tips is not complete in these packs. */
  incomplete(
    tips: Iterable<string>,
    packs: Iterable<{ readonly pack: { readonly digest: string } }>,
  ): Set<string> {
    const present = this.present(packs);
    return new Set([...tips].filter((tip) => !this.closure(tip).every((oid) => present.has(oid))));
  }
}

export function newTips(commands: readonly ReceivedCommand[]): string[] {
  return commands.filter((command) => commandKind(command) !== 'delete').map((command) => command.newId);
}

export function commitFacts(tips: readonly string[]): Map<string, ObjectDescription> {
  return new Map(tips.map((tip) => [tip, { type: 'commit' }]));
}

/**
 * What a fold does to the packs of a repository, as a double: one pack of everything that the refs it was planned on
 * reach, in place of the packs it was planned on; whatever they do not reach is dropped at once. On another state it
 * keeps the packs that came meanwhile, and gives up when something would be incomplete.
 */
export class Fold implements Change<GitManifest, 'folded' | 'given up'> {
  readonly since = 0;
  readonly alone = true;
  private readonly objects: Objects;
  private readonly entry: PackEntry;
  private readonly replaced: ReadonlySet<string>;
  private readonly actor: string;

  constructor(objects: Objects, planned: PublishedGitState, entry: PackEntry, actor: string) {
    this.objects = objects;
    this.entry = entry;
    this.replaced = new Set(planned.manifest.packs.map(({ pack }) => pack.digest));
    this.actor = actor;
  }

  async evaluate(state: GitState | undefined): Promise<Evaluation<GitManifest, 'folded' | 'given up'>> {
    if (state === undefined) return { result: 'given up' };
    const kept = state.packs
      .filter(({ pack }) => !this.replaced.has(pack.digest))
      .map(({ linked: _unknown, ...entry }) => entry);
    const made = { ...this.entry, linked: true };
    const packs = [...kept.filter(({ pack }) => pack.digest !== made.pack.digest), made];
    const covers = [...this.replaced].every((digest) =>
      state.packs.some(({ pack }) => pack.digest === digest),
    );
    if (!covers || this.objects.incomplete(state.refs.values(), packs).size > 0)
      return { result: 'given up' };
    const cause = { kind: 'fold', actor: this.actor, evidence: null, refs: [] } as const;
    const epoch = this.actor.slice(0, 32);
    return { next: { ...state, epoch, packs }, cause, result: 'folded' };
  }
}
