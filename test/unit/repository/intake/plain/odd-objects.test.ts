import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../../../../src/git-process/git.ts';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { DiskFullError } from '../../../../../src/lib/disk-full.ts';
import type { PackBounds } from '../../../../../src/repository/intake/bounds/pack-bounds.ts';
import { indexPack, type PackOutcome } from '../../../../../src/repository/intake/indexing/index-pack.ts';
import { openQuarantine } from '../../../../../src/repository/intake/quarantine.ts';
import { RequestBody } from '../../../../../src/transfer/request-body.ts';
import { CraftedPack, deltaOf } from '../../../../helpers/craft-pack.ts';
import { gitAfter } from '../../../../helpers/git-script.ts';
import { PACK_BOUNDS } from '../../../../helpers/pack-bounds.ts';
import { objectId, type RawObject } from '../../../../helpers/raw-git.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../../helpers/temp-dir.ts';
import { RealRepository } from '../../../git/real-git.ts';

type Format = 'sha1' | 'sha256';

/** A history of so many commits has more than a thousand objects, and its pack is not small. */
const COMMITS = 400;
const PERSON = 'A U Thor <author@example.com> 1700000000 +0000';

let folder: TempDir;
let git: Git;
const started: string[] = [];

beforeAll(async () => {
  folder = await tempDir('cairn-odd');
  git = new Git({
    binary: 'git',
    home: folder.path,
    observer: { started: (name) => started.push(name), ended: () => undefined },
  });
});
afterAll(async () => {
  await git.close();
  await folder[Symbol.asyncDispose]();
});

interface Entry {
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

/** A pack with a plain history, and whatever is added to it. */
class History {
  readonly pack: CraftedPack;
  readonly format: Format;
  readonly random = new SeededRandom(1);
  entries: Entry[] = [];
  blob = '';
  tree = '';
  commit = '';
  private readonly wholes = new Map<string, { readonly content: Buffer; readonly number: number }>();

  constructor(format: Format) {
    this.format = format;
    this.pack = new CraftedPack(format);
    for (let at = 0; at < COMMITS; at++) {
      this.blob = this.add({ type: 'blob', content: Buffer.from(this.random.hex(3_000), 'hex') });
      const name = `file-${1_000 + (at % 90)}`;
      this.entries = this.with({ mode: '100644', name, id: this.blob });
      const base = at % 40 === 0 ? undefined : this.tree;
      this.tree = this.addTree(this.entries, base);
      this.commit = this.add(commitOf(this.tree, this.commit === '' ? [] : [this.commit]));
    }
  }

  /** The entries with another one, which takes the place of what has its name. */
  with(entry: Entry): Entry[] {
    const others = this.entries.filter(({ name }) => name !== entry.name);
    return [...others, entry].sort((a, b) => Buffer.compare(keyOf(a), keyOf(b)));
  }

  add(object: RawObject): string {
    const id = objectId(object, this.format);
    this.wholes.set(id, { content: Buffer.from(object.content), number: this.pack.whole(object) });
    return id;
  }

  /** Adds an object that is there. */
  addAgain(id: string): void {
    this.pack.whole({ type: 'blob', content: this.wholes.get(id)?.content ?? Buffer.alloc(0) });
  }

  /** @param base that it is kept as a delta from; undefined if it is kept whole */
  addTree(entries: readonly Entry[], base: string | undefined): string {
    const content = treeBytes(entries);
    const from = base === undefined ? undefined : this.wholes.get(base);
    if (from === undefined) return this.add({ type: 'tree', content });
    const id = objectId({ type: 'tree', content }, this.format);
    const number = this.pack.offsetDelta(from.number, deltaTo(from.content, content));
    this.wholes.set(id, { content, number });
    return id;
  }

  /** An id of nothing. */
  get missing(): string {
    return this.random.hex(this.format === 'sha1' ? 20 : 32);
  }
}

function keyOf({ mode, name }: Entry): Buffer {
  return Buffer.from(mode === '40000' ? `${name}/` : `${name}\0`);
}

function treeBytes(entries: readonly Entry[]): Buffer {
  return Buffer.concat(
    entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
  );
}

/** A delta that keeps what both begin and end with, as git writes it. */
function deltaTo(base: Buffer, target: Buffer): Buffer {
  const most = Math.min(base.length, target.length);
  let front = 0;
  while (front < most && base[front] === target[front]) front++;
  let back = 0;
  while (back < most - front && base[base.length - 1 - back] === target[target.length - 1 - back]) back++;
  const parts = [];
  if (front > 0) parts.push({ offset: 0, length: front });
  for (let at = front; at < target.length - back; at += 127)
    parts.push(target.subarray(at, Math.min(at + 127, target.length - back)));
  if (back > 0) parts.push({ offset: base.length - back, length: back });
  return deltaOf(base.length, parts);
}

function commitOf(tree: string, parents: readonly string[], person = PERSON): RawObject {
  const lines = parents.map((parent) => `parent ${parent}\n`).join('');
  const content = Buffer.from(`tree ${tree}\n${lines}author ${person}\ncommitter ${PERSON}\n\nx\n`);
  return { type: 'commit', content };
}

function tagOf(object: string, type: string, name = 'v1'): RawObject {
  return {
    type: 'tag',
    content: Buffer.from(`object ${object}\ntype ${type}\ntag ${name}\ntagger ${PERSON}\n\nx\n`),
  };
}

async function receive(
  history: History,
  isFirst: boolean,
  plainFrom = 1_000,
  {
    by = git,
    patience = PACK_BOUNDS.patience,
    bytes = history.pack.bytes(),
  }: { by?: Git; patience?: PackBounds['patience']; bytes?: Buffer } = {},
): Promise<PackOutcome> {
  using repository = new RealRepository(history.format);
  const quarantine = await openQuarantine(folder.path);
  async function* body() {
    // What is in more than one piece is not given to git whole.
    for (let at = 0; at < bytes.length; at += 20_000) yield bytes.subarray(at, at + 20_000);
  }
  started.length = 0;
  try {
    return await indexPack({
      keepsFiles: false,
      isFirst,
      git: by,
      source: new RequestBody(body()),
      paths: async () => ({ gitDir: repository.path, objects: quarantine.objects }),
      bounds: { ...PACK_BOUNDS, plainFrom, patience },
      clock: systemClock,
      onWorked: () => undefined,
      format: history.format,
      tips: [],
      signal: new AbortController().signal,
    });
  } finally {
    await quarantine.drop();
  }
}

/** The same objects as git packs them: commits are in front, and are read before git has named anything. */
function packedByGit({ format, pack }: History): Buffer {
  using repository = new RealRepository(format);
  repository.git(['index-pack', '--stdin'], { input: pack.bytes() });
  const all = ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'];
  return repository.git(['pack-objects', '--stdout', '-q'], { input: repository.git(all) });
}

/** What may be added to a history, in a tree or beside it. */
const REFUSED: Readonly<Record<string, (history: History, base: string | undefined) => unknown>> = {
  'a file that is missing': (h, base) =>
    h.addTree(h.with({ mode: '100644', name: 'file-1005', id: h.missing }), base),
  'a new file that is missing': (h, base) =>
    h.addTree(h.with({ mode: '100644', name: 'new', id: h.missing }), base),
  'a folder that is missing': (h, base) =>
    h.addTree(h.with({ mode: '40000', name: 'new', id: h.missing }), base),
  'an id of zeros': (h, base) =>
    h.addTree(h.with({ mode: '100644', name: 'file-1005', id: '0'.repeat(h.missing.length) }), base),
  'a file that is a folder': (h, base) =>
    h.addTree(h.with({ mode: '100644', name: 'file-1005', id: h.tree }), base),
  'a folder that is a file': (h, base) => h.addTree(h.with({ mode: '40000', name: 'new', id: h.blob }), base),
  'a folder that is a commit': (h, base) =>
    h.addTree(h.with({ mode: '40000', name: 'new', id: h.commit }), base),
  'two entries of a name': (h, base) => {
    const [first] = h.entries;
    return h.addTree(first === undefined ? [] : [first, ...h.entries], base);
  },
  'a file and a folder of a name, apart': (h, base) => {
    const id = h.blob;
    const file = { mode: '100644', name: 'zz', id };
    const between = { mode: '100644', name: 'zz-', id };
    return h.addTree([...h.entries, file, between, { mode: '40000', name: 'zz', id: h.tree }], base);
  },
  'entries in another order': (h, base) => h.addTree(h.entries.toReversed(), base),
  'two entries in another order': (h, base) => {
    const [first, second, ...others] = h.entries;
    return h.addTree(first && second ? [second, first, ...others] : [], base);
  },
  'a folder .git': (h, base) => h.addTree(h.with({ mode: '40000', name: '.git', id: h.tree }), base),
  'a folder .GIT for some file systems': (h, base) =>
    h.addTree(h.with({ mode: '40000', name: '.G\u200cit', id: h.tree }), base),
  'a folder git~1': (h, base) => h.addTree(h.with({ mode: '40000', name: 'git~1', id: h.tree }), base),
  'a folder ..': (h, base) => h.addTree(h.with({ mode: '40000', name: '..', id: h.tree }), base),
  'a path as a name': (h, base) => h.addTree(h.with({ mode: '100644', name: 'a/b', id: h.blob }), base),
  'a link .gitmodules': (h, base) =>
    h.addTree(h.with({ mode: '120000', name: '.gitmodules', id: h.blob }), base),
  'a hostile .gitmodules': (h, base) => {
    const text = '[submodule "x"]\n\tpath = x\n\turl = -uevil\n';
    const id = h.add({ type: 'blob', content: Buffer.from(text) });
    return h.addTree(h.with({ mode: '100644', name: '.gitmodules', id }), base);
  },
  'a harmless .gitmodules that becomes hostile': (h, base) => {
    const good = h.add({ type: 'blob', content: Buffer.from('[submodule "y"]\n') });
    h.entries = h.with({ mode: '100644', name: '.gitmodules', id: good });
    const tree = h.addTree(h.entries, base);
    const text = '[submodule "../x"]\n\turl = a\n\tpath = x\n';
    const id = h.add({ type: 'blob', content: Buffer.from(text) });
    return h.addTree(h.with({ mode: '100644', name: '.gitmodules', id }), tree);
  },
  'a parent that is missing': (h) => h.add(commitOf(h.tree, [h.missing])),
  'a parent that is a folder': (h) => h.add(commitOf(h.tree, [h.tree])),
  'a commit of a folder that is missing': (h) => h.add(commitOf(h.missing, [])),
  'a commit of a file': (h) => h.add(commitOf(h.blob, [])),
  'a commit of a commit': (h) => h.add(commitOf(h.commit, [])),
  'a commit by nobody': (h) => h.add(commitOf(h.tree, [], '<a@example.com> 1 +0000')),
  'a commit without an author': (h) =>
    h.add({ type: 'commit', content: Buffer.from(`tree ${h.tree}\ncommitter ${PERSON}\n\nx\n`) }),
  'a commit with a NUL': (h) =>
    h.add({
      type: 'commit',
      content: Buffer.from(`tree ${h.tree}\nauthor ${PERSON}\ncommitter ${PERSON}\n\nx\0\n`),
    }),
  'a tag of nothing': (h) => h.add(tagOf(h.missing, 'commit')),
  'a tag of another type': (h) => h.add(tagOf(h.blob, 'commit')),
  'a tag with an impossible name': (h) =>
    h.add({
      type: 'tag',
      content: Buffer.from(`object ${h.commit}\ntype commit\ntag v1\ntagger nobody\n\nx\n`),
    }),
  'an object that comes twice': (h) => {
    h.addAgain(h.blob);
  },
};

describe('objects of a first push', () => {
  for (const [what, add] of Object.entries(REFUSED)) {
    it(`are refused as by git: ${what}`, async () => {
      for (const format of ['sha1', 'sha256'] as const)
        for (const isDelta of [true, false]) {
          const history = new History(format);
          add(history, isDelta ? history.tree : undefined);
          const wanted = await receive(history, false);
          expect(wanted.outcome).toBe('refused');
          const got = await receive(history, true);
          // Git words some of it in another way when it meets the objects in another order.
          expect(got).toEqual({ ...wanted, reason: expect.any(String) });
        }
    });
  }

  it('are refused as by git when all commits come first', async () => {
    for (const [what, add] of Object.entries(REFUSED).filter(([name]) => /parent|commit/.test(name))) {
      const history = new History('sha1');
      add(history, undefined);
      const bytes = packedByGit(history);
      const wanted = await receive(history, false, 1_000, { bytes });
      expect(wanted.outcome, what).toBe('refused');
      const got = await receive(history, true, 1_000, { bytes });
      expect(got, what).toEqual({ ...wanted, reason: expect.any(String) });
    }
  });

  it('are not looked at by git if they are plain and it has packed them', async () => {
    for (const format of ['sha1', 'sha256'] as const) {
      const history = new History(format);
      const bytes = packedByGit(history);
      expect((await receive(history, true, 1_000, { bytes })).outcome).toBe('received');
      expect(started).toEqual(['index-pack']);
    }
  });

  it('are not looked at by git if they are plain', async () => {
    for (const format of ['sha1', 'sha256'] as const) {
      const history = new History(format);
      const wanted = await receive(history, false);
      expect(wanted.outcome).toBe('received');
      expect(withoutPaths(await receive(history, true))).toEqual(withoutPaths(wanted));
      expect(started).toEqual(['index-pack']);
    }
  });

  it('are looked at by git in smaller packs', async () => {
    const history = new History('sha1');
    history.add(commitOf(history.missing, []));
    expect((await receive(history, true, history.pack.count + 1)).outcome).toBe('refused');
    expect(started).toEqual(['index-pack']);
  });

  it('are looked at by git if they are unusual, and taken in if it has nothing to say', async () => {
    const history = new History('sha1');
    const ignored = history.add({ type: 'blob', content: Buffer.from('*.o\n') });
    const target = history.add({ type: 'blob', content: Buffer.from('file-1001') });
    const modules = '[submodule "m"]\n\tpath = m\n\turl = https://example.org/m.git\n';
    const submodules = history.add({ type: 'blob', content: Buffer.from(modules) });
    let tree: string | undefined = history.tree;
    for (const entry of [
      { mode: '100644', name: '.gitignore', id: ignored },
      { mode: '120000', name: 'link', id: target },
      { mode: '160000', name: 'm', id: history.missing },
      { mode: '100644', name: '.gitmodules', id: submodules },
      { mode: '100644', name: 'README', id: ignored },
      { mode: '100644', name: 'README.md', id: ignored },
      { mode: '040000', name: 'z', id: history.tree },
      { mode: '100644', name: 'file-1003', id: target },
    ]) {
      history.entries = history.with(entry);
      tree = history.addTree(history.entries, tree);
    }
    history.commit = history.add(commitOf(tree ?? '', [history.commit], 'A <a> 1 +7'));
    history.add(tagOf(history.commit, 'commit'));
    expect((await receive(history, false)).outcome).toBe('received');
    expect((await receive(history, true)).outcome).toBe('received');
    expect(started).toEqual(['index-pack', 'pack-objects', 'index-pack']);
  });

  it('are refused for what git says of all of them, also if it has not read them to their end', async () => {
    const history = new History('sha1');
    // So git looks at all.
    history.addAgain(history.blob);
    const said = `error: object ${history.commit}: badEmail: invalid author`;
    const binary = await gitAfter(
      join(folder.path, 'early'),
      `case " $* " in *" index-pack --strict="*) head -c 100 >/dev/null; echo '${said}' >&2; exit 128;; esac`,
    );
    const outcome = await receive(history, true, 1_000, { by: new Git({ binary, home: folder.path }) });
    expect(outcome).toMatchObject({
      outcome: 'refused',
      class: 'pack',
      reason: expect.stringContaining('badEmail'),
    });
  });

  it.each(['pack-objects', 'index-pack'])(
    'are refused for the right reason if %s fails on them',
    async (name) => {
      const history = new History('sha1');
      history.add(tagOf(history.commit, 'commit'));
      // Only the commands that look at odd objects fail.
      const failing = async (script: string) => {
        const told = name === 'pack-objects' ? '*" pack-objects "*' : '*"-checked.idx"*';
        const binary = await gitAfter(
          join(folder.path, 'failing'),
          `case " $* " in ${told}) ${script};; esac`,
        );
        return new Git({ binary, home: folder.path });
      };
      const full = await failing("echo 'fatal: write error: No space left on device' >&2; exit 128");
      await expect(receive(history, true, 1_000, { by: full })).rejects.toBeInstanceOf(DiskFullError);
      const short = await failing("echo 'fatal: Out of memory, malloc failed' >&2; exit 128");
      expect(await receive(history, true, 1_000, { by: short })).toMatchObject({
        class: 'limit',
        excess: true,
      });
      const killed = await failing('kill -9 $$');
      await expect(receive(history, true, 1_000, { by: killed })).rejects.toMatchObject({
        kind: 'unavailable',
      });
      const slow = await failing('sleep 60');
      const patience = { least: 2_000, perMiB: 0 };
      expect(await receive(history, true, 1_000, { by: slow, patience })).toMatchObject({
        class: 'limit',
        reason: expect.stringContaining('unpacking takes more than 2 s'),
      });
      for (const each of [full, short, killed, slow]) await each.close();
    },
  );

  it('are all looked at by git if very many are unusual', async () => {
    const history = new History('sha1');
    for (let at = 0; at < 5_001; at++)
      history.add(commitOf(history.tree, [history.commit], `A <a${at}> 1 +7`));
    expect((await receive(history, true)).outcome).toBe('received');
    expect(started).toEqual(['index-pack', 'index-pack']);
    history.add(commitOf(history.tree, [history.missing], 'A <a> 1 +7'));
    expect(await receive(history, true)).toEqual(await receive(history, false));
  });
});

function withoutPaths(outcome: PackOutcome): unknown {
  return JSON.parse(JSON.stringify(outcome, (name, value) => (name === 'path' ? undefined : value)));
}
