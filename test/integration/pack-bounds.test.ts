/**
 * What is accepted can be walked, packed and cloned: trees, tags and deltas are bounded in one pack and over many pushes, and
 * objects by their size before they are unpacked.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { MOST_PARENTS } from '../../src/repository/intake/bounds/commit-sizes.ts';
import { MOST_FOLDERS, MOST_TAGS } from '../../src/repository/intake/bounds/pack-bounds.ts';
import { MOST_DELTAS } from '../../src/repository/intake/entries/pack-entries.ts';
import { MANY_OBJECTS } from '../../src/repository/intake/heights/height-bounds.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { appendDelta, CraftedPack, deltaOf, entryHeader, repeatDelta } from '../helpers/craft-pack.ts';
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
import { processesOf } from '../helpers/traced-processes.ts';

const seed = testSeed();
const MIB = 2 ** 20;
const OK = ['unpack ok', 'ok refs/heads/main'];

let folder: TempDir;
let trace: string;
let store: MemoryObjectStore;
let app: App;
let url: string;
let name: string;
let names = 0;

const open = () =>
  startServer({ store, flags: { 'max-object-size': '1MiB' }, overrides: { background: false } });

beforeAll(async () => {
  folder = await tempDir('cairn-bounds');
  trace = join(folder.path, 'trace');
  await mkdir(trace);
  process.env['CAIRN_GIT_TRACE2_EVENT'] = trace;
  store = new MemoryObjectStore();
  app = await open();
});

afterAll(async () => {
  delete process.env['CAIRN_GIT_TRACE2_EVENT'];
  await app.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(() => {
  name = `bounds-${++names}`;
  url = repositoryUrl(app, name);
});

/** What was accepted is clonable, whole, and folds. */
afterEach(async () => {
  const id = repositoryId(OWNER, name);
  if ((await app.repositories.get(id).resolve()) === undefined) return;
  const before = await new GitClient(folder.path).clone(url, `${name}-before`, '--mirror');
  await before.run(['fsck', '--full']);
  await app.fold(id);
  const after = await new GitClient(folder.path).clone(url, `${name}-after`, '--mirror');
  expect(await after.run(['for-each-ref'])).toBe(await before.run(['for-each-ref']));
});

/** A folder with entries that are folders. */
function folderOf(entries: readonly (readonly [name: string, tree: string])[]): RawObject {
  const lines = entries.map(([entry, tree]) =>
    Buffer.concat([Buffer.from(`40000 ${entry}\0`), Buffer.from(tree, 'hex')]),
  );
  return { type: 'tree', content: Buffer.concat(lines) };
}

const FILE: RawObject = { type: 'blob', content: Buffer.from('a file\n') };

/** Folders within each other, the innermost first. */
function folders(levels: number, innermost = treeObject('file', objectId(FILE))): RawObject[] {
  const all = [innermost];
  for (let top = innermost; all.length < levels; ) {
    top = folderOf([['d', objectId(top)]]);
    all.push(top);
  }
  return all;
}

const last = <T>(all: readonly T[]): T => {
  const found = all.at(-1);
  if (found === undefined) throw new Error('there is none');
  return found;
};

async function pushed(pack: Buffer, to: RawObject | string, ref = 'refs/heads/main', from?: string) {
  const command = {
    name: ref,
    to: typeof to === 'string' ? to : objectId(to),
    ...(from === undefined ? {} : { from }),
  };
  return reportOf(await push(url, Buffer.concat([pushHead([command]), pack])));
}

function refusal(reason: string, ref = 'refs/heads/main'): string[] {
  return [`unpack ${reason}`, `ng ${ref} ${reason}`];
}

const tooDeep = (tree: RawObject) =>
  refusal(`tree ${objectId(tree)} is more than ${MOST_FOLDERS} folders deep`);

describe('nested folders (issue 11, point 2)', () => {
  it.each([MOST_FOLDERS, MOST_FOLDERS + 1, 5_000, 60_000])(
    'are limited within one pack: %i of them',
    async (levels) => {
      const trees = folders(levels);
      const commit = commitObject(objectId(last(trees)));
      const pack = new CraftedPack().all([commit, ...trees, FILE]).bytes();
      const report = await pushed(pack, commit);
      if (levels <= MOST_FOLDERS) expect(report).toEqual(OK);
      else expect(report).toEqual(tooDeep(trees[MOST_FOLDERS] as RawObject));
    },
  );

  it('are counted also in a tree that no ref reaches', async () => {
    const commit = commitObject(objectId(last(folders(1))));
    const trees = folders(MOST_FOLDERS + 1);
    const pack = new CraftedPack().all([commit, FILE, ...trees]).bytes();
    expect(await pushed(pack, commit)).toEqual(tooDeep(last(trees)));
  });

  it('are counted also with modes of more digits than git writes', async () => {
    const trees = folders(MOST_FOLDERS);
    const mode = Buffer.from('0040000 d\0');
    const top: RawObject = {
      type: 'tree',
      content: Buffer.concat([mode, Buffer.from(objectId(last(trees)), 'hex')]),
    };
    const commit = commitObject(objectId(top));
    expect(await pushed(new CraftedPack().all([commit, top, ...trees, FILE]).bytes(), commit)).toEqual(
      tooDeep(top),
    );
  });

  it(`are counted over many pushes, to several refs, on several servers (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    let [top, height, first] = [treeObject('file', objectId(FILE)), 1, true];
    let [refused, refs] = [0, 0];
    while (refused < 3) {
      if (random.below(6) === 0) {
        await app.close();
        app = await open();
        url = repositoryUrl(app, name);
      }
      const more = 1 + random.below(90);
      const trees = folders(more + 1, top);
      const [, ...added] = trees;
      const brought = first ? [FILE, ...trees] : added;
      // Beside the chain what is not so deep, in any order.
      const beside = folderOf([
        ['a', objectId(random.pick(trees))],
        ['b', objectId(last(trees))],
      ]);
      const commit = commitObject(objectId(beside));
      const pack = new CraftedPack();
      const all = [...brought, beside, commit].map((object) => ({ object, at: random.fraction() }));
      pack.all(all.sort((a, b) => a.at - b.at).map(({ object }) => object));
      const ref = `refs/heads/b${refs++}`;
      const report = await pushed(pack.bytes(), commit, ref);
      const what = `from ${height} by ${more}`;
      if (height + more + 1 <= MOST_FOLDERS) {
        expect(report, what).toEqual(['unpack ok', `ok ${ref}`]);
        [top, height, first] = [last(trees), height + more, false];
      } else {
        expect(report[0], what).toMatch(/^unpack tree [0-9a-f]{40} is more than 256 folders deep$/);
        refused++;
      }
    }
  });

  it('are counted equally if they are stored as many thin deltas', async () => {
    const trees = folders(MOST_FOLDERS);
    const commit = commitObject(objectId(last(trees)));
    expect(await pushed(new CraftedPack().all([commit, ...trees, FILE]).bytes(), commit)).toEqual(OK);
    // The same folder with one entry more, as a difference from what is published, and from that again.
    const base = last(trees);
    const line = (entry: string) =>
      Buffer.concat([Buffer.from(`40000 ${entry}\0`), Buffer.from(objectId(trees[0] as RawObject), 'hex')]);
    const wider: RawObject = { type: 'tree', content: Buffer.concat([base.content, line('e')]) };
    const widest: RawObject = { type: 'tree', content: Buffer.concat([wider.content, line('f')]) };
    const fine = commitObject(objectId(widest), [objectId(commit)], 'As deep as before');
    const pack = new CraftedPack();
    pack.whole(fine);
    const entry = pack.refDelta(objectId(base), appendDelta(base.content.length, line('e')));
    pack.offsetDelta(entry, appendDelta(wider.content.length, line('f')));
    expect(await pushed(pack.bytes(), fine, 'refs/heads/main', objectId(commit))).toEqual(OK);

    const above = folderOf([['d', objectId(widest)]]);
    const bad = commitObject(objectId(above), [objectId(fine)], 'One more');
    expect(
      await pushed(new CraftedPack().all([bad, above]).bytes(), bad, 'refs/heads/main', objectId(fine)),
    ).toEqual(tooDeep(above));
  });

  describe('in a pack with so many objects that upper bounds come first', () => {
    const files = Array.from({ length: MANY_OBJECTS }, (_, at): RawObject => {
      return { type: 'blob', content: Buffer.from(`file ${at}\n`) };
    });
    const folderWith = (tree: RawObject) => folderOf([['d', objectId(tree)]]);
    /** Adds a folder with one folder as a delta from another one, which has another id in it. */
    const replace = (pack: CraftedPack, base: RawObject, tree: RawObject) => {
      const { length } = base.content;
      const id = Buffer.from(objectId(tree), 'hex');
      pack.refDelta(objectId(base), deltaOf(length, [{ offset: 0, length: length - id.length }, id]));
    };

    it.each([MOST_FOLDERS, MOST_FOLDERS + 1])(
      'are limited: %i of them, the last one by a delta',
      async (levels) => {
        const trees = folders(levels);
        const below = trees.slice(0, -1);
        const commit = commitObject(objectId(last(trees)));
        const pack = new CraftedPack().all([commit, FILE, ...files, ...below]);
        replace(pack, trees[1] as RawObject, last(below));
        expect(await pushed(pack.bytes(), commit)).toEqual(
          levels <= MOST_FOLDERS ? OK : tooDeep(last(trees)),
        );
      },
    );

    it.each([
      ['of which a delta leaves none', treeObject('other', objectId(FILE))],
      ['that builds on what it is in itself', undefined],
    ])('are limited in a folder %s', async (_, tree) => {
      const trees = folders(MOST_FOLDERS);
      const flat = tree ?? (trees[0] as RawObject);
      const shallow = folderWith(flat);
      const top = folderOf([['e', objectId(shallow)]]);
      const commit = commitObject(objectId(top));
      const wholes = trees.filter((other) => objectId(other) !== objectId(shallow));
      const pack = new CraftedPack().all([commit, FILE, ...files, ...wholes, top]);
      if (tree !== undefined) pack.whole(tree);
      replace(pack, last(trees), flat);
      expect(await pushed(pack.bytes(), commit)).toEqual(OK);
    });

    it('are not overestimated in later pushes after an upper bound was too high', async () => {
      const trees = folders(200);
      const flat = treeObject('other', objectId(FILE));
      const top = folderOf([['e', objectId(folderWith(flat))]]);
      const commit = commitObject(objectId(top));
      const pack = new CraftedPack().all([commit, FILE, ...files, ...trees, flat, top]);
      replace(pack, last(trees), flat);
      expect(await pushed(pack.bytes(), commit)).toEqual(OK);
      // By what is remembered it is one of 301, and has 103.
      const [, ...above] = folders(101, top);
      const next = commitObject(objectId(last(above)), [objectId(commit)]);
      const report = await pushed(
        new CraftedPack().all([next, ...above]).bytes(),
        next,
        'refs/heads/main',
        objectId(commit),
      );
      expect(report).toEqual(OK);
    });
  });

  it('need no extra process for a push to a branch after they were counted', async () => {
    const trees = folders(10);
    let parent = commitObject(objectId(last(trees)));
    expect(await pushed(new CraftedPack().all([parent, ...trees, FILE]).bytes(), parent)).toEqual(OK);
    for (const [at, most] of [1, 1].entries()) {
      const top = folderOf([
        ['changed', objectId(folders(2)[1] as RawObject)],
        ['d', objectId(trees[8 - at] as RawObject)],
      ]);
      const next = commitObject(objectId(top), [objectId(parent)]);
      const pack = new CraftedPack().all([next, top]).bytes();
      const from = objectId(parent);
      expect(await processesOf(trace, () => pushed(pack, next, 'refs/heads/main', from))).toBe(most);
      parent = next;
    }
  });
});

describe('tags of tags (issue 11, point 2)', () => {
  const tagOf = (target: string, type: string, number: number): RawObject => ({
    type: 'tag',
    content: Buffer.from(
      `object ${target}\ntype ${type}\ntag t${number}\ntagger A User <user@example.com> 1700000000 +0000\n\nA tag\n`,
    ),
  });

  it(`may be at most ${MOST_TAGS}, over several pushes`, async () => {
    const commit = commitObject(objectId(last(folders(1))));
    const tags = [tagOf(objectId(commit), 'commit', 0)];
    while (tags.length <= MOST_TAGS) tags.push(tagOf(objectId(last(tags)), 'tag', tags.length));
    const [most, over] = [tags[MOST_TAGS - 1] as RawObject, tags[MOST_TAGS] as RawObject];
    const reason = `tag ${objectId(over)} is the first of more than ${MOST_TAGS} tags of tags`;
    const whole = new CraftedPack().all([commit, ...folders(1), FILE, ...tags]).bytes();
    expect(await pushed(whole, over, 'refs/tags/t')).toEqual(refusal(reason, 'refs/tags/t'));
    const half = new CraftedPack().all([commit, ...folders(1), FILE, ...tags.slice(0, 40)]).bytes();
    expect(await pushed(half, tags[39] as RawObject, 'refs/tags/half')).toEqual([
      'unpack ok',
      'ok refs/tags/half',
    ]);
    const rest = new CraftedPack().all(tags.slice(40, MOST_TAGS)).bytes();
    expect(await pushed(rest, most, 'refs/tags/most')).toEqual(['unpack ok', 'ok refs/tags/most']);
    const one = new CraftedPack().all([over]).bytes();
    expect(await pushed(one, over, 'refs/tags/over')).toEqual(refusal(reason, 'refs/tags/over'));
  });
});

describe('parents of a commit (issue 11, point 2)', () => {
  it('are limited, and a long message is not read as parents', async () => {
    const trees = folders(1);
    const tree = objectId(last(trees));
    const base = commitObject(tree);
    const parents = Array.from({ length: MOST_PARENTS + 1 }, (_, at) =>
      commitObject(tree, [objectId(base)], `${at}`),
    );
    const merge = (count: number, message: string) =>
      commitObject(
        tree,
        parents.slice(0, count).map((parent) => objectId(parent)),
        message,
      );
    const most = merge(MOST_PARENTS, `parent ${objectId(base)}\n`.repeat(100));
    const over = merge(MOST_PARENTS + 1, 'One too many');
    const all = [FILE, ...trees, base, ...parents];
    expect(await pushed(new CraftedPack().all([...all, over]).bytes(), over)).toEqual(
      refusal(`commit ${objectId(over)} has more than ${MOST_PARENTS} parents`),
    );
    expect(await pushed(new CraftedPack().all([...all, most]).bytes(), most)).toEqual(OK);
  });
});

describe('deltas on deltas (issue 11, point 2)', () => {
  it.each([MOST_DELTAS, MOST_DELTAS + 1])('are limited: %i of them', async (count) => {
    const pack = new CraftedPack();
    let content = Buffer.from('start\n');
    let entry = pack.whole({ type: 'blob', content });
    const more = Buffer.from('x');
    for (let at = 0; at < count; at++) {
      entry = pack.offsetDelta(entry, appendDelta(content.length, more));
      content = Buffer.concat([content, more]);
    }
    const blob: RawObject = { type: 'blob', content };
    const tree = treeObject('file', objectId(blob));
    const commit = commitObject(objectId(tree));
    const report = await pushed(pack.all([tree, commit]).bytes(), commit);
    if (count <= MOST_DELTAS) expect(report).toEqual(OK);
    else
      expect(report).toEqual(
        refusal(
          `object ${objectId(blob)} is kept as a chain of more than ${MOST_DELTAS} deltas: repack, then push again`,
        ),
      );
  });
});

/** Where a size is written in an entry, and how it gets more bytes than it needs. */
const PADDED = {
  'an object': (pack, { content, base }, padding) => {
    pack.raw(Buffer.concat([entryHeader(3, content.length, padding), deflateSync(content)]));
    pack.whole(base);
  },
  'a delta': (pack, { base, more }, padding) => {
    const delta = appendDelta(base.content.length, more);
    pack.offsetDelta(pack.whole(base), delta, delta.length, padding);
  },
  'the base of a delta': (pack, { base, more }, padding) => {
    pack.offsetDelta(pack.whole(base), appendDelta(base.content.length, more, { base: padding }));
  },
  'the result of a delta': (pack, { base, more }, padding) => {
    pack.offsetDelta(pack.whole(base), appendDelta(base.content.length, more, { result: padding }));
  },
} as const satisfies Record<
  string,
  (
    pack: CraftedPack,
    parts: { readonly content: Buffer; readonly base: RawObject; readonly more: Buffer },
    padding: number,
  ) => void
>;

describe('a size in more bytes than it needs, which git takes in and cannot read later (issue 11, point 2)', () => {
  it.each(Object.keys(PADDED) as (keyof typeof PADDED)[])('is refused as that of %s', async (where) => {
    const random = new SeededRandom(seed + where.length);
    // None of them is refused, one and more are. git fails at eight, or at fifteen of a delta.
    for (const padding of [0, 1, 8, 15, 18, 2 + random.below(200)]) {
      const base: RawObject = {
        type: 'blob',
        content: Buffer.from(random.hex(random.pick([10, 70, 9_000]))),
      };
      const more = Buffer.from(random.hex(1 + random.below(20)));
      const content = Buffer.concat([base.content, more]);
      const blob: RawObject = { type: 'blob', content };
      const tree = treeObject('file', objectId(blob));
      const commit = commitObject(objectId(tree));
      const pack = new CraftedPack();
      PADDED[where](pack, { content, base, more }, padding);
      const ref = `refs/heads/padded-${padding}`;
      const report = await pushed(pack.all([tree, commit]).bytes(), commit, ref);
      const reason = `object ${objectId(blob)} is stored in a form that git does not write: repack, then push again`;
      const expected = padding === 0 ? ['unpack ok', `ok ${ref}`] : refusal(reason, ref);
      expect(report, `seed ${seed}, padding ${padding}`).toEqual(expected);
    }
  });

  it('is refused in a large pack, whose folders are read while it comes', async () => {
    const random = new SeededRandom(seed);
    const pack = new CraftedPack();
    pack.whole(FILE);
    const trees = Array.from({ length: 2 * MANY_OBJECTS }, (_, at) =>
      treeObject(`file-${at}`, objectId(FILE)),
    );
    const chosen = random.below(trees.length);
    for (const [at, { content }] of trees.entries())
      pack.raw(Buffer.concat([entryHeader(2, content.length, at === chosen ? 8 : 0), deflateSync(content)]));
    const commits = trees.map((tree) => commitObject(objectId(tree)));
    const report = await pushed(pack.all(commits).bytes(), last(commits));
    const reason = `object ${objectId(trees[chosen] ?? FILE)} is stored in a form that git does not write`;
    expect(report[0], `seed ${seed}`).toContain(reason);
  });

  it('is refused in a header of thousands of bytes, too', async () => {
    const pack = new CraftedPack();
    pack.raw(Buffer.concat([entryHeader(3, FILE.content.length, 4_000), deflateSync(FILE.content)]));
    const tree = treeObject('file', objectId(FILE));
    const commit = commitObject(objectId(tree));
    expect(await pushed(pack.all([tree, commit]).bytes(), commit)).toEqual(
      refusal(
        `object ${objectId(FILE)} is stored in a form that git does not write: repack, then push again`,
      ),
    );
  });
});

describe('the size of an object (issue 11, point 3)', () => {
  const larger = (size: number, what = 'an object of') =>
    refusal(
      `${what} ${size} bytes is larger than 1 MiB, the most that one object may have here (--max-object-size)`,
    );

  async function pushedFile(content: Buffer, ref?: string): Promise<string[]> {
    const blob: RawObject = { type: 'blob', content };
    const tree = treeObject('file', objectId(blob));
    const commit = commitObject(objectId(tree));
    return pushed(new CraftedPack().all([commit, tree, blob]).bytes(), commit, ref);
  }

  it('may equal the limit, and not exceed it by one byte', async () => {
    expect(await pushedFile(Buffer.alloc(MIB))).toEqual(OK);
    const [unpack, ref] = await pushedFile(Buffer.alloc(MIB + 1), 'refs/heads/other');
    expect(unpack).toBe(larger(MIB + 1)[0]);
    expect(ref).toContain('ng refs/heads/other an object of 1048577 bytes is larger');
  });

  it.each([1, 2, 3, 4])(
    'is known before an object of type %i is unpacked, whatever its header says',
    async (type) => {
      const random = new SeededRandom(seed + type);
      for (let round = 0; round < 4; round++) {
        const declared = MIB + 1 + random.below(2 ** 45);
        const pack = new CraftedPack();
        pack.raw(Buffer.concat([entryHeader(type, declared), deflateSync(Buffer.alloc(1_000))]));
        expect(await pushed(pack.bytes(), '1'.repeat(40)), `seed ${seed}`).toEqual(larger(declared));
      }
    },
  );

  it('includes the result of a delta, by any chain', async () => {
    const pack = new CraftedPack();
    let [entry, size] = [pack.whole({ type: 'blob', content: Buffer.alloc(1_000) }), 1_000];
    while (size <= MIB) {
      entry = pack.offsetDelta(entry, repeatDelta(size, 30));
      size *= 30;
    }
    expect(await pushed(pack.bytes(), '1'.repeat(40))).toEqual(larger(size));
  });

  it('does not depend on the declared number of objects', async () => {
    const report = await pushed(new CraftedPack().all([FILE]).bytes({ count: 40_000_000 }), '1'.repeat(40));
    expect(report[0]).toMatch(/^unpack (an object of \d+ bytes is larger|pack has bad object|early EOF)/);
  });
});
