/** A git process that stays, and answers questions about the objects of one repository, one after the other. */
import { isObjectType, type ObjectType } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { answerQuestions } from './browse-commands.ts';
import type { Git, RunningGit } from './git.ts';
import { failureReason } from './result.ts';

/** An object without its content. */
export interface ObjectInfo {
  readonly type: ObjectType;
  /** Bytes of its content. */
  readonly size: number;
}

export interface SessionObject extends ObjectInfo {
  readonly content: Buffer;
}

/** An answer of git's. */
interface Answer extends SessionObject {
  readonly oid: string;
}

/** What waits for an answer. */
interface Question {
  /** Most bytes of content that are wanted; undefined for none. */
  readonly maxSize: number | undefined;
  resolve(answer: Answer | undefined): void;
  reject(error: unknown): void;
}

const NO_CONTENT = Buffer.alloc(0);
/** Bytes of small commits, trees and tags that are kept: a page asks for some several times, and the next one for many again. */
const KEPT = 2 * 1024 * 1024;
const KEPT_SIZE = 32 * 1024;
const OVERHEAD = 300;
/** Objects whose type and size are remembered: what is asked about is often read afterwards. */
const KEPT_INFOS = 1_000;
const WHOLE_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * `git cat-file --batch-command` over one snapshot. Questions may overlap: git answers them in order. The process is started
 * by the first question, and by the first one after it has ended.
 */
export class ObjectSession {
  private readonly git: Git;
  private readonly gitDir: string;
  private readonly waiting: Question[] = [];
  private readonly kept = new LruMap<string, Answer>(KEPT);
  private readonly infos = new LruMap<string, ObjectInfo>(KEPT_INFOS);
  /** Questions that git has not been sent: those of one moment go in one write. */
  private unsent = '';
  private running: RunningGit | undefined;
  private closed = false;

  /** @param gitDir a snapshot, which must stay until the session is closed */
  constructor(git: Git, gitDir: string) {
    this.git = git;
    this.gitDir = gitDir;
  }

  /**
   * @param oid a whole object id in hex
   * @returns undefined if there is no such object
   * @throws CairnError `unavailable` when git fails, `busy` when there is no memory for it
   */
  async info(oid: string): Promise<ObjectInfo | undefined> {
    if (!WHOLE_ID.test(oid)) return undefined;
    const kept = this.closed ? undefined : this.infos.get(oid);
    if (kept !== undefined) return kept;
    const answer = await this.ask(oid, undefined);
    if (answer === undefined) return undefined;
    const info = { type: answer.type, size: answer.size };
    this.infos.set(oid, info, 1);
    return info;
  }

  /**
   * Reads a whole object.
   * @param maxSize bytes
   * @returns undefined if there is no such object
   * @throws CairnError `too-large` with its size if it has more than `maxSize`; as {@link info}
   */
  async read(oid: string, maxSize: number): Promise<SessionObject | undefined> {
    const info = await this.info(oid);
    if (info === undefined) return undefined;
    if (info.size > maxSize) {
      throw tooLarge(info, maxSize);
    }
    return this.ask(oid, maxSize);
  }

  /**
   * Like {@link read}, with one question instead of two. For objects that are known to be small: the content of a large one is
   * read, and dropped.
   */
  async readSmall(oid: string, maxSize: number): Promise<SessionObject | undefined> {
    return WHOLE_ID.test(oid) ? this.ask(oid, maxSize) : undefined;
  }

  /**
   * Finds the object of an abbreviated id.
   * @param prefix 4 to 64 hex digits
   * @returns undefined if there is none, or several
   * @throws as {@link info}
   */
  async find(prefix: string): Promise<(ObjectInfo & { readonly oid: string }) | undefined> {
    if (!/^[0-9a-f]{4,64}$/.test(prefix)) return undefined;
    const found = await this.ask(prefix, undefined);
    // For git a ref may have such a name, too.
    return found?.oid.startsWith(prefix) === true ? found : undefined;
  }

  /** Ends git. Questions that wait fail. */
  async close(): Promise<void> {
    this.closed = true;
    const { running } = this;
    running?.stop();
    await running?.ended;
  }

  /** @param oid hex digits and nothing else: a line of its own would be another command */
  private ask(oid: string, maxSize: number | undefined): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw new CairnError('unavailable', 'the session with git is closed');
      const kept = this.kept.get(oid);
      if (kept !== undefined) {
        if (maxSize !== undefined && kept.size > maxSize) throw tooLarge(kept, maxSize);
        resolve(kept);
        return;
      }
      const running = this.process();
      this.waiting.push({ maxSize, resolve, reject });
      if (this.unsent === '') queueMicrotask(() => this.send(running));
      this.unsent += `${maxSize === undefined ? 'info' : 'contents'} ${oid}\n`;
    });
  }

  private send(running: RunningGit): void {
    // Questions to a process that has ended have failed. What is unsent is for another one, and has its own turn.
    if (this.running !== running) return;
    running.stdin.write(this.unsent);
    this.unsent = '';
  }

  private process(): RunningGit {
    if (this.running !== undefined) return this.running;
    const running = this.git.start(answerQuestions(this.gitDir));
    this.running = running;
    running.stderr.resume();
    this.answer(running).then(
      () => this.fail(running, new CairnError('unavailable', 'git stopped answering')),
      (error: unknown) => this.fail(running, error),
    );
    return running;
  }

  /** Hands out git's answers until it ends. */
  private async answer(running: RunningGit): Promise<void> {
    let rest: Buffer = NO_CONTENT;
    const parts: Buffer[] = [];
    let missing = 0;
    let head: Omit<Answer, 'content'> | undefined;
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length > 0) {
        if (head === undefined) {
          const end = rest.indexOf(0x0a);
          if (end === -1) break;
          const info = parseInfo(rest.toString('latin1', 0, end));
          rest = rest.subarray(end + 1);
          if (info === undefined || this.waiting[0]?.maxSize === undefined) {
            this.waiting.shift()?.resolve(info === undefined ? undefined : { ...info, content: NO_CONTENT });
          } else {
            head = info;
            // A line feed follows the content.
            missing = info.size + 1;
          }
          continue;
        }
        const part = rest.subarray(0, missing);
        const fits = head.size <= (this.waiting[0]?.maxSize ?? 0);
        if (fits) parts.push(part);
        missing -= part.length;
        rest = rest.subarray(part.length);
        if (missing > 0) continue;
        const question = this.waiting.shift();
        if (fits) {
          const content = Buffer.concat(parts, head.size + 1).subarray(0, head.size);
          question?.resolve(this.keep({ ...head, content }));
        } else question?.reject(tooLarge(head, question.maxSize ?? 0));
        parts.length = 0;
        head = undefined;
      }
    }
    const result = await running.ended;
    if (!this.closed) throw new CairnError('unavailable', failureReason('cat-file', result));
  }

  private keep(answer: Answer): Answer {
    const { oid, type, size } = answer;
    if (type !== 'blob' && size <= KEPT_SIZE) this.kept.set(oid, answer, size + OVERHEAD);
    return answer;
  }

  private fail(running: RunningGit, error: unknown): void {
    if (this.running === running) this.running = undefined;
    this.unsent = '';
    for (const question of this.waiting.splice(0)) question.reject(error);
  }
}

function tooLarge({ type, size }: ObjectInfo, maxSize: number): CairnError {
  return new CairnError('too-large', `a ${type} has ${size} bytes, more than ${maxSize}`);
}

/** Parses `<oid> <type> <size>`; undefined for `<oid> missing` and `<oid> ambiguous`. */
function parseInfo(line: string): Omit<Answer, 'content'> | undefined {
  const [oid = '', type, size] = line.split(' ');
  return isObjectType(type) ? { oid, type, size: Number(size) } : undefined;
}
