/** What is told of a pack that git has taken in: which of its entries came in, and which were appended to complete it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeflate } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../../../../src/git-process/git.ts';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { sha256OfFile } from '../../../../../src/lib/digest.ts';
import { DiskFullError } from '../../../../../src/lib/disk-full.ts';
import type { PackBounds } from '../../../../../src/repository/intake/bounds/pack-bounds.ts';
import { indexPack, type PackOutcome } from '../../../../../src/repository/intake/indexing/index-pack.ts';
import { openQuarantine } from '../../../../../src/repository/intake/quarantine.ts';
import { RequestBody } from '../../../../../src/transfer/request-body.ts';
import { appendDelta, CraftedPack, entryHeader, repeatDelta } from '../../../../helpers/craft-pack.ts';
import { GitClient, run } from '../../../../helpers/git-client.ts';
import { gitScript } from '../../../../helpers/git-script.ts';
import { PACK_BOUNDS } from '../../../../helpers/pack-bounds.ts';
import { commitObject, objectId } from '../../../../helpers/raw-git.ts';
import { type TempDir, tempDir } from '../../../../helpers/temp-dir.ts';

const TRAILING = {
  outcome: 'refused',
  class: 'pack',
  reason: 'bytes follow the end of the pack',
  findings: [],
};

let folder: TempDir;
let git: Git;

beforeAll(async () => {
  folder = await tempDir('cairn-quarantine');
  git = new Git({ binary: 'git', home: folder.path });
});

afterAll(async () => {
  await git.close();
  await folder[Symbol.asyncDispose]();
});

interface Sent {
  readonly client: GitClient;
  readonly pack: Buffer;
  /** What the pack leans on. */
  readonly base: string;
  readonly ids: readonly string[];
}

/** A second commit as a thin pack: its file is a delta of the first one's. */
async function thinPack(name: string, format: string): Promise<Sent> {
  const client = await new GitClient(folder.path).init(name, `--object-format=${format}`);
  const content = randomBytes(4_000).toString('base64');
  const first = await client.commit('First', { file: content });
  const base = await client.run(['rev-parse', 'HEAD:file']);
  const second = await client.commit('Second', { file: `${content} and more` });
  const range = `${second}\n^${first}\n`;
  const listed = await client.run(['rev-list', '--objects', '--stdin'], { input: range });
  await client.run(['config', 'pack.threads', '1']);
  const path = join(folder.path, `${name}.pack`);
  const made = await run('sh', ['-c', `git pack-objects --thin --revs --stdout -q > '${path}'`], {
    cwd: client.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder.path },
    input: range,
  });
  expect(made.exitCode).toBe(0);
  return {
    client,
    pack: await readFile(path),
    base,
    ids: listed.split('\n').map((line) => line.slice(0, base.length)),
  };
}

async function receive(
  client: GitClient,
  bytes: Buffer,
  tips: readonly string[] = [],
  bounds: Partial<PackBounds> = {},
  asked: string[] = [],
  by = git,
): Promise<PackOutcome> {
  const quarantine = await openQuarantine(folder.path);
  const paths = { gitDir: join(client.folder, '.git'), objects: quarantine.objects };
  async function* body() {
    yield bytes;
  }
  return indexPack({
    keepsFiles: false,
    isFirst: false,
    git: by,
    source: new RequestBody(body()),
    paths: async () => {
      asked.push('paths');
      return paths;
    },
    bounds: { ...PACK_BOUNDS, ...bounds },
    clock: systemClock,
    onWorked: () => asked.push('worked'),
    format: (await client.run(['rev-parse', '--show-object-format'])) === 'sha256' ? 'sha256' : 'sha1',
    tips,
    signal: new AbortController().signal,
  });
}

async function entriesOf(idxPath: string, format: string): Promise<{ offset: number; id: string }[]> {
  const shown = await run('git', ['show-index', `--object-format=${format}`], {
    input: await readFile(idxPath),
  });
  return shown.stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [offset = '', id = ''] = line.split(' ');
      return { offset: Number(offset), id };
    });
}

describe.each(['sha1', 'sha256'])('a thin pack of %s', (format) => {
  it('is distinguished from the bases that complete it', async () => {
    const { client, pack, base, ids } = await thinPack(`thin-${format}`, format);
    const received = await receive(client, pack);
    if (received.outcome !== 'received') throw new Error('not received');
    const { own, idx, objects } = received.pack;
    expect(objects).toBe(ids.length + 1);
    expect(own).toEqual({ objects: ids.length, end: pack.length - (format === 'sha1' ? 20 : 32) });
    const entries = await entriesOf(idx.path, format);
    const end = own?.end ?? 0;
    expect(new Set(entries.filter(({ offset }) => offset < end).map(({ id }) => id))).toEqual(new Set(ids));
    expect(entries.filter(({ offset }) => offset >= end)).toEqual([{ offset: end, id: base }]);
  });
});

describe('a pack', () => {
  it('reports which tips in it are commits, and leaves out those stored as deltas', async () => {
    const client = await new GitClient(folder.path).init('tips');
    const message = randomBytes(2_000).toString('base64');
    const first = await client.commit(`First ${message}`, { file: 'one' });
    const second = await client.commit(`Second ${message}`, { file: 'two' });
    await client.run(['tag', '-a', '-m', 'A tag', 'tag']);
    const tag = await client.oidOf('tag');
    const tree = await client.run(['rev-parse', 'HEAD^{tree}']);
    const path = join(folder.path, 'tips.pack');
    await run(
      'sh',
      ['-c', `printf '%s\\n' ${first} ${second} ${tag} | git pack-objects --revs --stdout -q > '${path}'`],
      {
        cwd: client.folder,
      },
    );
    const tips = [first, second, tag, tree, 'd'.repeat(40)];
    const received = await receive(client, await readFile(path), tips);
    if (received.outcome !== 'received') throw new Error('not received');
    const { commits, pack, idx } = received.pack;
    const verified = await run('git', ['verify-pack', '-v', idx.path]);
    // A line is: id, type, size, size in the pack, offset; of a difference also its depth and its base.
    const whole = verified.stdout
      .split('\n')
      .filter((line) => /^[0-9a-f]{40} commit +\d+ \d+ \d+$/.test(line));
    expect(whole, 'one of the two differs little from the other').toHaveLength(1);
    expect([...commits]).toEqual(whole.map((line) => line.slice(0, 40)));
    expect(await sha256OfFile(pack.path)).toBe(pack.digest);
    expect(await sha256OfFile(idx.path)).toBe(idx.digest);
  });

  it('that is complete has no added bases', async () => {
    const client = await new GitClient(folder.path).init('whole');
    const commit = await client.commit('One', { file: 'one' });
    const path = join(folder.path, 'whole.pack');
    await run('sh', ['-c', `echo ${commit} | git pack-objects --revs --stdout -q > '${path}'`], {
      cwd: client.folder,
    });
    const received = await receive(client, await readFile(path));
    expect(received).toMatchObject({ outcome: 'received', pack: { objects: 3 } });
    expect(received).not.toHaveProperty('pack.own');
  });

  it.each(['sha1', 'sha256'])(
    'of %s with bytes after it is refused, however many (issue 11, point 1)',
    async (format) => {
      const { client, pack } = await thinPack(`trailing-${format}`, format);
      const whole = new CraftedPack(format as 'sha1' | 'sha256').all([
        { type: 'blob', content: Buffer.from('a') },
      ]);
      const received = await receive(client, pack);
      if (received.outcome !== 'received') throw new Error('not received');
      const appended = received.pack.pack.size - pack.length;
      for (const junk of [1, 19, 20, 32, appended - 1, appended, appended + 1, 1_000, 100_000]) {
        const bytes = [Buffer.alloc(junk), randomBytes(junk), pack.subarray(0, junk)];
        for (const behind of bytes) {
          if (behind.length === 0) continue;
          expect(await receive(client, Buffer.concat([pack, behind]))).toEqual(TRAILING);
        }
        expect(await receive(client, whole.bytes({ junk: randomBytes(junk) }))).toEqual(TRAILING);
      }
    },
  );

  it('without objects is its header and a checksum in either format, and nothing else (issue 11, point 1)', async () => {
    const client = await new GitClient(folder.path).init('empty');
    const [sha1, sha256] = [new CraftedPack().bytes(), new CraftedPack('sha256').bytes()];
    expect(await receive(client, sha1)).toEqual({ outcome: 'empty' });
    expect(await receive(client, sha256)).toEqual({ outcome: 'empty' });
    for (const pack of [sha1, sha256]) {
      expect(await receive(client, Buffer.concat([pack, Buffer.of(0)]))).toEqual(TRAILING);
      expect(await receive(client, Buffer.concat([pack, Buffer.alloc(12)]))).toEqual(TRAILING);
      expect(await receive(client, pack.subarray(0, 20))).toMatchObject({
        reason: 'the pack is missing or cut short',
      });
    }
    expect(await receive(client, new CraftedPack().bytes({ trailer: 'wrong' }))).toMatchObject({
      reason: 'the checksum of the pack is wrong',
    });
  });

  it('of version 3 is refused (issue 11, point 7)', async () => {
    const client = await new GitClient(folder.path).init('version-3');
    const pack = new CraftedPack().all([{ type: 'blob', content: Buffer.from('a') }]).bytes({ version: 3 });
    expect(await receive(client, pack)).toMatchObject({
      outcome: 'refused',
      reason: 'pack version 3 is not supported, only version 2 is',
    });
  });

  it('that breaks a rule is refused with the object and the rule, without a path of this server (issue 11, point 16)', async () => {
    const client = await new GitClient(folder.path).init('rules');
    const tree = { type: 'tree', content: Buffer.alloc(0) } as const;
    const content = Buffer.from(`tree ${objectId(tree)}\nauthor A 1 +0000\ncommitter B <b@c> 1 +0000\n\nx\n`);
    const commit = { type: 'commit', content } as const;
    const received = await receive(client, new CraftedPack().all([tree, commit]).bytes());
    const finding = `object ${objectId(commit)}: missingEmail: invalid author/committer line - missing email`;
    expect(received).toEqual({ outcome: 'refused', class: 'pack', reason: finding, findings: [finding] });
  });

  it('with a tag that says what git says of a full disk is refused for what is wrong with it', async () => {
    const client = await new GitClient(folder.path).init('words');
    const tree = { type: 'tree', content: Buffer.alloc(0) } as const;
    const right = commitObject(objectId(tree));
    const wrong = `tree ${objectId(tree)}\nauthor A 1 +0000\ncommitter B <b@c> 1 +0000\n\nx\n`;
    const commit = { type: 'commit', content: Buffer.from(wrong) } as const;
    const tag = (name: string) => {
      const lines = [`object ${objectId(right)}`, 'type commit', `tag ${name}`, 'tagger A <a@b> 1 +0000'];
      return { type: 'tag', content: Buffer.from(`${lines.join('\n')}\n\nx\n`) } as const;
    };
    const finding = `object ${objectId(commit)}: missingEmail: invalid author/committer line - missing email`;
    const names = [
      'No space left on device',
      '\u2028fatal: write error: No space left on device',
      'Out of memory, malloc failed',
      'attempting to allocate 9 over limit 1',
      'pack exceeds maximum allowed size',
    ];
    for (const name of names) {
      // Many of them, so that what is kept of git's words begins in the middle of one.
      for (const count of [1, 200]) {
        const tags = Array.from({ length: count }, (_, at) => tag(`${name} ${at}`));
        const pack = new CraftedPack().all([tree, right, ...tags, commit]).bytes();
        const received = await receive(client, pack);
        expect(received).toEqual({ outcome: 'refused', class: 'pack', reason: finding, findings: [finding] });
      }
    }
  });

  it('is not refused for a fault of the machine', async () => {
    const client = await new GitClient(folder.path).init('machine');
    const small = new CraftedPack().all([{ type: 'blob', content: Buffer.from('a') }]).bytes();
    const large = new CraftedPack().all([{ type: 'blob', content: randomBytes(1_100_000) }]).bytes();
    const failing = async (last: string) => {
      const binary = await gitScript(join(folder.path, 'failing'), `cat >/dev/null; ${last}`);
      return new Git({ binary, home: folder.path });
    };
    for (const pack of [small, large]) {
      for (const words of ['Input/output error', 'Too many open files']) {
        const by = await failing(`echo 'fatal: cannot open pack: ${words}' >&2; exit 128`);
        await expect(receive(client, pack, [], {}, [], by), words).rejects.toMatchObject({
          kind: 'unavailable',
          message: expect.stringContaining(words),
        });
      }
      const full = await failing("echo 'fatal: write error: Disk quota exceeded' >&2; exit 128");
      await expect(receive(client, pack, [], {}, [], full)).rejects.toBeInstanceOf(DiskFullError);
      // As when the server stops in the middle.
      const ended = await failing('kill -TERM $$');
      await expect(receive(client, pack, [], {}, [], ended)).rejects.toMatchObject({ kind: 'unavailable' });
    }
  });

  it('with objects that are too large is refused with their ids if git streams them (issue 11, point 3)', async () => {
    const client = await new GitClient(folder.path).init('streamed');
    // Less than git is ever limited to, so that it does not notice by itself.
    const large = { type: 'blob', content: randomBytes(3_000) } as const;
    const pack = new CraftedPack().all([large]).bytes();
    const small = { objectBytes: 2_000, heldBytes: 0 };
    expect(await receive(client, pack, [], small)).toMatchObject({
      reason: `object ${objectId(large)} of 3000 bytes is larger than 2000 bytes, the most that one object may have here (--max-object-size)`,
    });
  });

  it.each(['as a whole', 'as a stream'])(
    'that turns a few bytes into hours of work is stopped (%s) (issue 11, point 3)',
    async (how) => {
      const client = await new GitClient(folder.path).init(`bomb ${how}`);
      const pack = new CraftedPack();
      // Larger than what is given to git in one piece, or not.
      pack.whole({ type: 'blob', content: randomBytes(how === 'as a stream' ? 1_100_000 : 10) });
      const size = 15 * 2 ** 20;
      const base = pack.whole({ type: 'blob', content: Buffer.alloc(size) });
      for (let at = 0; at < 5_000; at++) pack.offsetDelta(base, appendDelta(size, Buffer.from(String(at))));
      const bytes = pack.bytes();
      const bounds = { objectBytes: 2 ** 25, heldBytes: 2 ** 25, patience: { least: 900, perMiB: 50 } };
      expect(await receive(client, bytes, [], bounds)).toMatchObject({
        outcome: 'refused',
        reason: expect.stringMatching(/^unpacking takes more than [12] s: /),
      });
      expect(git.running).toBe(0);
    },
  );

  it.each(['as a whole', 'as a stream'])(
    'is refused during long work for the sum of its unpacked objects (%s) (issue 11, point 3)',
    async (how) => {
      const client = await new GitClient(folder.path).init(`watched ${how}`);
      const pack = new CraftedPack();
      pack.whole({ type: 'blob', content: randomBytes(how === 'as a stream' ? 1_100_000 : 10) });
      const size = 15 * 2 ** 20;
      const base = pack.whole({ type: 'blob', content: Buffer.alloc(size) });
      for (let at = 0; at < 5_000; at++) pack.offsetDelta(base, appendDelta(size, Buffer.from(String(at))));
      const bounds = {
        objectBytes: 2 ** 25,
        heldBytes: 2 ** 25,
        lookAfter: { least: 100, perMiB: 0 },
        watched: { least: 2 ** 30, perByte: 0 },
      };
      expect(await receive(client, pack.bytes(), [], bounds)).toMatchObject({
        outcome: 'refused',
        excess: true,
        reason:
          'the pack unpacks to more than 1 GiB, the most that one of its size may (--max-unpacked-size)',
      });
      expect(git.running).toBe(0);
    },
  );

  it('is refused for a large object that git streams before that is unpacked (issue 11, point 3)', async () => {
    const client = await new GitClient(folder.path).init('watched object');
    const paths = {
      gitDir: join(client.folder, '.git'),
      objects: (await openQuarantine(folder.path)).objects,
    };
    // A file of a TiB, of which more and more comes: without a look at it git would go on for as long.
    const begin = new CraftedPack();
    begin.whole({ type: 'blob', content: randomBytes(1_100_000) });
    const head = begin.bytes({ count: 2 });
    const deflate = createDeflate();
    const deflated = deflate[Symbol.asyncIterator]();
    let isDrained = false;
    async function* bomb() {
      yield head.subarray(0, head.length - 20);
      yield entryHeader(3, 2 ** 40);
      // It ends some time, so that the test does, too.
      for (let at = 0; at < 400 && !isDrained; at++) {
        deflate.write(Buffer.alloc(2 ** 24));
        yield (await deflated.next()).value as Buffer;
      }
    }
    class Source extends RequestBody {
      override drain(): Promise<void> {
        isDrained = true;
        return super.drain();
      }
    }
    const outcome = await indexPack({
      keepsFiles: false,
      isFirst: false,
      git,
      source: new Source(bomb()),
      paths: async () => paths,
      bounds: { ...PACK_BOUNDS, objectBytes: 2 ** 25, lookAfter: { least: 100, perMiB: 0 } },
      clock: systemClock,
      onWorked: () => undefined,
      format: 'sha1',
      tips: [],
      signal: new AbortController().signal,
    });
    deflate.destroy();
    expect(outcome).toMatchObject({
      outcome: 'refused',
      excess: true,
      reason: expect.stringContaining('an object of 1099511627776 bytes is larger than 32 MiB'),
    });
  });

  it('that visibly exceeds a bound is refused without git (issue 11, point 3)', async () => {
    const client = await new GitClient(folder.path).init('forecast');
    const pack = new CraftedPack();
    const base = pack.whole({ type: 'blob', content: Buffer.alloc(1_000) });
    pack.offsetDelta(base, repeatDelta(1_000, 2_000));
    const asked: string[] = [];
    const outcome = await receive(
      client,
      pack.bytes(),
      [],
      { foresight: { entries: 2, bytes: 100_000 } },
      asked,
    );
    expect(outcome).toMatchObject({ outcome: 'refused', excess: true });
    expect(outcome).toHaveProperty('reason', expect.stringContaining('an object of 2000000 bytes is larger'));
    expect(asked, 'only the time of looking at it').toEqual(['worked']);
    asked.length = 0;
    expect(await receive(client, pack.bytes(), [], {}, asked)).toEqual(outcome);
    expect(asked, 'git says the same').toEqual(['worked', 'paths', 'worked']);
  });

  it('that arrives as a stream has a bounded unpacked size, for any deltas (issue 11, point 3)', async () => {
    const client = await new GitClient(folder.path).init('expansion');
    const pack = new CraftedPack();
    // Larger than what is looked at before git is started.
    pack.whole({ type: 'blob', content: randomBytes(1_100_000) });
    const base = pack.whole({ type: 'blob', content: Buffer.alloc(100_000) });
    for (let at = 0; at < 100; at++) pack.offsetDelta(base, appendDelta(100_000, Buffer.from(String(at))));
    const bounded = (least: number) =>
      receive(client, pack.bytes(), [], {
        objectBytes: 2 ** 21,
        heldBytes: 2 ** 21,
        expansion: { least, perByte: 0 },
      });
    expect(await bounded(10 * 2 ** 20)).toMatchObject({
      outcome: 'refused',
      excess: true,
      reason:
        'the pack unpacks to more than 10 MiB, the most that one of its size may without a key that may write here',
    });
    expect(await bounded(12 * 2 ** 20)).toMatchObject({ outcome: 'received' });
  });
});
