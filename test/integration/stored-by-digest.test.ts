/** Whatever is pushed: each artifact in the store has the digest that names it, and a pack that something follows is refused. */
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ObjectFormat, zeroId } from '../../src/git/index.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { appendDelta, CraftedPack, entryHeader } from '../helpers/craft-pack.ts';
import { GitClient } from '../helpers/git-client.ts';
import {
  commitObject,
  objectId,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

const PUSHES = 40;
const seed = testSeed();

let folder: TempDir;
let store: MemoryObjectStore;
let app: App;

beforeAll(async () => {
  folder = await tempDir('cairn-digests');
  store = new MemoryObjectStore();
  app = await startServer({ store, overrides: { background: false } });
});

afterAll(async () => {
  await app.close();
  await folder[Symbol.asyncDispose]();
});

/** Names of artifacts whose bytes have another digest, and how many there are. */
async function artifacts(): Promise<{ readonly wrong: string[]; readonly all: number }> {
  const wrong: string[] = [];
  let all = 0;
  for await (const { key } of store.list('')) {
    const [, digest] = /\/artifacts\/([0-9a-f]{64})(?:-\d+)?\.(?:pack|idx)$/.exec(key) ?? [];
    if (digest === undefined) continue;
    all++;
    const got = await store.get(key);
    if (!got.found) throw new Error(`${key} is gone`);
    const chunks: Buffer[] = [];
    for await (const chunk of got.body) chunks.push(chunk as Buffer);
    if (sha256(Buffer.concat(chunks)) !== digest) wrong.push(key);
  }
  return { wrong, all };
}

describe.each(['sha1', 'sha256'] as const)(
  `pushes of every form (%s, seed ${seed}) (issue 11, point 1)`,
  (format: ObjectFormat) => {
    it('leave only artifacts that match their digests', async () => {
      const random = new SeededRandom(seed);
      const name = `digests-${format}`;
      const repository = app.repositories.get(repositoryId(OWNER, name));
      await createRepository(repository, {
        objectFormat: format,
        head: 'refs/heads/main',
        random: systemRandom,
      });
      const url = repositoryUrl(app, name);
      const id = (object: RawObject) => objectId(object, format);
      const zero = zeroId(format);
      const capabilities = `report-status side-band-64k object-format=${format}`;

      let tip: string | undefined;
      let base: RawObject | undefined;
      for (let number = 0; number < PUSHES; number++) {
        const added = Buffer.from(random.hex(1 + random.below(60)));
        const thin = base !== undefined && random.below(2) === 0;
        const start = thin ? Buffer.from(base?.content ?? []) : Buffer.from(random.hex(random.below(4_000)));
        const blob: RawObject = { type: 'blob', content: Buffer.concat([start, added]) };
        const tree = treeObject('file', id(blob));
        const commit = commitObject(id(tree), tip === undefined ? [] : [tip], `Number ${number}`);
        const pack = new CraftedPack(format).all([commit, tree]);
        // What completes a thin pack: its base as a whole.
        const appended = entryHeader(3, start.length).length + deflateSync(start).length;
        if (thin && base !== undefined) pack.refDelta(id(base), appendDelta(start.length, added));
        else pack.whole(blob);
        const around = Math.max(1, appended + random.below(5) - 2);
        const junk = random.pick([0, 0, around, appended, 1, 20, 32, 1 + random.below(2_000), 1_100_000]);
        const behind = random.below(2) === 0 ? randomBytes(junk) : Buffer.alloc(junk);
        const command = { name: 'refs/heads/main', from: tip ?? zero, to: id(commit) };
        const answer = await push(
          url,
          Buffer.concat([pushHead([command], { capabilities }), pack.bytes({ junk: behind })]),
        );
        const what = `push ${number}: ${thin ? 'thin' : 'whole'}, ${junk} bytes behind it`;
        if (junk > 0) {
          const reason = 'bytes follow the end of the pack';
          expect(reportOf(answer), what).toEqual([`unpack ${reason}`, `ng refs/heads/main ${reason}`]);
        } else {
          expect(reportOf(answer), what).toEqual(['unpack ok', 'ok refs/heads/main']);
          [tip, base] = [id(commit), blob];
        }
      }

      // One object alone, and none at all.
      const alone: RawObject = { type: 'blob', content: Buffer.from(random.hex(20)) };
      for (const pack of [new CraftedPack(format).all([alone]), new CraftedPack(format)]) {
        const head = pushHead([{ name: `refs/tags/t${pack.count}`, from: zero, to: id(alone) }], {
          capabilities,
        });
        const junk = await push(url, Buffer.concat([head, pack.bytes({ junk: randomBytes(12) })]));
        expect(reportOf(junk)[0]).toBe('unpack bytes follow the end of the pack');
        expect(reportOf(await push(url, Buffer.concat([head, pack.bytes()])))[0]).toBe('unpack ok');
      }
      const { wrong, all } = await artifacts();
      expect(wrong).toEqual([]);
      expect(all).toBeGreaterThan(10);
      // Another server reads what is stored, and nothing else.
      const other = await startServer({ store, overrides: { background: false } });
      try {
        const copy = await new GitClient(folder.path).clone(repositoryUrl(other, name), name, '--mirror');
        expect(await copy.run(['fsck', '--full', '--strict'])).not.toContain('missing');
      } finally {
        await other.close();
      }
    });
  },
);
