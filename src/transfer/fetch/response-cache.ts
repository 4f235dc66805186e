/**
 * A cache of responses of `git upload-pack`. CI jobs send the same request many times, often at once. The response depends
 * only on the manifest and the request, so it is made once and sent to all.
 *
 * The first response to a request of git is not recorded, only the request is remembered: most requests never repeat. The second
 * response is recorded (see {@link ResponseRecording}), even while the first is still being sent. So git runs at most twice,
 * however many clients ask at once. A recording belongs to a manifest and is dropped when the repository has a newer one.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../lib/digest.ts';
import { type CairnError, publicError } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import type { Output } from '../output.ts';
import { withoutFirst } from '../part-of-output.ts';
import { type Produce, ResponseRecording } from './response-recording.ts';

export interface RepeatableRequest {
  /** Name of the repository. Its recordings are dropped when it has a new manifest. */
  readonly repository: string;
  readonly manifest: Digest;
  /** Digest of everything in the request that the response depends on. */
  readonly request: Digest;
}

/** The source of a response: a complete recording, a recording in progress, or a git process of its own. */
export type ResponseSource = 'cached' | 'followed' | 'produced';

/** Is told of every response, and of the bytes on disk whenever they change. */
export interface ResponseObserver {
  /** `recorded`: produced, and other requests can follow it; `passed`: produced for this client only. */
  answered(how: 'cached' | 'followed' | 'recorded' | 'passed'): void;
  holds(bytes: number): void;
}

/** Maximum numbers of remembered requests and of recordings. They bound memory and files. */
const REMEMBERED = 8_192;
const KEPT = 4_096;
/** A recording may take at most this fraction (1/n) of the budget. */
const SHARE = 4;

/** A fact about a request without a recording. */
type Memory = 'requested' | 'too long';

interface Entry {
  readonly request: RepeatableRequest;
  readonly recording: ResponseRecording;
}

/** The last two manifests of a repository: requests that overlap a publish may still use the previous one. */
interface Manifests {
  readonly current: Digest;
  readonly before: Digest | undefined;
}

export class ResponseCache {
  private readonly folder: string;
  private readonly budget: number;
  private readonly observer: ResponseObserver | undefined;
  private readonly recordsFirst: boolean;
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>();
  private readonly memory = new LruMap<string, Memory>(REMEMBERED);
  private readonly manifests = new LruMap<string, Manifests>(REMEMBERED);
  private readonly running = new Set<ResponseRecording>();
  /** Running producers, and removals of files. */
  private readonly chores = new Set<Promise<unknown>>();
  private total = 0;
  private files = 0;
  private closed: CairnError | undefined;

  /**
   * @param options `folder`: for recordings, emptied by `open()`. `budget`: bytes on disk; 0 turns recording off. A recording
   *   that is being sent is kept until then, but never exceeds the budget. `recordsFirst`: records a response the first time
   *   it is asked for, because most are asked for again
   */
  constructor(options: {
    readonly folder: string;
    readonly budget: number;
    readonly observer?: ResponseObserver;
    readonly recordsFirst?: boolean;
  }) {
    this.folder = options.folder;
    this.budget = options.budget;
    this.observer = options.observer;
    this.recordsFirst = options.recordsFirst === true;
  }

  /** Removes recordings of an earlier run: it is not known which of them are complete. */
  async open(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await makeFolder(this.folder, PRIVATE_FOLDER);
  }

  /** Stops running producers and waits for them. Their readers get CairnError `unavailable`. */
  async close(): Promise<void> {
    this.closed = publicError('unavailable', 'the server is stopping');
    for (const recording of this.running) recording.stop(this.closed);
    while (this.chores.size > 0) await Promise.all(this.chores);
  }

  /** Drops every recording that is not being sent. Call it when the disk is full. */
  async relieve(): Promise<void> {
    await Promise.all([...this.entries].map(([key, entry]) => entry.recording.idle && this.drop(key, entry)));
  }

  /**
   * Writes the response to `request` into `output`: from a recording, by following one in progress, or by `produce`.
   *
   * The caller checks access before. `produce` may outlive its own client if others follow it. Its signal is aborted when all
   * of them have gone.
   * @param start number of bytes at the beginning that the client does not get
   * @throws what the producer throws, possibly after a part was sent; the signal's reason once the client has gone;
   *   CairnError `unavailable` if a recording cannot be read
   */
  async serve(
    request: RepeatableRequest,
    output: Output,
    signal: AbortSignal,
    produce: Produce,
    start = 0,
  ): Promise<ResponseSource> {
    signal.throwIfAborted();
    const key = `${request.repository} ${request.manifest} ${request.request}`;
    const isCurrent = this.noteManifest(request);
    const kept = this.entries.get(key);
    if (kept?.recording.state === 'whole' && (await this.hold(key, kept))) {
      this.observer?.answered('cached');
      try {
        await kept.recording.follow(output, signal, start);
      } finally {
        await kept.recording.release();
      }
      return 'cached';
    }
    const running = this.entries.get(key)?.recording;
    if (running?.state === 'open') {
      this.observer?.answered('followed');
      await running.follow(output, signal, start);
      return 'followed';
    }
    const recording =
      isCurrent && running?.state !== 'closed' ? this.startRecording(key, request, produce) : undefined;
    this.observer?.answered(recording === undefined ? 'passed' : 'recorded');
    if (recording === undefined) await produce(start === 0 ? output : withoutFirst(output, start), signal);
    else await recording.follow(output, signal, start);
    return 'produced';
  }

  /**
   * Notes the manifest that the repository has now, and drops recordings of others.
   * @returns false for a request on the previous manifest: recording it is not worthwhile
   */
  private noteManifest({ repository, manifest }: RepeatableRequest): boolean {
    const known = this.manifests.get(repository);
    if (known?.current === manifest) return true;
    if (known?.before === manifest) return false;
    this.manifests.set(repository, { current: manifest, before: known?.current }, 1);
    for (const [key, entry] of this.entries) {
      const { request } = entry;
      if (request.repository === repository && request.manifest !== manifest) this.dropSoon(key, entry);
    }
    return true;
  }

  /** Opens a complete recording for sending; the caller must release it. @returns false if its file is gone */
  private async hold(key: string, entry: Entry): Promise<boolean> {
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (await entry.recording.hold()) return true;
    await entry.recording.release();
    await this.drop(key, entry);
    return false;
  }

  /** Starts a recording if the request is worth it. @returns undefined if the response is not to be recorded */
  private startRecording(
    key: string,
    request: RepeatableRequest,
    produce: Produce,
  ): ResponseRecording | undefined {
    if (this.budget === 0 || this.closed !== undefined) return undefined;
    const known = this.memory.get(key);
    this.memory.set(key, known ?? 'requested', 1);
    const remembered = this.recordsFirst ? (known ?? 'requested') : known;
    if (remembered !== 'requested' || !this.hasPlace()) return undefined;
    const path = join(this.folder, `${this.files++}`);
    const room = {
      take: (bytes: number) => this.take(bytes),
      free: (bytes: number) => this.changeTotal(-bytes),
      relieve: () => this.relieve(),
    };
    const recording = new ResponseRecording(path, room, Math.floor(this.budget / SHARE));
    const entry = { request, recording };
    this.entries.set(key, entry);
    this.track(this.record(key, entry, produce));
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
    this.track(this.drop(key, entry));
  }

  /** Removes an entry, and its file once all its readers have finished. */
  private drop(key: string, entry: Entry): Promise<void> {
    if (this.entries.get(key) === entry) this.entries.delete(key);
    return entry.recording.discard();
  }

  private track(chore: Promise<unknown>): void {
    this.chores.add(chore);
    void chore.finally(() => this.chores.delete(chore));
  }

  private changeTotal(bytes: number): void {
    this.total += bytes;
    this.observer?.holds(this.total);
  }
}
