/**
 * A clone by version 3 of Fossil's clone protocol: the server sends all artifacts in pages, and says in each where the next one
 * begins. Whatever came or changed in between is fetched by a pull afterwards.
 */
import type { Card } from '../../fossil/cards.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { faultFires } from '../faults.ts';
import { observerOf, runWithin, type SyncObserver } from '../observer.ts';
import { receivedArtifact } from '../received-cards.ts';
import type { Transport } from '../transport.ts';
import { CloneStaging, MemorySpool, type PayloadSpool } from './clone-staging.ts';
import { Counters } from './counters.ts';
import type { CloneTarget, DraftBag } from './local-bag.ts';
import { PROJECT_GROUP, ProjectSettings } from './project-settings.ts';
import { ServerWords } from './server-words.ts';
import type { CloneOptions } from './sync-options.ts';
import { type CloneResult, StalledError, SyncFailure, type SyncResult } from './sync-result.ts';
import { SyncSession } from './sync-session.ts';
import { Wire } from './wire.ts';

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
  const session = new CloneSession(target, transport, options, observer, spool ?? new MemorySpool());
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
  private readonly transport: Transport;
  private readonly options: CloneOptions;
  private readonly observer: SyncObserver;
  private readonly spool: PayloadSpool;
  private readonly staging: CloneStaging;
  private readonly wire: Wire;
  private readonly counters = new Counters();
  private readonly words = new ServerWords();
  private readonly settings = new ProjectSettings();
  private projectCode = '';
  private draft: DraftBag | undefined;
  private settling: SyncSession | undefined;
  private position = FIRST;
  private idle = 0;

  constructor(
    target: CloneTarget,
    transport: Transport,
    options: CloneOptions,
    observer: SyncObserver,
    spool: PayloadSpool,
  ) {
    this.target = target;
    this.transport = transport;
    this.options = options;
    this.observer = observer;
    this.spool = spool;
    this.staging = new CloneStaging(spool);
    this.wire = new Wire(transport, options);
  }

  get result(): CloneResult {
    const { counters, wire, words, projectCode } = this;
    const { projectName } = this.settings;
    const pages: SyncResult = {
      rounds: counters.rounds,
      filesSent: 0,
      filesReceived: counters.filesReceived,
      unversionedSent: 0,
      unversionedReceived: 0,
      bytesSent: wire.bytesSent,
      bytesReceived: wire.bytesReceived,
      errors: words.errors,
      missing: [],
      checkInLockFailure: undefined,
    };
    const settled = this.settling?.result;
    if (settled === undefined) return { ...pages, projectCode, projectName };
    // Deltas of the pages that had to wait for the pull are not counted twice.
    const filesReceived = this.draft?.held.count ?? pages.filesReceived;
    return { ...sum(pages, settled), filesReceived, projectCode, projectName };
  }

  close(): PromiseLike<void> {
    return this.spool[Symbol.asyncDispose]();
  }

  async run(): Promise<CloneResult> {
    for (let isMore = true; isMore; ) {
      this.wire.signal.throwIfAborted();
      if (this.counters.rounds >= this.wire.limits.rounds) {
        throw this.cutShort(`after ${this.counters.rounds} rounds the server has still more to send`);
      }
      const within = this.observer.roundStarted({ operation: 'clone', round: this.counters.rounds + 1 });
      isMore = await runWithin(within, () => this.page());
    }
    const { draft, settings, projectCode } = this;
    if (draft === undefined) throw new CairnError('corrupt', 'the server does not send its project code');
    for await (const artifacts of this.staging.batches()) {
      this.wire.signal.throwIfAborted();
      await draft.take({ artifacts });
    }
    await this.settle(draft);
    const { projectName, hashPolicy } = settings;
    await draft.commit({ projectCode, projectName, hashPolicy });
    return this.result;
  }

  /** Asks for one page. @returns whether there is another one */
  private async page(): Promise<boolean> {
    const { wire, counters, options } = this;
    counters.begin(wire.bytesSent, wire.bytesReceived);
    // A login needs the project code, which the server has not sent yet: parts that need a login wait until then.
    const isStranger = counters.rounds === 1 && options.account !== undefined;
    const writer = wire.begin();
    if (options.privateArtifacts && !isStranger) writer.add(pragmaCard({ pragma: 'send-private' }));
    writer.add({ card: 'clone', version: CLONE_VERSION, position: this.position });
    const code = this.projectCode === '' ? undefined : this.projectCode;
    const { next, files, announced } = await this.read(await wire.exchange(writer, code));
    const { bytesSent, bytesReceived } = wire;
    const end = counters.end('clone', 0, { gimmesSent: 0, igotsSent: 0, bytesSent, bytesReceived });
    this.observer.roundCompleted(end);
    options.progress?.(end);
    const refusal = this.words.takeRefusal();
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
    if (this.idle < this.wire.limits.idleRounds) return true;
    throw this.cutShort('the server sends pages without artifacts');
  }

  private async read(
    cards: readonly Card[],
  ): Promise<{ next: number | undefined; files: number; announced: number }> {
    let next: number | undefined;
    let [files, announced] = [0, 0];
    for (const card of cards) {
      if (this.words.read(card)) continue;
      switch (card.card) {
        case 'file':
        case 'cfile':
          files++;
          if (card.isPrivate && this.options.privateArtifacts !== true) break;
          if (faultFires(this.options.faults, 'clone.drop-received-file')) break;
          if (await this.staging.add(receivedArtifact(card))) this.counters.filesReceived++;
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
        case 'cookie':
          this.wire.cookie = card.value;
          break;
        case 'unknown':
          throw new CairnError('corrupt', `the server sends an unknown card: ${card.line.slice(0, 100)}`);
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
    const { options, settings } = this;
    this.settling = new SyncSession(draft, this.transport, { ...options, push: false }, this.observer, {
      operation: 'clone',
      roundsBefore: this.counters.rounds,
      cards: [{ card: 'reqconfig', name: PROJECT_GROUP }],
      read: (card) => settings.read(card),
    });
    await this.settling.run();
    const missing = draft.held.wanted(this.wire.limits.phantoms);
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

function sum(one: SyncResult, other: SyncResult): SyncResult {
  return {
    rounds: one.rounds + other.rounds,
    filesSent: one.filesSent + other.filesSent,
    filesReceived: one.filesReceived + other.filesReceived,
    unversionedSent: one.unversionedSent + other.unversionedSent,
    unversionedReceived: one.unversionedReceived + other.unversionedReceived,
    bytesSent: one.bytesSent + other.bytesSent,
    bytesReceived: one.bytesReceived + other.bytesReceived,
    errors: [...new Set([...one.errors, ...other.errors])],
    missing: other.missing,
    checkInLockFailure: other.checkInLockFailure,
  };
}
