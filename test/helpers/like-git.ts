/** Holds a server's answers against those of `git upload-pack` to the same requests. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { uploadPack } from '../../src/git-process/commands.ts';
import type { Git } from '../../src/git-process/git.ts';
import { type FetchAnswer, parseAnswer } from './fetch-answer.ts';
import { describeCase, encodeCase, type FetchCase, isWhole } from './fetch-cases.ts';
import type { GeneratedHistory } from './generated-history.ts';
import { fetchFrom } from './raw-git.ts';
import { type ReadPack, readPack } from './read-pack.ts';

export interface Tally {
  cases: number;
  /** Requests sent to the server. */
  answers: number;
  packs: number;
  empty: number;
  refused: number;
}

interface Judged {
  readonly answer: FetchAnswer;
  readonly pack: ReadPack | undefined;
}

export interface LikeGitOptions {
  readonly history: GeneratedHistory;
  readonly url: string;
  readonly git: Git;
  /**
   * True when git answers from bitmaps there, where the reference has none. It then knows all that a client has and may
   * leave it out; and what was asked for by its id stays, whatever filter there is.
   */
  readonly hasBitmaps: boolean;
}

/** Judges the answers of one server about one history. */
export class LikeGit {
  readonly tally: Tally = { cases: 0, answers: 0, packs: 0, empty: 0, refused: 0 };
  private readonly options: LikeGitOptions;

  constructor(options: LikeGitOptions) {
    this.options = options;
  }

  /**
   * Sends one request to both.
   * @param again the same request in other words: first sent one after another, then together
   * @returns what differs, in words that name the request
   */
  async judge(
    one: FetchCase,
    again: { readonly inTurn: readonly FetchCase[]; readonly together: readonly FetchCase[] },
  ): Promise<string[]> {
    const { history, url, git } = this.options;
    const input = encodeCase(one);
    const reference = git.run(uploadPack(history.repository.folder, one.version, 0), { input });
    const headers = one.version === 0 ? {} : { 'Git-Protocol': `version=${one.version}` };
    const ask = (words: FetchCase) => fetchFrom(url, encodeCase(words), headers);
    const answers = [await ask(one)];
    for (const words of again.inTurn) answers.push(await ask(words));
    answers.push(...(await Promise.all(again.together.map(ask))));
    const expected = await reference;

    this.tally.cases++;
    this.tally.answers += answers.length;
    const faults: string[] = [];
    let judged: Judged | undefined;
    try {
      judged = this.take(expected.stdout, one);
    } catch (error) {
      return [`${describeCase(one)}: the reference cannot be read: ${String(error)}`];
    }
    this.count(judged);
    const seen: Buffer[] = [];
    for (const [at, answer] of answers.entries()) {
      if (seen.some((earlier) => earlier.equals(answer.body))) continue;
      seen.push(answer.body);
      // git says nothing of requests that are no requests; Cairn has words for them, and a status.
      const silent = expected.exitCode !== 0 && expected.stdout.length === 0;
      if (silent && (answer.status !== 200 || answer.text.includes('ERR '))) continue;
      const found =
        answer.status === 200
          ? await this.compare(judged, withoutAddedReason(answer.body, expected), one)
          : [`HTTP ${answer.status} ${answer.text.trim()}`];
      faults.push(...found.map((fault) => `answer ${at}: ${fault}`));
    }
    return faults.map(
      (fault) => `${fault}\n  ${describeCase(one)}\n  git: ${expected.exitCode} ${expected.stderr}`,
    );
  }

  private take(bytes: Buffer, one: FetchCase): Judged {
    const { history } = this.options;
    const answer = parseAnswer(bytes, one.version, one.band !== '');
    const { format } = history.shape;
    const pack = answer.pack === undefined ? undefined : readPack(answer.pack, format, history.graph.objects);
    return { answer, pack };
  }

  private count({ pack, answer }: Judged): void {
    if (pack === undefined && answer.head.some((line) => line.startsWith('ERR '))) this.tally.refused++;
    else if (pack === undefined || pack.oids.length === 0) this.tally.empty++;
    else this.tally.packs++;
  }

  private async compare(expected: Judged, bytes: Buffer, one: FetchCase): Promise<string[]> {
    let actual: Judged;
    try {
      actual = this.take(bytes, one);
    } catch (error) {
      return [`it cannot be read: ${String(error)}`];
    }
    const { answer } = actual;
    const faults: string[] = [];
    const [told, toldExpected] = [answer.head.join('\n'), expected.answer.head.join('\n')];
    if (told !== toldExpected) faults.push(`it begins\n${told}\nnot\n${toldExpected}`);
    if (answer.fatal !== expected.answer.fatal) faults.push(`it ends with ${answer.fatal}`);
    if (answer.flushed !== expected.answer.flushed)
      faults.push('it does not end with a flush where git does');
    if (one.features.has('no-progress') && answer.progress !== '') faults.push('it reports progress unasked');
    if (one.band === 'side-band' && answer.largestPacket > 1000)
      faults.push(`a packet of ${answer.largestPacket} bytes is too long for the small side-band`);
    faults.push(...this.comparePacks(expected.pack, actual.pack, one));
    if (isWhole(one) && answer.pack !== undefined) faults.push(...(await this.checkStrictly(answer.pack)));
    return faults;
  }

  private comparePacks(
    expected: ReadPack | undefined,
    actual: ReadPack | undefined,
    one: FetchCase,
  ): string[] {
    if (expected === undefined && actual === undefined) return [];
    if (expected === undefined) return ['there is a pack'];
    if (actual === undefined) return ['there is no pack'];
    const { graph } = this.options.history;
    const faults: string[] = [];
    const objects = new Set(actual.oids);
    const wanted = new Set(expected.oids);
    if (objects.size !== actual.oids.length)
      faults.push(`${actual.oids.length - objects.size} objects come twice`);
    // Who names a commit as shallow has it, whether he says so again or not.
    const has = graph.closure([...one.haves, ...one.shallow], new Set(one.shallow));
    const { hasBitmaps } = this.options;
    const spared = (oid: string) => hasBitmaps && !isWhole(one) && has.has(graph.peel(oid));
    const unfiltered = (oid: string) => hasBitmaps && one.filter !== undefined && one.wants.includes(oid);
    const missing = [...wanted].filter((oid) => !objects.has(oid) && !spared(oid));
    const extra = [...objects].filter((oid) => !wanted.has(oid) && !unfiltered(oid));
    for (const [what, oids] of Object.entries({ missing, extra })) {
      if (oids.length > 0)
        faults.push(
          `${oids.length} ${what} of ${wanted.size}: ${oids.slice(0, 5).map((oid) => this.name(oid))}`,
        );
    }
    if (actual.offsetDeltas > 0 && !one.features.has('ofs-delta'))
      faults.push('offset deltas were not asked for');
    const unknown = [...actual.foreignBases].filter((oid) => !has.has(oid));
    if (actual.foreignBases.size > 0 && !one.features.has('thin-pack'))
      faults.push('a thin pack was not asked for');
    if (unknown.length > 0)
      faults.push(`it builds on ${unknown.map((oid) => this.name(oid))}, which the client lacks`);
    return faults;
  }

  /** What a client that checks everything (`transfer.fsckObjects`) says of a pack that has to be complete in itself. */
  private async checkStrictly(pack: Buffer): Promise<string[]> {
    const { git, history } = this.options;
    const gitDir = history.repository.folder;
    const objects = await mkdtemp(join(gitDir, 'strict-'));
    await mkdir(join(objects, 'pack'), { recursive: true });
    const variables = { GIT_DIR: gitDir, GIT_OBJECT_DIRECTORY: objects };
    const { exitCode, stderr } = await git.run(
      { name: 'index-pack', args: ['--strict', '--stdin'], variables },
      { input: pack },
    );
    return exitCode === 0 ? [] : [`a strict client refuses the pack: ${stderr.trim()}`];
  }

  private name(oid: string): string {
    return `${this.options.history.graph.objects.get(oid)?.type ?? 'unknown'} ${oid}`;
  }
}

/** Where git breaks off without a word behind what it has said already, Cairn adds the word. */
function withoutAddedReason(
  body: Buffer,
  git: { readonly exitCode: number | null; readonly stdout: Buffer },
): Buffer {
  const added = body.subarray(git.stdout.length);
  const breaksOff = git.exitCode !== 0 && body.subarray(0, git.stdout.length).equals(git.stdout);
  return breaksOff && added.toString('latin1', 4, 8) === 'ERR ' ? git.stdout : body;
}
