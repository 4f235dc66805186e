import { createHash } from 'node:crypto';
import {
  branchesAndTags,
  countRefsStartingWith,
  differingRefs,
  isBranchOrTag,
  refLines,
  refsStartingWith,
} from '../../git/index.ts';
import { LoopTurns } from '../../lib/cooperative.ts';
import type { EventTemplate } from '../../nostr/event.ts';
import { mostListedRefs, type RefsDigest, receiptTemplate } from '../../nostr/signed-state.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { ReceiptContent } from './receipts.ts';

/** What receipts of git repositories list: branches, tags and HEAD. */
export class GitReceiptContent implements ReceiptContent<GitManifest> {
  private readonly turns = new LoopTurns();

  changes(manifest: GitManifest, parent: GitManifest | undefined): boolean {
    return changesRefs(manifest, parent);
  }

  async template(id: RepositoryId, manifest: GitManifest): Promise<EventTemplate> {
    return receiptOf(id, manifest, await this.statedRefs(manifest));
  }

  applied(manifest: GitManifest): readonly string[] {
    return statesOf(manifest);
  }

  lastApplied({ appliedState }: GitManifest): string | undefined {
    return appliedState?.id;
  }

  /** The refs as a receipt lists them. Digesting a large ref table takes long, so it yields to the event loop. */
  private async statedRefs({ refs }: GitManifest): Promise<ReadonlyMap<string, string> | RefsDigest> {
    const stated = branchesAndTags(refs);
    const count = stated.size;
    if (count <= mostListedRefs) return stated;
    const hash = createHash('sha256');
    for (const lines of refLines(stated)) {
      hash.update(lines);
      await this.turns.next();
    }
    return { count, digest: hash.digest('hex') };
  }
}

const NO_REFS: ReadonlyMap<string, string> = new Map();

function receiptOf(id: RepositoryId, manifest: GitManifest, refs: ReadonlyMap<string, string> | RefsDigest) {
  const { head, receiptAt: at, causes } = manifest;
  // A signed state that moves only HEAD changes no ref.
  const changing = causes.filter(({ kind, refs: changed }) => changed.length > 0 || kind === 'order');
  return receiptTemplate({
    owner: id.owner,
    identifier: id.identifier,
    refs,
    head,
    at,
    actors: changing.flatMap(({ actor }) => actor ?? []),
    signedStates: statesOf(manifest),
  });
}

/** Ids of the signed states that a publish applied. */
function statesOf({ causes }: GitManifest): string[] {
  return causes.flatMap(({ kind, evidence }) => (kind === 'order' && evidence !== null ? [evidence] : []));
}

/** True when a publish changed what a receipt lists: branches, tags or HEAD. */
function changesRefs(manifest: GitManifest, parent: GitManifest | undefined): boolean {
  // This runs after every push, so it sorts nothing, and it does not read all refs of a large table.
  if (countStated(manifest.refs) !== countStated(parent?.refs ?? NO_REFS)) return true;
  for (const name of differingRefs(manifest.refs, parent?.refs ?? NO_REFS))
    if (isBranchOrTag(name)) return true;
  return manifest.head !== parent?.head && statesAny(manifest);
}

/** Prefixes of the refs that a receipt lists. */
const STATED = ['refs/heads/', 'refs/tags/'];

function statesAny({ refs }: GitManifest): boolean {
  return STATED.some((prefix) => refsStartingWith(refs, prefix).next().done !== true);
}

function countStated(refs: GitManifest['refs']): number {
  return STATED.reduce((count, prefix) => count + countRefsStartingWith(refs, prefix), 0);
}
