/**
 * A push from its first byte to its report: read the head, decide what needs no objects, take in the pack, check its
 * connectivity, decide the rest, store the artifacts, join the publisher, report. Once the commands are known, every refusal
 * is part of the response, which is sent after the whole request body was read: a client that is cut off shows no reason.
 */
import { cleanReason, type ReceiveRequest, type RefStatus } from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { DiskFullError } from '../../lib/disk-full.ts';
import { CairnError } from '../../lib/errors.ts';
import type { RefProblem, Refusal, RefusalClass } from '../../policy/refusal.ts';
import type { Committed } from '../../repository/committed.ts';
import {
  emptyState,
  type GitState,
  hasNoObjects,
  type PackEntry,
  type PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import { packBounds } from '../../repository/intake/bounds/pack-bounds.ts';
import { type CheckedTips, ConnectivityCheck } from '../../repository/intake/connectivity/connectivity.ts';
import { indexPack } from '../../repository/intake/indexing/index-pack.ts';
import { type ReceivedPack, receivedFacts } from '../../repository/intake/received-pack.ts';
import { keepForReaders, packEntry, storePack } from '../../repository/intake/store-pack.ts';
import { IntakeWorkspace } from '../../repository/intake/workspace.ts';
import { UnknownOutcomeError } from '../../repository/publisher.ts';
import { type Begun, beginPush } from './begin.ts';
import { PushChange, type PushOutcome } from './change.ts';
import { decidePush, type PushDecision, type PushResult } from './decide.ts';
import { failureClass } from './failure-class.ts';
import { HeadTooLarge, isProbe } from './head.ts';
import { newTips } from './new-tips.ts';
import { PackIntake } from './pack-intake.ts';
import type { PushRequestIn, ReceivePushContext } from './push-request.ts';
import { PushResponse } from './response.ts';
import { PushRules } from './rules.ts';
import { capStrangerBody, StrangerPush } from './stranger-push.ts';
import { NOTHING_PUSHED, type PushSummary, summarizeRefs } from './summary.ts';
import { turnAway } from './turn-away.ts';

/**
 * Receives one push. Errors are reported only after the whole request body has been read.
 * @throws CairnError before commands are known: `invalid`, `too-large`, `unavailable`, `corrupt`; afterwards only the
 *   signal's reason if the client has gone, because the response reports everything else
 */
export async function receivePush(context: ReceivePushContext, incoming: PushRequestIn): Promise<void> {
  const { repository, body, output, onAnswered } = incoming;
  const since = repository.mark();
  if (await isProbe(body)) return onAnswered(NOTHING_PUSHED);
  let begun: Begun & { readonly request: ReceiveRequest };
  try {
    begun = await beginPush(context, incoming);
  } catch (error) {
    await body.drain();
    if (!(error instanceof HeadTooLarge) || !error.capabilities.has('side-band-64k')) throw error;
    await new PushResponse(output, error.capabilities).fatal(error.message);
    return onAnswered({ ...NOTHING_PUSHED, reason: error.message });
  }
  const response = new PushResponse(output, begun.request.capabilities);
  const push = new Push(context, incoming, begun, response, since);
  let summary: PushSummary;
  try {
    summary = await push.carryOut(begun);
  } catch (error) {
    await push.cleanUp();
    throw error;
  }
  await allSettledOrThrow([onAnswered(summary), push.cleanUp()]);
}

/** One push whose head has been read. */
class Push {
  private readonly context: ReceivePushContext;
  private readonly incoming: PushRequestIn;
  private readonly request: ReceiveRequest;
  private readonly response: PushResponse;
  private readonly since: number;
  private readonly atomic: boolean;
  /** The empty state, which is used if there is no repository. */
  private readonly empty: GitState;
  private readonly workspace: IntakeWorkspace;
  private readonly rules: PushRules;
  private intake: PackIntake | undefined;
  private strangerPush: StrangerPush | undefined;
  /** The published state when the pack is taken in. */
  private published: PublishedGitState | undefined;
  private packBytes = 0;

  constructor(
    context: ReceivePushContext,
    incoming: PushRequestIn,
    begun: Begun & { readonly request: ReceiveRequest },
    response: PushResponse,
    since: number,
  ) {
    this.context = context;
    this.incoming = incoming;
    this.request = begun.request;
    this.response = response;
    this.since = since;
    this.atomic = begun.request.capabilities.has('atomic');
    const { repository } = incoming;
    const { cache, scratch, random } = context;
    const { shallow } = begun.request;
    this.empty = emptyState(repository.id.identifier, 'sha1', random.hex(16));
    this.workspace = new IntakeWorkspace({ repository, cache, scratch, empty: this.empty, shallow });
    this.rules = new PushRules(context, {
      id: repository.id,
      authority: incoming.authority,
      held: begun.held,
      published: begun.published,
      paths: () => this.workspace.current(this.published),
    });
  }

  /** Carries the push out and reports the result to the client. @throws as {@link receivePush} */
  async carryOut(begun: Begun): Promise<PushSummary> {
    try {
      return await this.run(begun);
    } catch (error) {
      if (this.incoming.signal.aborted) throw error;
      return await this.failed(error);
    } finally {
      await this.response.close();
    }
  }

  private async run(given: Begun): Promise<PushSummary> {
    const { repository, body, signal, address } = this.incoming;
    if (given.turnedAway !== undefined) await turnAway(this.context, this.incoming, given.turnedAway);
    const { refusals, byStranger, ...begun } = await this.decideEarly(given);
    const { published } = begun;
    this.published = published;
    if (byStranger) capStrangerBody(body, this.context.strangers);
    const stranger = byStranger ? this.limitStranger(published) : undefined;
    if (refusals === undefined) stranger?.enter();
    else stranger?.refused();
    if (refusals !== undefined || !this.request.needsPack) {
      await body.drain();
      this.response.startKeepAlive();
      if (refusals !== undefined) return this.reportRefusals('ok', refusals);
      return this.publish(begun, undefined, this.connectivity(published).nothing());
    }
    const time = this.context.unpackTime.account(address, stranger !== undefined);
    time.check();
    const { slots, claimant } = stranger ?? { slots: this.context.slots, claimant: String(repository) };
    const held = { slots, claimant, signal, body, caller: address };
    this.intake = new PackIntake(this.context.slowPushes, held, () => this.response.startKeepAlive());
    const tips = await newTips(this.request.commands);
    const allowed = stranger?.reserve();
    const wantsProgress = !this.request.capabilities.has('quiet');
    const received = await indexPack({
      git: this.context.git,
      source: this.intake.body,
      // Others of its address may have ended while this one waited for its slot.
      paths: async (objects) => {
        time.check();
        stranger?.started(objects);
        return this.workspace.open(published);
      },
      clock: this.context.clock,
      keepsFiles: this.context.artifacts.keepsFiles,
      onWorked: (seconds) => time.worked(seconds),
      format: (published?.manifest ?? this.empty).objectFormat,
      bounds: packBounds(this.context, allowed),
      tips,
      isFirst: hasNoObjects(published),
      signal,
      ...(wantsProgress ? { onProgress: (text) => this.response.progress(text) } : {}),
    });
    this.response.startKeepAlive();
    if (received.outcome === 'refused') {
      if (received.excess === true) time.exceeded();
      stranger?.refused();
      for (const finding of received.findings) this.response.notice(`error: ${cleanReason(finding)}\n`);
      return this.reportUnpackFailure(received.reason, received.class);
    }
    const pack = received.outcome === 'received' ? received.pack : undefined;
    this.packBytes = pack?.pack.size ?? 0;
    stranger?.charge({ bytes: this.packBytes, objects: pack?.objects ?? 0 });
    const proven = await this.connectivity(published).prove(tips, pack);
    // One object with broken links would make every later push slower, the owner's included.
    if (stranger !== undefined && !proven.proof.linked)
      return this.reportUnpackFailure('shallow update not allowed', 'object');
    return this.publish(begun, pack, proven);
  }

  private connectivity(published: PublishedGitState | undefined): ConnectivityCheck {
    const { workspace, incoming } = this;
    const { commands: targets, shallow } = this.request;
    return new ConnectivityCheck({
      git: this.context.git,
      workspace,
      targets,
      shallow,
      published,
      signal: incoming.signal,
    });
  }

  /** Reports an error in the response. */
  private async failed(error: unknown): Promise<PushSummary> {
    if (error instanceof UnknownOutcomeError) {
      await this.response.fatal(error.publicText);
      return this.summary([], [], undefined, error);
    }
    if (error instanceof DiskFullError) await this.context.cache.relieve();
    this.intake?.giveBack();
    await this.incoming.body.drain();
    const reason =
      error instanceof CairnError ? error.publicText : 'internal error, the server log has the details';
    const summary = await this.reportUnpackFailure(reason, failureClass(error));
    if (error instanceof CairnError) return { ...summary, err: error };
    throw error;
  }

  /** The limits of a push by a stranger. */
  private limitStranger(published: PublishedGitState | undefined): StrangerPush | undefined {
    const { address, body } = this.incoming;
    const { commands } = this.request;
    const terms = this.rules.strangers(undefined);
    this.strangerPush = StrangerPush.of(
      this.context.strangerPushes,
      terms,
      { address, commands, body },
      published?.manifest,
    );
    return this.strangerPush;
  }

  async cleanUp(): Promise<void> {
    this.strangerPush?.leave();
    await allSettledOrThrow([this.intake?.close() ?? Promise.resolve(), this.workspace.drop()]);
  }

  /**
   * Decides what needs no objects, so that a push whose commands are all refused ends here. If the state is the reason for a
   * refusal, and it was cached, the published state is read again first.
   */
  private async decideEarly(
    given: Begun,
  ): Promise<Begun & { readonly refusals?: PushResult; readonly byStranger: boolean }> {
    let begun = given;
    let decision = await this.decideOn(begun.published);
    if (!begun.fresh && decision.result.some((refusal) => refusal?.byState === true)) {
      begun = { ...begun, published: await this.incoming.repository.resolve(), fresh: true };
      decision = await this.decideOn(begun.published);
    }
    const { result: refusals, signedState } = decision;
    const byStranger = decision.byStranger === true && signedState === undefined;
    const refused = refusals.every((refusal) => refusal !== undefined);
    return refused ? { ...begun, refusals, byStranger } : { ...begun, byStranger };
  }

  private async decideOn(published: PublishedGitState | undefined): Promise<PushDecision> {
    const { atomic, rules } = this;
    const { id, authority, pullRequestTip } = rules;
    const { commands } = this.request;
    const held = await rules.heldIn(published);
    const lastSet = await rules.lastSet(published?.manifest);
    const strangers = rules.strangers(undefined);
    const known = { objects: undefined, forced: new Set<string>(), strangers };
    const question = { id, authority, commands, atomic, held, lastSet, pullRequestTip, ...known };
    return cooperate(decidePush(question, published?.manifest, this.empty));
  }

  private async publish(
    begun: Begun,
    received: ReceivedPack | undefined,
    proven: CheckedTips,
  ): Promise<PushSummary> {
    const { published } = begun;
    const { artifacts, cache } = this.context;
    const generation = published?.manifest.generation;
    const { repository } = this.incoming;
    const reason =
      this.request.shallow.length > 0 ? 'shallow update not allowed' : 'missing necessary objects';
    const problem: RefProblem = { class: 'object', reason };
    const changeWith = (pack: PackEntry | undefined) =>
      new PushChange({
        commands: this.request.commands,
        disconnected: { tips: proven.disconnected, problem },
        atomic: this.atomic,
        rules: this.rules,
        objects: proven.objects,
        pack,
        proof: proven.proof,
        cache,
        commits: received?.commits,
        since: this.since,
        initial: published?.manifest ?? this.empty,
        proveAgain: (over, tips) => this.connectivity(published).again(over, tips),
      });
    let change = changeWith(
      received === undefined ? undefined : packEntry(receivedFacts('push', received), received, generation),
    );
    let keeping = Promise.resolve();
    if (received !== undefined) {
      // If no command is accepted, nothing is stored.
      const refusals = await this.refusedWhole(change, begun, proven.disconnected.size > 0);
      if (refusals !== undefined) return this.reportRefusals('ok', refusals);
      const [stored] = await allSettledOrThrow([
        storePack(artifacts, repository.id, receivedFacts('push', received), received, generation),
        repository.publisher.prepare(change),
      ]);
      if (stored.pack.n !== undefined || stored.idx.n !== undefined) change = changeWith(stored);
      keeping = keepForReaders(cache, received, stored);
    }
    // Waiting for the swap needs no git: other pushes may use the slot, and join the same swap.
    this.intake?.giveBack();
    const [{ result, committed }] = await allSettledOrThrow([repository.publisher.join(change), keeping]);
    return this.reportResult(result, committed);
  }

  /** Refusals, if every command is refused; otherwise undefined. */
  private async refusedWhole(
    change: PushChange,
    begun: Begun,
    disconnected: boolean,
  ): Promise<PushResult | undefined> {
    const decide = async (published: PublishedGitState | undefined) =>
      (await change.evaluate(published?.manifest, published)).result.result;
    // Other pushes may have published objects meanwhile that git has found.
    let refusals = await decide(await this.incoming.repository.known());
    if (refusals.some((refusal) => refusal === undefined)) return undefined;
    const byState = disconnected || refusals.some((refusal) => refusal?.byState !== false);
    if (begun.fresh || !byState) return refusals;
    refusals = await decide(await this.incoming.repository.resolve());
    return refusals.every((refusal) => refusal !== undefined) ? refusals : undefined;
  }

  private async reportResult(
    { result, signedState }: PushOutcome,
    committed: Committed,
  ): Promise<PushSummary> {
    const refs = this.request.commands.map((command, at): RefStatus => {
      const refusal = result[at];
      const ref = command.rawName ?? command.name;
      if (refusal === undefined) return { ref, status: 'ok', proof: committed.proof };
      return { ref, status: 'ng', reason: refusal.reason };
    });
    this.explain(result);
    await this.response.report({ unpack: 'ok', refs });
    const summary = this.summary(refs, result, committed.digest);
    return signedState === undefined ? summary : { ...summary, signedState };
  }

  private async reportRefusals(unpack: string, refusals: PushResult): Promise<PushSummary> {
    // The client may read the report slowly, so the slot is released first.
    this.intake?.giveBack();
    const refs = this.request.commands.map(
      (command, at): RefStatus => ({
        ref: command.rawName ?? command.name,
        status: 'ng',
        reason: refusals[at]?.reason ?? 'refused',
      }),
    );
    this.explain(refusals);
    await this.response.report({ unpack, refs });
    return this.summary(refs, refusals, undefined);
  }

  /** GRASP clients look for the reason in a line of this form. */
  private explain(result: PushResult): void {
    if (this.incoming.authority.kind !== 'signed-state') return;
    const refusal = result.find((candidate) => candidate !== undefined);
    if (refusal !== undefined) this.response.notice(`ERR ${refusal.reason}\n`);
  }

  private async reportUnpackFailure(reason: string, of: RefusalClass): Promise<PushSummary> {
    const refusal: Refusal = { class: of, reason, byState: false };
    const summary = await this.reportRefusals(
      reason,
      this.request.commands.map(() => refusal),
    );
    return { ...summary, reason: cleanReason(reason) };
  }

  private summary(
    refs: readonly RefStatus[],
    result: PushResult,
    manifest: string | undefined,
    err?: unknown,
  ): PushSummary {
    const about = summarizeRefs(this.request.commands, refs);
    const refusals = result.flatMap((refusal) => refusal?.class ?? []);
    const summary = { ...about, refusals, packBytes: this.packBytes, manifest };
    return err === undefined ? summary : { ...summary, err };
  }
}
