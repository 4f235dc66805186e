import type { ReceivedCommand } from '../git/index.ts';
import { commandKind, compareBytes } from '../git/index.ts';
import { headAfter } from '../policy/default-branch.ts';
import { decideRefUpdates, type ObjectFacts, type Refusal } from '../policy/ref-rules.ts';
import type { PackEntry, ParentState, RepositoryState } from '../repository/manifest.ts';
import type { Change, Evaluation } from '../repository/publisher.ts';
import type { PushAuthority } from './push-authority.ts';

/** Evidence that what a push brings is complete, and over which packs that was shown. */
export interface ConnectivityProof {
  readonly packs: ReadonlySet<string>;
  readonly incarnation: string | undefined;
}

export interface PushChangeOptions {
  readonly commands: readonly ReceivedCommand[];
  readonly atomic: boolean;
  readonly authority: PushAuthority;
  readonly objects: ReadonlyMap<string, ObjectFacts>;
  /** What the pack is called in a manifest; undefined when the push brought no objects. */
  readonly pack: PackEntry | undefined;
  readonly proof: ConnectivityProof;
  /** See `Change.since`. */
  readonly since: number;
  /** The state the push was taken in on, or the one to begin with when there is no repository. */
  readonly initial: RepositoryState;
  /** Shows connectivity again over another state; returns the tips that something is missing below. */
  readonly proveAgain: (
    base: ParentState | undefined,
    tips: readonly string[],
  ) => Promise<ReadonlySet<string>>;
}

/** What a push is told, one entry per command: why it is refused, or undefined when it is carried out. */
export type PushResult = readonly (Refusal | undefined)[];

/**
 * A push as a change of refs, decided anew on every state it meets. A proof of connectivity counts only on states that
 * name all the packs it was made over: a fold may have dropped objects that this push leans on.
 */
export class PushChange implements Change<PushResult> {
  readonly since: number;
  private readonly options: PushChangeOptions;
  private proof: ConnectivityProof;
  private disconnected: ReadonlySet<string> = new Set();

  constructor(options: PushChangeOptions) {
    this.options = options;
    this.since = options.since;
    this.proof = options.proof;
  }

  async evaluate(
    state: RepositoryState | undefined,
    base: ParentState | undefined,
  ): Promise<Evaluation<PushResult>> {
    const { atomic, authority } = this.options;
    await this.renewProof(base);
    const commands = this.options.commands.map((command) => this.withProofProblem(command, state));
    const met = state ?? this.options.initial;
    const result = decideRefUpdates({ commands, atomic, objects: this.options.objects }, met);
    const accepted = commands.filter((command, at) => result[at] === undefined && changes(command, met));
    if (accepted.length === 0) return { result };
    return {
      next: this.apply(accepted, met),
      cause: { kind: 'push', ...evidenceOf(authority), refs: accepted.map((command) => command.name) },
      result,
    };
  }

  private async renewProof(base: ParentState | undefined): Promise<void> {
    const named = new Set(base?.manifest.packs.map((entry) => entry.pack.digest));
    if ([...this.proof.packs].every((digest) => named.has(digest))) return;
    const tips = this.options.commands.filter(
      (command) => command.problem === undefined && commandKind(command) !== 'delete',
    );
    if (tips.length > 0) {
      this.disconnected = await this.options.proveAgain(base, [
        ...new Set(tips.map((command) => command.newId)),
      ]);
    }
    this.proof = { ...this.proof, packs: named };
  }

  private withProofProblem(command: ReceivedCommand, state: RepositoryState | undefined): ReceivedCommand {
    if (command.problem !== undefined) return command;
    const { incarnation } = this.proof;
    if (incarnation !== undefined && incarnation !== state?.incarnation) {
      return { ...command, problem: 'the repository was announced anew meanwhile, fetch first' };
    }
    if (state !== undefined && state.objectFormat !== this.options.initial.objectFormat) {
      const problem = `the repository was made with object format ${state.objectFormat} meanwhile`;
      return { ...command, problem };
    }
    if (!this.disconnected.has(command.newId)) return command;
    return { ...command, problem: 'objects it builds on were removed meanwhile, fetch first' };
  }

  private apply(accepted: readonly ReceivedCommand[], state: RepositoryState): RepositoryState {
    const refs = new Map(state.refs);
    const peeled = new Map(state.peeled);
    let grown = false;
    for (const command of accepted) {
      peeled.delete(command.name);
      if (commandKind(command) === 'delete') {
        refs.delete(command.name);
        continue;
      }
      grown ||= !refs.has(command.name);
      refs.set(command.name, command.newId);
      const target = this.options.objects.get(command.newId)?.peeled;
      if (target !== undefined) peeled.set(command.name, target);
    }
    const { pack } = this.options;
    const known = pack === undefined || state.packs.some((entry) => entry.pack.digest === pack.pack.digest);
    const bringsObjects = accepted.some((command) => commandKind(command) !== 'delete');
    return {
      ...state,
      head: headAfter(state.head, refs),
      refs: grown ? inByteOrder(refs) : refs,
      peeled: inByteOrder(peeled),
      packs: known || !bringsObjects ? state.packs : [...state.packs, pack],
    };
  }
}

function evidenceOf(authority: PushAuthority): {
  readonly actor: string | null;
  readonly evidence: string | null;
} {
  if (authority.kind !== 'key') return { actor: null, evidence: null };
  return { actor: authority.actor, evidence: authority.token };
}

function changes(command: ReceivedCommand, state: RepositoryState): boolean {
  const current = state.refs.get(command.name);
  return commandKind(command) === 'delete' ? current !== undefined : current !== command.newId;
}

function inByteOrder(map: Map<string, string>): Map<string, string> {
  return new Map([...map].sort(([a], [b]) => compareBytes(a, b)));
}
