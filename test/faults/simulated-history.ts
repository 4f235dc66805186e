/** What happened in a simulated world, and whether it may have. */
import { commandKind, type ReceivedCommand } from '../../src/git/index.ts';
import type { Digest } from '../../src/lib/digest.ts';
import type { GitCause, GitManifest } from '../../src/repository/git/git-manifest.ts';
import type { Objects } from './simulated-push.ts';

/** One write of the pointer that was carried out. */
export interface PointerWrite {
  readonly step: number;
  readonly digest: Digest;
}

/** What the one who pushed was told: per command, or that nobody knows, or that it failed, or nothing at all. */
export type Told =
  | { readonly told: 'report'; readonly reasons: readonly (string | undefined)[] }
  | { readonly told: 'unknown' | 'failed' | 'nothing'; readonly why: string };

export interface PushRecord {
  readonly actor: string;
  readonly commands: readonly ReceivedCommand[];
  readonly atomic: boolean;
  readonly began: number;
  ended: number | undefined;
  told: Told;
}

export interface History {
  readonly writes: readonly PointerWrite[];
  readonly manifests: ReadonlyMap<Digest, GitManifest>;
  readonly pushes: readonly PushRecord[];
  readonly objects: Objects;
}

/**
 * A state, and the span of steps during which it was the current one. Pushes that went together make one each, all
 * but the last of no duration: their order is the order of the causes.
 */
interface Reign {
  readonly from: number;
  to: number;
  readonly refs: ReadonlyMap<string, string>;
}

/** Everything that is wrong with a history; empty when it may have happened. */
export function faultsOf(history: History): string[] {
  const faults: string[] = [];
  const states = checkChain(history, faults);
  checkReconstruction(history, states, faults);
  const { committed, reigns } = replay(history, states, faults);
  for (const push of history.pushes) checkPush(push, committed.get(push.actor) ?? [], reigns, faults);
  return faults;
}

/** The pointer's writes are one chain, each built on the one before. */
function checkChain(history: History, faults: string[]): GitManifest[] {
  const states: GitManifest[] = [];
  let parent: Digest | null = null;
  for (const { digest } of history.writes) {
    const manifest = history.manifests.get(digest);
    if (manifest === undefined) {
      faults.push(`the pointer named ${digest}, which was never written`);
      return states;
    }
    if (manifest.parent !== parent) faults.push(`the chain forks at depth ${manifest.depth}`);
    if (manifest.depth !== states.length) faults.push(`depth ${manifest.depth} at place ${states.length}`);
    const before = states.at(-1);
    if (before !== undefined && manifest.receiptAt <= before.receiptAt)
      faults.push('receipts turn back time');
    states.push(manifest);
    parent = digest;
  }
  return states;
}

function checkReconstruction({ objects }: History, states: readonly GitManifest[], faults: string[]): void {
  for (const { depth, refs, packs } of states) {
    const incomplete = objects.incomplete(refs.values(), packs);
    if (incomplete.size > 0)
      faults.push(`at depth ${depth} objects of ${[...incomplete].join(', ')} are missing`);
  }
}

interface Commit {
  readonly step: number;
  readonly cause: GitCause;
}

/** Every state follows from the one before by what its causes name. */
function replay(
  history: History,
  states: readonly GitManifest[],
  faults: string[],
): { readonly committed: Map<string, Commit[]>; readonly reigns: Reign[] } {
  const byActor = new Map(history.pushes.map((push) => [push.actor, push]));
  const committed = new Map<string, Commit[]>();
  let current: Reign = { from: 0, to: Number.POSITIVE_INFINITY, refs: new Map() };
  const reigns = [current];
  for (const [at, manifest] of states.entries()) {
    const step = history.writes[at]?.step ?? 0;
    for (const cause of manifest.causes) {
      const actor = cause.actor ?? '';
      committed.set(actor, [...(committed.get(actor) ?? []), { step, cause }]);
      const refs = new Map(current.refs);
      const push = byActor.get(actor);
      for (const name of cause.refs) {
        const command = push?.commands.find((candidate) => candidate.name === name);
        if (command === undefined) faults.push(`${name} was changed by nobody at depth ${at}`);
        else applyTo(refs, command, at, faults);
      }
      if (push?.atomic && !push.commands.every((command) => isSo(command, refs))) {
        faults.push(`an atomic push was published in part at depth ${at}`);
      }
      current.to = step;
      current = { from: step, to: Number.POSITIVE_INFINITY, refs };
      reigns.push(current);
    }
    if (!sameRefs(current.refs, manifest.refs)) {
      faults.push(`the refs at depth ${at} are not what its causes make of the last`);
    }
  }
  return { committed, reigns };
}

function applyTo(refs: Map<string, string>, command: ReceivedCommand, depth: number, faults: string[]): void {
  const current = refs.get(command.name);
  const expected = commandKind(command) === 'create' ? undefined : command.oldId;
  if (current !== expected) faults.push(`an update of ${command.name} was lost at depth ${depth}`);
  if (commandKind(command) === 'delete') refs.delete(command.name);
  else refs.set(command.name, command.newId);
}

function sameRefs(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, oid]) => b.get(name) === oid);
}

/** What a push was told is true: `ok` is published, once, within its time; anything else says what it must. */
function checkPush(
  push: PushRecord,
  commits: readonly Commit[],
  reigns: readonly Reign[],
  faults: string[],
): void {
  const name = `push ${push.actor.slice(0, 6)} (${push.told.told})`;
  const { told, ended = Number.POSITIVE_INFINITY } = push;
  if (commits.length > 1) faults.push(`${name} was published ${commits.length} times`);
  const [commit] = commits;
  if (commit !== undefined && commit.step < push.began) faults.push(`${name} was published before it came`);
  if (told.told === 'failed' && commit !== undefined) faults.push(`${name} was published: ${told.why}`);
  if (told.told !== 'report') return;
  if (commit !== undefined && commit.step > ended) faults.push(`${name} was published after it was reported`);
  const during = reigns.filter((reign) => reign.to >= push.began && reign.from <= ended);
  for (const [at, command] of push.commands.entries()) {
    const reason = told.reasons[at];
    const isCommitted = commit?.cause.refs.includes(command.name) === true;
    if (reason !== undefined && isCommitted)
      faults.push(`${name}: ${command.name} was refused and published`);
    if (reason === undefined && !isCommitted && !during.some(({ refs }) => isSo(command, refs))) {
      faults.push(`${name}: ok for ${command.name}, which never was so`);
    }
    if (
      reason?.includes('fetch first') &&
      !reason.includes('removed') &&
      !during.some(({ refs }) => isStale(command, refs))
    ) {
      faults.push(`${name}: ${command.name} was refused although its old value was right all the time`);
    }
  }
}

function isSo(command: ReceivedCommand, refs: ReadonlyMap<string, string>): boolean {
  const current = refs.get(command.name);
  return commandKind(command) === 'delete' ? current === undefined : current === command.newId;
}

function isStale(command: ReceivedCommand, refs: ReadonlyMap<string, string>): boolean {
  return refs.get(command.name) !== (commandKind(command) === 'create' ? undefined : command.oldId);
}
