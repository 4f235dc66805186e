/**
 * A clone by version 3 of Fossil's clone protocol: the server sends all artifacts in pages, and says in each where the next one
 * begins. Whatever came or changed in between is fetched by a pull afterwards.
 */
import type { Card } from '../../fossil/cards.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { faultFires } from '../faults.ts';
import { observerOf, runWithin } from '../observer.ts';
import { receivedArtifact } from '../received-cards.ts';
import type { Transport } from '../transport.ts';
import { CloneStaging, MemorySpool, type PayloadSpool } from './clone-staging.ts';
import type { CloneTarget, DraftBag } from './local-bag.ts';
import { PROJECT_GROUP, ProjectSettings } from './project-settings.ts';
import { Rounds } from './rounds.ts';
import type { CloneOptions } from './sync-options.ts';
import { type CloneResult, StalledError, SyncFailure } from './sync-result.ts';
import { SyncSession } from './sync-session.ts';

const CLONE_VERSION = 3;

/** The position of the first artifact. */
const FIRST = 1;

const PROJECT_CODE = /^[0-9a-f]{40}$/;

/**
 * Clones a project. Nothing is seen of it before everything is there and verified.
 * @param target begins the new bag once the server has told the code of the project
 * @param spool holds the pages; memory if absent
 * @throws SyncFailure: the server refuses, cannot be reached, ends the clone before everything was sent, or sent an artifact that is not
 *   what its name says; `conflict` if the target exists. The signal's reason
 */
export async function clone(
  target: CloneTarget,
  transport: Transport,
  options: CloneOptions = {},
  spool?: PayloadSpool,
): Promise<CloneResult> {
  const observer = observerOf(options.observer);
  const rounds = new Rounds('clone', transport, options, observer);
  const session = new CloneSession(target, rounds, options, spool ?? new MemorySpool());
  const within = observer.sessionStarted({
    operation: 'clone',
    push: false,
    pull: true,
    unversioned: options.unversioned ?? false,
    projectCode: undefined,
    peer: options.peer,
  });
  try {
    return await runWithin(within, () => session.run());
  } catch (error) {
    observer.error(error);
    if (!isCairnError(error)) throw error;
    throw new SyncFailure(error.kind, error.message, session.result, { cause: error });
  } finally {
    observer.sessionCompleted({ operation: 'clone', ...session.result });
    await session.close();
  }
}

class CloneSession {
  private readonly target: CloneTarget;
  private readonly options: CloneOptions;
  private readonly rounds: Rounds;
  private readonly spool: PayloadSpool;
  private readonly staging: CloneStaging;
  private readonly settings = new ProjectSettings();
  private projectCode = '';
  private draft: DraftBag | undefined;
  private settling: SyncSession | undefined;
  private position = FIRST;
  private idle = 0;

  constructor(target: CloneTarget, rounds: Rounds, options: CloneOptions, spool: PayloadSpool) {
    this.target = target;
    this.rounds = rounds;
    this.options = options;
    this.spool = spool;
    this.staging = new CloneStaging(spool);
  }

  get result(): CloneResult {
    const { projectCode, draft, settling } = this;
    const { projectName } = this.settings;
    const done = settling?.result ?? { ...this.rounds.result, missing: [] };
    // Deltas of the pages that had to wait for the pull are not counted twice.
    const filesReceived = settling === undefined ? done.filesReceived : (draft?.held.count ?? 0);
    return { ...done, filesReceived, projectCode, projectName };
  }

  close(): PromiseLike<void> {
    return this.spool[Symbol.asyncDispose]();
  }

  async run(): Promise<CloneResult> {
    await this.rounds.run(
      () => this.page(),
      (rounds) => this.cutShort(`after ${rounds} rounds the server has still more to send`),
    );
    const { draft, settings, projectCode } = this;
    if (draft === undefined) throw new CairnError('corrupt', 'the server does not send its project code');
    for await (const artifacts of this.staging.batches()) {
      this.rounds.wire.signal.throwIfAborted();
      await draft.take({ artifacts });
    }
    await this.settle(draft);
    const { projectName, hashPolicy } = settings;
    await draft.commit({ projectCode, projectName, hashPolicy });
    return this.result;
  }

  /** Asks for one page. @returns whether there is another one */
  private async page(): Promise<boolean> {
    const { rounds, options } = this;
    // A login needs the project code, which the server has not sent yet: parts that need a login wait until then.
    const isStranger = rounds.number === 1 && options.account !== undefined;
    const writer = rounds.wire.begin();
    if (options.privateArtifacts && !isStranger) writer.add(pragmaCard({ pragma: 'send-private' }));
    writer.add({ card: 'clone', version: CLONE_VERSION, position: this.position });
    const code = this.projectCode === '' ? undefined : this.projectCode;
    const { next, files, announced } = await this.read(await rounds.exchange(writer, code));
    rounds.completed({ gimmesSent: 0, igotsSent: 0 });
    const refusal = rounds.words.takeRefusal();
    if (refusal !== undefined) {
      if (isStranger && this.projectCode !== '') return true;
      throw refusal;
    }
    // The first page has no private artifacts, so it is asked for again.
    if (isStranger && options.privateArtifacts && this.projectCode !== '') return true;
    return this.goOn(next, files, announced);
  }

  private goOn(next: number | undefined, files: number, announced: number): boolean {
    if (next === undefined) {
      // A server without pages announces everything instead.
      if (files === 0 && announced > 0) return false;
      throw this.cutShort('the server ends the clone without a last page');
    }
    if (next === 0) return faultFires(this.options.faults, 'clone.ignore-completion');
    if (next <= this.position) {
      throw this.cutShort(`the server sends the clone back from position ${this.position} to ${next}`);
    }
    this.position = next;
    this.idle = files > 0 ? 0 : this.idle + 1;
    if (this.idle < this.rounds.wire.limits.idleRounds) return true;
    throw this.cutShort('the server sends pages without artifacts');
  }

  private async read(
    cards: readonly Card[],
  ): Promise<{ next: number | undefined; files: number; announced: number }> {
    let next: number | undefined;
    let [files, announced] = [0, 0];
    for (const card of cards) {
      switch (card.card) {
        case 'file':
        case 'cfile':
          files++;
          if (card.isPrivate && this.options.privateArtifacts !== true) break;
          if (faultFires(this.options.faults, 'clone.drop-received-file')) break;
          if (await this.staging.add(receivedArtifact(card))) this.rounds.counters.filesReceived++;
          break;
        case 'igot':
          announced++;
          break;
        case 'clone_seqno':
          next = card.position;
          break;
        case 'push':
          await this.begin(card.projectCode);
          break;
        default:
          this.settings.read(card);
      }
    }
    return { next, files, announced };
  }

  private async begin(projectCode: string): Promise<void> {
    if (!PROJECT_CODE.test(projectCode)) {
      throw new CairnError('corrupt', 'the server sends an invalid project code');
    }
    if (this.draft !== undefined && projectCode !== this.projectCode) {
      throw new CairnError('corrupt', 'the server changed its project code during the clone');
    }
    this.projectCode = projectCode;
    this.draft ??= await this.target.begin(projectCode);
  }

  /** Fetches what the pages do not have: sources of deltas, members of clusters, unversioned files, and what is new since. */
  private async settle(draft: DraftBag): Promise<void> {
    const { options, settings, rounds } = this;
    // It pins the state that the pages are of.
    rounds.wire.cookie = undefined;
    this.settling = new SyncSession(
      draft,
      rounds,
      { ...options, push: false },
      {
        cards: [{ card: 'reqconfig', name: PROJECT_GROUP }],
        read: (card) => settings.read(card),
      },
    );
    await this.settling.run();
    const missing = draft.held.wanted(rounds.wire.limits.phantoms);
    const sources = missing.slice(0, draft.held.waitingCount);
    if (draft.held.waitingCount > 0) {
      throw new StalledError('the server lacks the sources of its deltas', sources, sources.length);
    }
  }

  private cutShort(why: string): StalledError {
    const { staging } = this;
    const missing = staging.missingSources();
    return new StalledError(`${why} (${staging.count} artifacts came)`, missing, missing.length);
  }
}
