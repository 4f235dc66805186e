/**
 * Answers that repeat. Builds ask for the same thing many times in a row, and many of them at once: what `git
 * upload-pack` answers depends on nothing but the manifest and the request, so it is made once and sent to all.
 *
 * A question asked for the first time is passed through, and only remembered: most are never asked again. The second time
 * it is recorded (see {@link ResponseRecording}), also when the first is still being answered, so that however many ask at
 * once, git runs twice at most. Recordings belong to a manifest, and leave when its repository has a newer one.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../lib/digest.ts';
import { type CairnError, publicError } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import type { Output } from '../output.ts';
import { type Produce, ResponseRecording } from './response-recording.ts';

export interface RepeatableRequest {
  /** The repository's name: its recordings leave when it has a new manifest. */
  readonly repository: string;
  readonly manifest: Digest;
  /** Of the request in a form that is equal when the answers are. */
  readonly request: Digest;
}

/** Where an answer came from: a whole recording, one that was still growing, or its own git. */
export type AnsweredFrom = 'cached' | 'followed' | 'produced';

/** Hears of every answer, and of the bytes on disk whenever they change. */
export interface ResponseObserver {
  /** `recorded`: produced, and open for others to follow; `passed`: produced for this client alone. */
  answered(how: 'cached' | 'followed' | 'recorded' | 'passed'): void;
  holds(bytes: number): void;
}

/** Questions remembered, and recordings kept, at most: what they cost in memory and in files. */
const REMEMBERED = 8_192;
const KEPT = 4_096;
/** The part of the budget one answer may take to be kept. */
const SHARE = 4;

/** What is known of a question without a recording. */
type Memory = 'asked' | 'too long';

interface Entry {
  readonly question: RepeatableRequest;
  readonly recording: ResponseRecording;
}

/** The manifests a repository was last asked for: reads that overlap a publish may still come for the one before. */
interface Manifests {
  readonly current: Digest;
  readonly before: Digest | undefined;
}

export class ResponseCache {
  private readonly folder: string;
  private readonly budget: number;
  private readonly observer: ResponseObserver | undefined;
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>();
  private readonly memory = new LruMap<string, Memory>(REMEMBERED);
  private readonly manifests = new LruMap<string, Manifests>(REMEMBERED);
  private readonly running = new Set<ResponseRecording>();
  /** Producers at work and files being removed. */
  private readonly chores = new Set<Promise<unknown>>();
  private total = 0;
  private files = 0;
  private closed: CairnError | undefined;

  /**
   * @param options `folder`: for recordings, emptied at `open()`. `budget`: bytes on disk; 0 records nothing. A recording that
   *   is being sent stays until it has been, but takes no more than the budget leaves
   */
  constructor(options: {
    readonly folder: string;
    readonly budget: number;
    readonly observer?: ResponseObserver;
  }) {
    this.folder = options.folder;
    this.budget = options.budget;
    this.observer = options.observer;
  }

  /** Removes what an earlier run left: nothing says which of it is whole. */
  async open(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await makeFolder(this.folder);
  }

  /** Ends producers that still run and waits for them. Whoever follows them gets CairnError `unavailable`. */
  async close(): Promise<void> {
    this.closed = publicError('unavailable', 'the server is stopping');
    for (const recording of this.running) recording.stop(this.closed);
    while (this.chores.size > 0) await Promise.all(this.chores);
  }

  /** Gives up every recording that is not being sent: somebody found the disk full. */
  async relieve(): Promise<void> {
    await Promise.all([...this.entries].map(([key, entry]) => entry.recording.idle && this.drop(key, entry)));
  }

  /**
   * Answers `question` into `output`: from a recording, by following one that is being made, or by `produce`.
   *
   * Whoever asks must have been allowed to by the caller. `produce` may outlive its own client, for those who follow it, and
   * may be stopped by its signal when all have gone.
   * @throws what the producer of the answer throws, also after a part of it was sent; the signal's reason once the client
   *   has gone; CairnError `unavailable` when a recording cannot be read on
   */
  async serve(
    question: RepeatableRequest,
    output: Output,
    signal: AbortSignal,
    produce: Produce,
  ): Promise<AnsweredFrom> {
    signal.throwIfAborted();
    const key = `${question.repository} ${question.manifest} ${question.request}`;
    const current = this.lookAt(question);
    const kept = this.entries.get(key);
    if (kept?.recording.state === 'whole' && (await this.hold(key, kept))) {
      this.observer?.answered('cached');
      try {
        await kept.recording.follow(output, signal);
      } finally {
        await kept.recording.release();
      }
      return 'cached';
    }
    const running = this.entries.get(key)?.recording;
    if (running?.state === 'open') {
      this.observer?.answered('followed');
      await running.follow(output, signal);
      return 'followed';
    }
    const recording =
      current && running?.state !== 'closed' ? this.startRecording(key, question, produce) : undefined;
    this.observer?.answered(recording === undefined ? 'passed' : 'recorded');
    if (recording === undefined) await produce(output, signal);
    else await recording.follow(output, signal);
    return 'produced';
  }

  /**
   * Notes which manifest the repository has now, and drops what belongs to others.
   * @returns false for a question about the one before, which is as good as over
   */
  private lookAt({ repository, manifest }: RepeatableRequest): boolean {
    const known = this.manifests.get(repository);
    if (known?.current === manifest) return true;
    if (known?.before === manifest) return false;
    this.manifests.set(repository, { current: manifest, before: known?.current }, 1);
    for (const [key, entry] of this.entries) {
      const { question } = entry;
      if (question.repository === repository && question.manifest !== manifest) this.dropSoon(key, entry);
    }
    return true;
  }

  /** Makes sure that a whole recording can be sent; it must be released then. @returns false when its file is gone */
  private async hold(key: string, entry: Entry): Promise<boolean> {
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (await entry.recording.hold()) return true;
    await entry.recording.release();
    await this.drop(key, entry);
    return false;
  }

  /** Starts a recording of a question that has been asked before. @returns undefined when it is to be passed through */
  private startRecording(
    key: string,
    question: RepeatableRequest,
    produce: Produce,
  ): ResponseRecording | undefined {
    if (this.budget === 0 || this.closed !== undefined) return undefined;
    const remembered = this.memory.get(key);
    this.memory.set(key, remembered ?? 'asked', 1);
    if (remembered !== 'asked' || !this.hasPlace()) return undefined;
    const path = join(this.folder, `${this.files++}`);
    const room = {
      take: (bytes: number) => this.take(bytes),
      free: (bytes: number) => this.changeTotal(-bytes),
      relieve: () => this.relieve(),
    };
    const recording = new ResponseRecording(path, room, Math.floor(this.budget / SHARE));
    const entry = { question, recording };
    this.entries.set(key, entry);
    this.mind(this.record(key, entry, produce));
    return recording;
  }

  private async record(key: string, entry: Entry, produce: Produce): Promise<void> {
    const { recording } = entry;
    this.running.add(recording);
    const kept = await recording.run(produce);
    this.running.delete(recording);
    if (kept) return;
    if (recording.tooLong) this.memory.set(key, 'too long', 1);
    await this.drop(key, entry);
  }

  private hasPlace(): boolean {
    if (this.entries.size < KEPT) return true;
    const oldest = this.oldestIdle();
    if (oldest !== undefined) this.dropSoon(...oldest);
    return oldest !== undefined;
  }

  private take(bytes: number): boolean {
    while (this.total + bytes > this.budget) {
      const oldest = this.oldestIdle();
      if (oldest === undefined) return false;
      this.dropSoon(...oldest);
    }
    this.changeTotal(bytes);
    return true;
  }

  private oldestIdle(): readonly [string, Entry] | undefined {
    for (const pair of this.entries) {
      if (pair[1].recording.idle) return pair;
    }
    return undefined;
  }

  private dropSoon(key: string, entry: Entry): void {
    this.mind(this.drop(key, entry));
  }

  /** Takes an entry out, and removes its file once it has been sent to all who are at it. */
  private drop(key: string, entry: Entry): Promise<void> {
    if (this.entries.get(key) === entry) this.entries.delete(key);
    return entry.recording.discard();
  }

  private mind(chore: Promise<unknown>): void {
    this.chores.add(chore);
    void chore.finally(() => this.chores.delete(chore));
  }

  private changeTotal(bytes: number): void {
    this.total += bytes;
    this.observer?.holds(this.total);
  }
}
