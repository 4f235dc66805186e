import { isBranch, sortByBytes } from '../git/index.ts';
import type { QuarantinePaths } from '../git-process/commands.ts';
import type { Git } from '../git-process/git.ts';
import {
  findDisconnected,
  inspectObjects,
  isFastForward,
  type ObjectDescription,
} from '../git-process/inspect-objects.ts';
import { type RefState, refMapDigest, statedRefs } from '../nostr/ref-state.ts';
import { isNewerOrder } from '../policy/order-precedence.ts';
import {
  decideOrder,
  headAfterOrder,
  planOrder,
  type OrderChange as RefChange,
} from '../policy/order-rules.ts';
import { protectionProblem, type UpdateKind } from '../policy/protection.ts';
import { roleOf } from '../policy/push-access.ts';
import type { Order, PackEntry, ParentState, Policy, RepositoryState } from '../repository/manifest.ts';
import type { Change, Evaluation } from '../repository/publisher.ts';
import type { Repository } from '../repository/repository.ts';

type Refs = ReadonlyMap<string, string>;

/** What becomes of an order in one repository. */
export type OrderOutcome =
  | { readonly is: 'applied' }
  /** It was applied before, and still is what was applied last. */
  | { readonly is: 'applied-already' }
  /** A newer one has been applied. */
  | { readonly is: 'outdated' }
  /** It waits, for objects or for its author to look again. */
  | { readonly is: 'held'; readonly reason: string }
  | { readonly is: 'refused'; readonly reason: string }
  /** Its author has no say here, or there is no such repository any more. */
  | { readonly is: 'not-his' };

export interface OrderChangeOptions {
  readonly repository: Repository;
  readonly git: Git;
  readonly order: RefState;
  /** The branches and tags that an order set, which a manifest names. */
  readonly refsOf: (order: Order) => Promise<Refs>;
  /** True when the repository's own key may write: its receipts then need not stand behind orders. */
  readonly receiptsAreAuthoritative: (policy: Policy) => boolean;
  /** See `Change.since`. */
  readonly since: number;
  /** Where its objects come from if they are not here: another repository in which it has been carried out. */
  readonly source?: OrderSource;
}

export interface OrderSource {
  /** Object directory of a snapshot of the other repository. */
  readonly objects: string;
  /** The packs of the other repository, as they are called in this one once they are stored. */
  readonly packs: readonly PackEntry[];
}

/**
 * An order as a change of refs, decided anew on every state it meets: by who may write now, by what was applied last, by
 * what pushes have done since, and by the objects that are here.
 */
export class OrderChange implements Change<OrderOutcome> {
  readonly since: number;
  /** Its objects have been looked for in exactly what is published. */
  readonly alone = true;
  private readonly options: OrderChangeOptions;

  constructor(options: OrderChangeOptions) {
    this.options = options;
    this.since = options.since;
  }

  async evaluate(
    state: RepositoryState | undefined,
    base: ParentState | undefined,
  ): Promise<Evaluation<OrderOutcome>> {
    const { order, repository } = this.options;
    if (state === undefined || base === undefined || state.state === 'withdrawn') {
      return { result: { is: 'not-his' } };
    }
    const role = roleOf(order.author, { owner: repository.id.owner, ...state.policy });
    if (role !== 'owner' && role !== 'maintainer') return { result: { is: 'not-his' } };
    if (state.order?.id === order.id) return { result: { is: 'applied-already' } };
    if (!isNewerOrder(order, state.order)) return { result: { is: 'outdated' } };
    if (order.objectFormat !== undefined && order.objectFormat !== state.objectFormat) {
      return refuse(`the repository has ${state.objectFormat} object ids, the state has others`);
    }
    const current = statedRefs(state.refs);
    const plan = planOrder(current, await this.lastSet(state, current), order.refs);
    const snapshot = await repository.snapshot(base);
    try {
      const objects = this.options.source?.objects ?? `${snapshot.path}/objects`;
      const paths = { gitDir: snapshot.path, objects };
      const facts = await this.findObjects(paths, plan.changes, state);
      if (facts === undefined) return hold('waiting for a push that brings its objects');
      const kinds = await this.updateKinds(paths, plan.changes);
      const problem = problemOf(plan.changes, facts, kinds, state.policy, role);
      if (problem !== undefined) return refuse(problem);
      const fastForwards = new Set(
        [...kinds].flatMap(([name, kind]) => (kind === 'fast-forward' ? name : [])),
      );
      const decision = decideOrder(plan, fastForwards);
      if (!decision.apply) return hold(decision.reason);
      return this.apply(state, decision.changes, facts);
    } finally {
      snapshot.release();
    }
  }

  private async lastSet(state: RepositoryState, current: Refs): Promise<Refs> {
    if (state.order === null) return new Map();
    return state.order.refs === refMapDigest(current) ? current : this.options.refsOf(state.order);
  }

  /** What is known of the objects that refs are to point at; undefined when something is missing. */
  private async findObjects(
    paths: QuarantinePaths,
    changes: readonly RefChange[],
    state: RepositoryState,
  ): Promise<Map<string, ObjectDescription> | undefined> {
    const tips = [...new Set(changes.flatMap(({ to }) => to ?? []))];
    if (tips.length === 0) return new Map();
    const { git, source } = this.options;
    if (state.packs.length === 0 && source === undefined) return undefined;
    const { signal } = new AbortController();
    const facts = await inspectObjects(git, paths, tips, signal);
    if (facts.size < tips.length) return undefined;
    const published = new Set(state.refs.values());
    const unproved = tips.filter((oid) => !published.has(oid));
    return (await findDisconnected(git, paths, unproved, signal)).size > 0 ? undefined : facts;
  }

  private async updateKinds(
    paths: QuarantinePaths,
    changes: readonly RefChange[],
  ): Promise<Map<string, UpdateKind>> {
    const kinds = new Map<string, UpdateKind>();
    for (const { name, from, to } of changes) {
      if (from === undefined) kinds.set(name, 'create');
      else if (to === undefined) kinds.set(name, 'delete');
      else if (!isBranch(name)) kinds.set(name, 'force');
      else {
        const kept = await isFastForward(this.options.git, paths, from, to, new AbortController().signal);
        kinds.set(name, kept ? 'fast-forward' : 'force');
      }
    }
    return kinds;
  }

  private apply(
    state: RepositoryState,
    changes: readonly RefChange[],
    facts: ReadonlyMap<string, ObjectDescription>,
  ): Evaluation<OrderOutcome> {
    const { order, source } = this.options;
    const named = new Set(state.packs.map(({ pack }) => pack.digest));
    const brought = (source?.packs ?? []).filter(({ pack }) => !named.has(pack.digest));
    const refs = new Map(state.refs);
    const peeled = new Map(state.peeled);
    for (const { name, to } of changes) {
      peeled.delete(name);
      if (to === undefined) {
        refs.delete(name);
        continue;
      }
      refs.set(name, to);
      const target = facts.get(to)?.peeled;
      if (target !== undefined) peeled.set(name, target);
    }
    const { id, author, at } = order;
    return {
      next: {
        ...state,
        state: 'live',
        head: headAfterOrder(order.head, state.head, refs),
        refs: inByteOrder(refs),
        peeled: inByteOrder(peeled),
        packs: brought.length === 0 ? state.packs : [...state.packs, ...brought],
        order: { id, author, at, refs: refMapDigest(order.refs) },
      },
      cause: { kind: 'order', actor: author, evidence: id, refs: changes.map(({ name }) => name) },
      ...(this.options.receiptsAreAuthoritative(state.policy) ? {} : { receiptBefore: at }),
      result: { is: 'applied' },
    };
  }
}

function problemOf(
  changes: readonly RefChange[],
  facts: ReadonlyMap<string, ObjectDescription>,
  kinds: ReadonlyMap<string, UpdateKind>,
  policy: Policy,
  role: 'owner' | 'maintainer',
): string | undefined {
  for (const { name, to } of changes) {
    const type = to === undefined ? undefined : facts.get(to)?.type;
    if (isBranch(name) && type !== undefined && type !== 'commit') {
      return `${name}: a branch must point at a commit, this is a ${type}`;
    }
    const kind = kinds.get(name);
    const problem = kind === undefined ? undefined : protectionProblem(policy.protection, role, name, kind);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function inByteOrder(map: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(sortByBytes(map.keys()).map((name) => [name, map.get(name) ?? '']));
}

function hold(reason: string): Evaluation<OrderOutcome> {
  return { result: { is: 'held', reason } };
}

function refuse(reason: string): Evaluation<OrderOutcome> {
  return { result: { is: 'refused', reason } };
}
