/**
 * A push from its first byte to its report: read the head, decide what needs no objects, take in the pack, prove it
 * complete, decide the rest, make artifacts durable, join the publisher, report. Whatever is refused once commands
 * are known is refused in the answer itself, after the client has sent everything: a client that is cut off shows its
 * user no reason.
 */
import { cleanReason, type ReceiveRequest, type RefStatus } from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { DiskFullError } from '../../lib/disk-full.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Refusal } from '../../policy/ref-rules.ts';
import type { Committed } from '../../repository/committed.ts';
import {
  emptyState,
  type GitState,
  type PackEntry,
  type PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import { type CheckedTips, ConnectivityCheck } from '../../repository/intake/connectivity.ts';
import { indexPack } from '../../repository/intake/index-pack.ts';
import { packBounds } from '../../repository/intake/pack-bounds.ts';
import { type ReceivedPack, receivedFacts } from '../../repository/intake/received-pack.ts';
import { keepForReaders, packEntry, storePack } from '../../repository/intake/store-pack.ts';
import { IntakeWorkspace } from '../../repository/intake/workspace.ts';
import { UnknownOutcomeError } from '../../repository/publisher.ts';
import { type Begun, beginPush } from './begin.ts';
import { PushChange, type PushOutcome } from './change.ts';
import { decidePush, type PushDecision, type PushResult } from './decide.ts';
import { HeadTooLarge, isProbe } from './head.ts';
import { PackIntake } from './pack-intake.ts';
import type { PushRequestIn, ReceivePushContext } from './push-request.ts';
import { newTips } from './pushed-tips.ts';
import { PushResponse } from './report.ts';
import { PushRules } from './rules.ts';
import { capOfStranger, StrangerPush } from './stranger-push.ts';
import { NOTHING_PUSHED, type PushSummary, summarizeRefs } from './summary.ts';
import { turnAway } from './turn-away.ts';

/**
 * Takes in one push. Whatever is wrong with it, the client gets to send the rest before it is told.
 * @throws CairnError before commands are known: `invalid`, `too-large`, `unavailable`, `corrupt`; afterwards only the
 *   signal's reason when the client has gone, because everything else is told in the answer
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
  const answer = new PushResponse(output, begun.request.capabilities);
  const push = new Push(context, incoming, begun, answer, since);
  let summary: PushSummary;
  try {
    summary = await push.answer(begun);
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
  private readonly telling: PushResponse;
  private readonly since: number;
  private readonly atomic: boolean;
  /** The repository to begin with when there is none. */
  private readonly empty: GitState;
  private readonly workspace: IntakeWorkspace;
  private readonly rules: PushRules;
  private intake: PackIntake | undefined;
  private asGuest: StrangerPush | undefined;
  /** The state the push is taken in on. */
  private published: PublishedGitState | undefined;
  private packBytes = 0;

  constructor(
    context: ReceivePushContext,
    incoming: PushRequestIn,
    begun: Begun & { readonly request: ReceiveRequest },
    answer: PushResponse,
    since: number,
  ) {
    this.context = context;
    this.incoming = incoming;
    this.request = begun.request;
    this.telling = answer;
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

  /** Carries it out, and tells the client what came of it. @throws as {@link receivePush} */
  async answer(begun: Begun): Promise<PushSummary> {
    try {
      return await this.run(begun);
    } catch (error) {
      if (this.incoming.signal.aborted) throw error;
      return await this.failed(error);
    } finally {
      await this.telling.close();
    }
  }

  private async run(given: Begun): Promise<PushSummary> {
    const { repository, body, signal, address } = this.incoming;
    if (given.turnedAway !== undefined) await turnAway(this.context, this.incoming, given.turnedAway);
    const { refusals, byStranger, ...begun } = await this.decideEarly(given);
    const { published } = begun;
    this.published = published;
    if (byStranger) capOfStranger(body, this.context.strangers);
    const guest = byStranger ? this.guest(published) : undefined;
    if (refusals === undefined) guest?.enter();
    else guest?.refused();
    if (refusals !== undefined || !this.request.needsPack) {
      await body.drain();
      this.telling.startKeepAlive();
      if (refusals !== undefined) return this.reportRefusals('ok', refusals);
      return this.publish(begun, undefined, this.prover(published).nothing());
    }
    const time = this.context.unpackTime.account(address, guest !== undefined);
    time.check();
    const { places, claimant } = guest ?? { places: this.context.places, claimant: String(repository) };
    const held = { places, claimant, signal, body, caller: address };
    this.intake = new PackIntake(this.context.puttingAside, held, () => this.telling.startKeepAlive());
    const tips = await newTips(this.request.commands);
    const allowed = guest?.setAside();
    const wantsProgress = !this.request.capabilities.has('quiet');
    const received = await indexPack({
      git: this.context.git,
      source: this.intake.body,
      // Others of its address may have ended while this one waited for its place.
      paths: async () => {
        time.check();
        return this.workspace.open(published);
      },
      clock: this.context.clock,
      onWorked: (seconds) => time.worked(seconds),
      format: (published?.manifest ?? this.empty).objectFormat,
      bounds: packBounds(this.context, allowed),
      tips,
      signal,
      ...(wantsProgress ? { onProgress: (text) => this.telling.progress(text) } : {}),
    });
    this.telling.startKeepAlive();
    if (received.outcome === 'refused') {
      if (received.excess === true) time.exceeded();
      guest?.refused();
      for (const finding of received.findings) this.telling.notice(`error: ${cleanReason(finding)}\n`);
      return this.reportUnpackFailure(received.reason);
    }
    const pack = received.outcome === 'received' ? received.pack : undefined;
    this.packBytes = pack?.pack.size ?? 0;
    guest?.took({ bytes: this.packBytes, objects: pack?.objects ?? 0 });
    const proven = await this.prover(published).prove(tips, pack);
    // One object whose links lead nowhere makes every push after it slower, the owner's included.
    if (guest !== undefined && !proven.proof.linked)
      return this.reportUnpackFailure('shallow update not allowed');
    return this.publish(begun, pack, proven);
  }

  private prover(published: PublishedGitState | undefined): ConnectivityCheck {
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

  /** Tells the client what went wrong, in the answer. */
  private async failed(error: unknown): Promise<PushSummary> {
    if (error instanceof UnknownOutcomeError) {
      await this.telling.fatal(error.publicText);
      return this.summary([], undefined, error);
    }
    if (error instanceof DiskFullError) await this.context.cache.relieve();
    this.intake?.giveBack();
    await this.incoming.body.drain();
    const reason =
      error instanceof CairnError ? error.publicText : 'internal error, the server log has the details';
    const summary = await this.reportUnpackFailure(reason);
    if (error instanceof CairnError) return { ...summary, err: error };
    throw error;
  }

  /** What bounds the push of a stranger. */
  private guest(published: PublishedGitState | undefined): StrangerPush | undefined {
    const { address } = this.incoming;
    const { commands } = this.request;
    const terms = this.rules.strangers(undefined);
    this.asGuest = StrangerPush.of(
      this.context.strangerPushes,
      terms,
      { address, commands },
      published?.manifest,
    );
    return this.asGuest;
  }

  async cleanUp(): Promise<void> {
    this.asGuest?.leave();
    await allSettledOrThrow([this.intake?.close() ?? Promise.resolve(), this.workspace.drop()]);
  }

  /**
   * Decides what needs no objects. A push that is refused whole by what is already known costs no more than that; one
   * refused because of the state only after a fresh look at it.
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
    const problem =
      this.request.shallow.length > 0 ? 'shallow update not allowed' : 'missing necessary objects';
    const changeWith = (pack: PackEntry | undefined) =>
      new PushChange({
        commands: this.request.commands,
        disconnected: { tips: proven.disconnected, problem },
        atomic: this.atomic,
        rules: this.rules,
        objects: proven.facts,
        pack,
        proof: proven.proof,
        cache,
        commits: received?.commits,
        since: this.since,
        initial: published?.manifest ?? this.empty,
        proveAgain: (over, tips) => this.prover(published).again(over, tips),
      });
    let change = changeWith(
      received === undefined ? undefined : packEntry(receivedFacts('push', received), received, generation),
    );
    let keeping = Promise.resolve();
    if (received !== undefined) {
      // Nothing accepted, nothing written.
      const refusals = await this.refusedWhole(change, begun, proven.disconnected.size > 0);
      if (refusals !== undefined) return this.reportRefusals('ok', refusals);
      const [stored] = await allSettledOrThrow([
        storePack(artifacts, repository.id, receivedFacts('push', received), received, generation),
        repository.publisher.prepare(change),
      ]);
      if (stored.pack.n !== undefined || stored.idx.n !== undefined) change = changeWith(stored);
      keeping = keepForReaders(cache, received, stored);
    }
    // Waiting for the swap takes no git: others may have the place, and join the same swap.
    this.intake?.giveBack();
    const [{ result, committed }] = await allSettledOrThrow([repository.publisher.join(change), keeping]);
    return this.reportResult(result, committed);
  }

  /** What a push that nothing of will be carried out is told; undefined when something may be. */
  private async refusedWhole(
    change: PushChange,
    begun: Begun,
    disconnected: boolean,
  ): Promise<PushResult | undefined> {
    const decide = async (met: PublishedGitState | undefined) =>
      (await change.evaluate(met?.manifest, met)).result.result;
    // Others may have pushed meanwhile, and git may have found what they brought.
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
    await this.telling.report({ unpack: 'ok', refs });
    const summary = this.summary(refs, committed.digest);
    return signedState === undefined ? summary : { ...summary, signedState };
  }

  private async reportRefusals(unpack: string, refusals: PushResult): Promise<PushSummary> {
    // A client may take its time to read why.
    this.intake?.giveBack();
    const refs = this.request.commands.map(
      (command, at): RefStatus => ({
        ref: command.rawName ?? command.name,
        status: 'ng',
        reason: refusals[at]?.reason ?? 'refused',
      }),
    );
    this.explain(refusals);
    await this.telling.report({ unpack, refs });
    return this.summary(refs, undefined);
  }

  /** Clients of GRASP look for a line of this form to learn why; a report says it in their git's words only. */
  private explain(result: PushResult): void {
    if (this.incoming.authority.kind !== 'order') return;
    const refusal = result.find((candidate) => candidate !== undefined);
    if (refusal !== undefined) this.telling.notice(`ERR ${refusal.reason}\n`);
  }

  private async reportUnpackFailure(reason: string): Promise<PushSummary> {
    const refusal: Refusal = { reason, byState: false };
    const summary = await this.reportRefusals(
      reason,
      this.request.commands.map(() => refusal),
    );
    return { ...summary, reason: cleanReason(reason) };
  }

  private summary(refs: readonly RefStatus[], manifest: string | undefined, err?: unknown): PushSummary {
    const about = summarizeRefs(this.request.commands, refs);
    const summary = { ...about, packBytes: this.packBytes, manifest };
    return err === undefined ? summary : { ...summary, err };
  }
}
