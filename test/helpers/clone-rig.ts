/** A server, repositories on it, and clones of them: each held against what is published, and asked what it was answered by. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket, type ObjectFormat } from '../../src/git/index.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import type { PublishedGitState } from '../../src/repository/git/git-manifest.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { stateOn } from './folded.ts';
import { GitClient } from './git-client.ts';
import { fetchFrom, type RawAnswer } from './raw-git.ts';
import { OWNER, repositoryUrl, startServer } from './server.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

export class CloneRig implements AsyncDisposable {
  readonly folder: TempDir;
  readonly app: App;
  private names = 0;

  private constructor(folder: TempDir, app: App) {
    this.folder = folder;
    this.app = app;
  }

  /** Starts a server that folds only when it is told to. */
  static async start(flags: Readonly<Record<string, string>> = {}): Promise<CloneRig> {
    return new CloneRig(
      await tempDir('cairn-clones'),
      await startServer({ flags: { fold: 'off', ...flags } }),
    );
  }

  /** A repository with some history, and tags of both sorts, pushed at once and not folded. */
  async host(format: ObjectFormat = 'sha1'): Promise<ClonedRepository> {
    const name = `repository-${++this.names}`;
    const id = repositoryId(OWNER, name);
    await createRepository(this.app.repositories.get(id), {
      objectFormat: format,
      head: 'refs/heads/main',
      random: systemRandom,
    });
    const author = await new GitClient(this.folder.path).init(name, `--object-format=${format}`);
    const hosted = new ClonedRepository(this, id, author);
    await author.addRemote(hosted.url);
    for (const message of ['one', 'two']) await hosted.commit(message);
    await author.run(['tag', '-a', '-m', 'First', 'v1']);
    await author.run(['tag', 'light', 'HEAD~1']);
    await author.run(['push', '--quiet', 'origin', 'main', 'v1', 'light']);
    return hosted;
  }

  /** A name nobody has used yet. */
  fresh(): string {
    return `copy-${++this.names}`;
  }

  /** What fetches have been answered by while `run` ran. */
  answeredBy(run: () => Promise<unknown>): Promise<string[]> {
    return counted(this.app.metrics.fetchAnswers, 'by', run);
  }

  /** The git commands the server has started while `run` ran. */
  processesOf(run: () => Promise<unknown>): Promise<string[]> {
    return counted(this.app.metrics.gitStarted, 'command', run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

interface LabelledCounter {
  get(): Promise<{
    readonly values: readonly { labels: Partial<Record<string, string | number>>; value: number }[];
  }>;
}

/** What a counter has counted while `run` ran: the value of a label, once for each time. */
async function counted(
  counter: LabelledCounter,
  label: string,
  run: () => Promise<unknown>,
): Promise<string[]> {
  const counts = async () => {
    const { values } = await counter.get();
    return new Map(values.map(({ labels, value }) => [String(labels[label]), value]));
  };
  const before = await counts();
  await run();
  const found: string[] = [];
  for (const [name, count] of await counts()) {
    for (let more = count - (before.get(name) ?? 0); more > 0; more--) found.push(name);
  }
  return found;
}

export class ClonedRepository {
  readonly id: RepositoryId;
  readonly author: GitClient;
  private readonly rig: CloneRig;
  private commits = 0;

  constructor(rig: CloneRig, id: RepositoryId, author: GitClient) {
    this.rig = rig;
    this.id = id;
    this.author = author;
  }

  get url(): string {
    return repositoryUrl(this.rig.app, this.id.identifier);
  }

  state(): Promise<PublishedGitState> {
    return stateOn(this.rig.app, this.id);
  }

  /** The values of all refs. */
  async wants(): Promise<string[]> {
    return [...new Set((await this.state()).manifest.refs.values())];
  }

  /** Changes a line of a long file, so that packs have deltas in them, and adds a file. */
  async commit(message: string): Promise<string> {
    const changed = ++this.commits;
    const lines = Array.from({ length: 200 }, (_, at) =>
      createHash('sha1')
        .update(`${at === changed}${at}`)
        .digest('hex'),
    );
    return this.author.commit(message, { file: lines.join('\n'), [`more/${message}`]: `${message}\n` });
  }

  async push(message: string): Promise<void> {
    await this.commit(message);
    await this.author.run(['push', '--quiet', 'origin', 'HEAD']);
  }

  /** Mirrors it, and has git check that it is all there, that it is no more than that, and that it is as published. */
  async cloneAndCheck(settings: readonly string[] = []): Promise<void> {
    const user = new GitClient(this.rig.folder.path, settings);
    const copy = await user.clone(this.url, this.rig.fresh(), '--mirror');
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
    const objects = await copy.run(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
    const reachable = await copy.run(['rev-list', '--all', '--objects', '--no-object-names']);
    expect(objects.split('\n').sort()).toEqual(reachable.split('\n').sort());
    const found = await copy.run(['for-each-ref', '--format=%(refname) %(objectname)']);
    const { refs } = (await this.state()).manifest;
    expect(found.split('\n')).toEqual([...refs].map(([name, oid]) => `${name} ${oid}`));
  }

  clonedBy(settings: readonly string[] = []): Promise<string[]> {
    return this.rig.answeredBy(() => this.cloneAndCheck(settings));
  }

  /** Clones until the answer is the one awaited: what it takes to prove goes on behind the first. */
  async cloneUntil(awaited: string): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const [by] = await this.clonedBy();
      if (by === awaited) return;
      await sleep(50);
    }
    throw new Error(`no clone was answered by ${awaited}`);
  }

  /** Clones until it would have been proved, and finds it answered by git, or as git has answered before. */
  async neverJoined(): Promise<void> {
    const notJoined = ['git', 'cached', 'followed'];
    expect(notJoined).toContain((await this.clonedBy())[0]);
    const wants = await this.wants();
    for (let tries = 0; tries < 3; tries++) {
      await sleep(150);
      const [by] = await this.rig.answeredBy(() => this.fetch(wants, ['ofs-delta', 'no-progress']));
      expect(notJoined).toContain(by);
    }
    expect(notJoined).toContain((await this.clonedBy())[0]);
  }

  /** A fetch of protocol v2 by a client that has nothing. */
  async fetch(wants: readonly string[], args: readonly string[]): Promise<RawAnswer> {
    const lines = [...args, ...wants.map((oid) => `want ${oid}`), 'done'];
    const packets = lines.map((line) => encodePacket(`${line}\n`));
    const body = Buffer.concat([encodePacket('command=fetch\n'), delimiterPacket, ...packets, flushPacket]);
    const answer = await fetchFrom(this.url, body, { 'Git-Protocol': 'version=2' });
    expect(answer.status).toBe(200);
    return answer;
  }

  /** The same of protocol v0. */
  async fetchV0(wants: readonly string[], capabilities: string): Promise<Buffer> {
    const lines = wants.map((oid, at) => (at === 0 ? `want ${oid} ${capabilities}\n` : `want ${oid}\n`));
    const packets = lines.map((line) => encodePacket(line));
    return (await fetchFrom(this.url, Buffer.concat([...packets, flushPacket, encodePacket('done\n')]))).body;
  }
}
