/**
 * A fuzzer that makes packs no git client sends. What was `ok` can be cloned, passes git fsck, folds, and lies in the store
 * under its own digest; what was refused has left nothing. `CAIRN_TEST_PUSHES` says how many, `CAIRN_TEST_SEED` from which seed.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodePacket } from '../../src/git/index.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { pointerKey, repositoryPrefix } from '../../src/repository/keys.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { objectId, push, pushHead, type RawObject, reportOf } from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tell } from '../helpers/tell.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';
import { type CraftedPush, craftPush, type Known, LARGEST_OBJECT } from './crafted-push.ts';

const PUSHES = Number(process.env['CAIRN_TEST_PUSHES'] ?? 80);
const SEED = testSeed();
/** Pushes to one repository. */
const HISTORY = 20;

it('crafted packs are accepted only if they can be served, and refused ones leave nothing (issue 11, points 1 to 3)', {
  timeout: 180_000 + PUSHES * 3_000,
}, async () => {
  const store = new MemoryObjectStore();
  await using server = await startServer({
    store,
    flags: { fold: 'off', 'max-object-size': String(LARGEST_OBJECT) },
  });
  await using folder = await tempDir('cairn-crafted');
  const random = new SeededRandom(SEED);
  const told = new Map<string, number>();
  for (let done = 0; done < PUSHES; done += HISTORY) {
    const name = `crafted-${done}`;
    const repository = new CraftedRepository(server, store, name, new GitClient(folder.path));
    for (let number = done; number < Math.min(PUSHES, done + HISTORY); number++) {
      const { shape, accepted } = await repository.push(random, number);
      const key = `${shape}: ${accepted ? 'ok' : 'ng'}`;
      told.set(key, (told.get(key) ?? 0) + 1);
    }
    await repository.conclude();
  }
  const came = tell('shapes of crafted pushes', Object.fromEntries([...told].sort()));
  expect(
    [...told.keys()].some((key) => key.endsWith('ok')),
    came,
  ).toBe(true);
  expect(
    [...told.keys()].some((key) => key.endsWith('ng')),
    came,
  ).toBe(true);
});

/** One repository, and what a client knows of it. */
class CraftedRepository {
  private readonly server: App & { readonly cacheFolder: string };
  private readonly store: ObjectStore;
  private readonly name: string;
  private readonly git: GitClient;
  private readonly known: Known = { blobs: [], trees: [], commits: [] };
  private readonly refs = new Map<string, string>();
  private mirrors = 0;

  constructor(
    server: App & { readonly cacheFolder: string },
    store: ObjectStore,
    name: string,
    git: GitClient,
  ) {
    this.server = server;
    this.store = store;
    this.name = name;
    this.git = git;
  }

  private get id() {
    return repositoryId(OWNER, this.name);
  }

  async push(
    random: SeededRandom,
    number: number,
  ): Promise<{ readonly shape: string; readonly accepted: boolean }> {
    const crafted = craftPush(random, this.known);
    const { shape, kind, tip, pack, shallow = [] } = crafted;
    const about = `seed ${SEED}, push ${number}: ${shape}`;
    const ref = `refs/${kind}/${number}`;
    const before = await this.keys();
    const head = pushHead([{ name: ref, to: tip }]);
    const lines = shallow.map((oid) => encodePacket(`shallow ${oid}`));
    const answer = await push(repositoryUrl(this.server, this.name), [Buffer.concat([...lines, head, pack])]);
    expect(answer.status, `${about}\n${answer.text}`).toBe(200);
    const report = reportOf(answer);
    const accepted = report.includes(`ok ${ref}`);
    const words = `${about}\n${report.join('\n')}`;
    if (!accepted)
      expect(
        report.some((line) => line.startsWith(`ng ${ref} `)),
        words,
      ).toBe(true);
    if (crafted.verdict !== 'either') expect(accepted ? 'accepted' : 'refused', words).toBe(crafted.verdict);
    expect(report.join('\n'), words).not.toContain('internal error');
    if (accepted) {
      this.refs.set(ref, tip);
      this.learn(crafted);
      if (crafted.verdict === 'either') await this.mirror(about);
    } else {
      expect(await this.keys(), words).toEqual(before);
      await expect.poll(() => this.scratch(), { message: words }).toEqual([]);
    }
    return { shape, accepted };
  }

  /** Clones, folds, clones again, and looks at every artifact. */
  async conclude(): Promise<void> {
    const about = `seed ${SEED}, ${this.name}`;
    await this.mirror(about);
    if (this.refs.size > 0) await this.server.fold(this.id);
    await this.mirror(`${about}, folded`);
    for (const { key, body } of await this.artifacts()) {
      const [, digest] = /\/artifacts\/([0-9a-f]{64})/.exec(key) ?? [];
      if (digest !== undefined) expect(sha256(body), `${about}: ${key}`).toBe(digest);
    }
  }

  private async mirror(about: string): Promise<void> {
    if (this.refs.size === 0) return;
    const folder = `${this.name}-${this.mirrors++}`;
    const copy = await this.git.clone(repositoryUrl(this.server, this.name), folder, '--mirror');
    const listed = await copy.run(['for-each-ref', '--format=%(refname) %(objectname)']);
    const expected = [...this.refs].map(([ref, oid]) => `${ref} ${oid}`);
    expect(listed.split('\n').sort(), about).toEqual(expected.sort());
    const { exitCode, stderr } = await copy.try(['fsck', '--full', '--no-dangling']);
    expect(exitCode, `${about}\n${stderr}`).toBe(0);
  }

  private learn({ brings }: CraftedPush): void {
    const { blobs, commits } = this.known;
    // A base of a delta by hand is shorter than 16 MiB, and quick to hash.
    blobs.push(
      ...brings.filter(({ type, content }) => type === 'blob' && content.length < 100_000).slice(0, 5),
    );
    commits.push(...brings.filter(({ type }) => type === 'commit'));
    const trees = brings.filter(({ type }) => type === 'tree');
    const tree = trees.at(-1);
    if (tree !== undefined) this.known.trees.push({ tree, depth: this.depthOf(trees) });
  }

  /** Levels of the last one of these folders, of which each holds the one before it or a published one. */
  private depthOf(trees: readonly RawObject[]): number {
    const depths = new Map(this.known.trees.map(({ tree, depth }) => [objectId(tree), depth]));
    let depth = 0;
    for (const tree of trees) {
      depth =
        1 +
        (Buffer.from(tree.content).toString('latin1').startsWith('40000 ')
          ? (depths.get(firstChild(tree)) ?? depth)
          : 0);
      depths.set(objectId(tree), depth);
    }
    return depth;
  }

  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(repositoryPrefix(this.id))) keys.push(key);
    // What the pointer says is compared, too.
    const pointer = await this.store.head(pointerKey(this.id));
    return [...keys, pointer.found ? pointer.version : 'no pointer'];
  }

  private async artifacts(): Promise<{ readonly key: string; readonly body: Buffer }[]> {
    const all: { readonly key: string; readonly body: Buffer }[] = [];
    for await (const { key } of this.store.list(repositoryPrefix(this.id))) {
      const found = await this.store.get(key);
      if (!found.found) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of found.body) chunks.push(chunk as Buffer);
      all.push({ key, body: Buffer.concat(chunks) });
    }
    return all;
  }

  /** What pushes have left in the scratch folder. */
  private async scratch(): Promise<string[]> {
    const names = await readdir(join(this.server.cacheFolder, 'scratch'));
    return names.filter((name) => /quarantine|push/.test(name));
  }
}

function firstChild({ content }: RawObject): string {
  const at = content.indexOf(0) + 1;
  return Buffer.from(content).toString('hex', at, at + 20);
}
