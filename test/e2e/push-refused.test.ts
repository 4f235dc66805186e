import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type Hosted, hosted } from '../helpers/hosted.ts';
import {
  absentId,
  bandsOf,
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

const MIB = 2 ** 20;

const BLOB: RawObject = { type: 'blob', content: Buffer.from('some text\n'.repeat(100)) };
const TREE = treeObject('file', objectId(BLOB));
const COMMIT = commitObject(objectId(TREE));

eachStore('a push that cannot be taken in', (openStore) => {
  const cairn = hosted(openStore);
  const commit = objectId(COMMIT);
  const whole = packOf([COMMIT, TREE, BLOB]);

  const refused: readonly {
    readonly what: string;
    readonly pack: Buffer;
    readonly report: readonly string[];
  }[] = [
    {
      what: 'a pack that ends early',
      pack: whole.subarray(0, -30),
      report: ['unpack early EOF', 'ng refs/heads/new early EOF'],
    },
    {
      what: 'no pack at all',
      pack: Buffer.alloc(0),
      report: [
        'unpack the pack is missing or cut short',
        'ng refs/heads/new the pack is missing or cut short',
      ],
    },
    {
      what: 'something else than a pack',
      pack: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      report: ['unpack not a pack', 'ng refs/heads/new not a pack'],
    },
    {
      what: 'a pack with a flipped bit',
      pack: flipped(whole, 40),
      report: ['unpack pack has bad object at offset', 'ng refs/heads/new pack has bad object at offset'],
    },
    {
      what: 'a pack with a wrong checksum',
      pack: flipped(whole, whole.length - 1),
      report: [
        'unpack pack is corrupted (SHA1 mismatch)',
        'ng refs/heads/new pack is corrupted (SHA1 mismatch)',
      ],
    },
    {
      what: 'a thin pack whose base is not here',
      pack: packOf([COMMIT, TREE, { base: absentId(), baseLength: 1000, append: Buffer.from('x') }]),
      report: ['unpack pack has 1 unresolved delta', 'ng refs/heads/new pack has 1 unresolved delta'],
    },
    {
      what: 'a commit whose tree is missing',
      pack: packOf([COMMIT, BLOB]),
      report: ['unpack did not receive expected object', 'ng refs/heads/new did not receive expected object'],
    },
    {
      what: 'a tree whose file is missing',
      pack: packOf([COMMIT, TREE]),
      report: ['unpack did not receive expected object', 'ng refs/heads/new did not receive expected object'],
    },
    {
      what: 'a commit whose parent is missing',
      pack: packOf([commitObject(objectId(TREE), [absentId()]), TREE, BLOB]),
      report: ['unpack did not receive expected object', 'ng refs/heads/new did not receive expected object'],
    },
    {
      what: 'everything but the commit itself',
      pack: packOf([TREE, BLOB]),
      report: ['unpack ok', 'ng refs/heads/new missing necessary objects'],
    },
  ];

  it.each(refused)(
    'a push is refused with a reason and writes nothing, and the next one succeeds: $what',
    async (given) => {
      const { url, user } = await cairn.published();
      const before = await user.run(['ls-remote', url]);
      cairn.store.reset();
      // The commit with the missing parent has an id of its own.
      const to = given.what.includes('parent')
        ? objectId(commitObject(objectId(TREE), [absentId()]))
        : commit;

      const answer = await push(url, Buffer.concat([pushHead([{ name: 'refs/heads/new', to }]), given.pack]));

      expect(answer.status).toBe(200);
      const report = reportOf(answer);
      expect(report).toHaveLength(2);
      expect(report[0]).toContain(given.report[0]);
      expect(report[1]).toContain(given.report[1]);
      expect(cairn.store.writes()).toBe(0);
      expect(await user.run(['ls-remote', url])).toBe(before);

      const next = await push(
        url,
        Buffer.concat([pushHead([{ name: 'refs/heads/new', to: commit }]), whole]),
      );
      expect(reportOf(next)).toEqual(['unpack ok', 'ok refs/heads/new']);
      await (await user.clone(url, 'clone', '--mirror')).run(['fsck', '--strict']);
    },
  );

  it('a refused branch does not affect the others of the push', async () => {
    const { url, user } = await cairn.published();
    const head = pushHead([
      { name: 'refs/heads/broken', to: absentId() },
      { name: 'refs/heads/sound', to: commit },
    ]);

    const answer = await push(url, Buffer.concat([head, whole]));

    expect(reportOf(answer)).toEqual([
      'unpack ok',
      'ng refs/heads/broken missing necessary objects',
      'ok refs/heads/sound',
    ]);
    const clone = await user.clone(url, 'clone', '--branch=sound');
    await clone.run(['fsck', '--strict']);
  });

  it('a thin pack is completed with published objects', async () => {
    const { url, user } = await cairn.published();
    const first = Buffer.concat([pushHead([{ name: 'refs/heads/new', to: commit }]), whole]);
    expect(reportOf(await push(url, first))).toEqual(['unpack ok', 'ok refs/heads/new']);
    const grown: RawObject = { type: 'blob', content: Buffer.concat([BLOB.content, Buffer.from('more\n')]) };
    const tree = treeObject('file', objectId(grown));
    const next = commitObject(objectId(tree), [commit]);
    const delta = { base: objectId(BLOB), baseLength: BLOB.content.length, append: Buffer.from('more\n') };
    const head = pushHead([{ name: 'refs/heads/new', from: commit, to: objectId(next) }]);

    const answer = await push(url, Buffer.concat([head, packOf([next, tree, delta])]));

    expect(reportOf(answer)).toEqual(['unpack ok', 'ok refs/heads/new']);
    const clone = await user.clone(url, 'clone', '--branch=new');
    expect(await clone.run(['show', 'HEAD:file'])).toBe(grown.content.toString().trimEnd());
  });

  it.each([
    { type: 'blob', object: BLOB },
    { type: 'tree', object: TREE },
    { type: 'tag', object: tagObject(objectId(COMMIT)) },
  ])('a $type is refused as a branch, and accepted as a tag', async ({ type, object }) => {
    const { url } = await cairn.published();
    const pack = packOf([COMMIT, TREE, BLOB, ...(type === 'tag' ? [object] : [])]);
    const to = objectId(object);
    cairn.store.reset();

    const asBranch = await push(url, Buffer.concat([pushHead([{ name: 'refs/heads/odd', to }]), pack]));
    expect(reportOf(asBranch)).toEqual([
      'unpack ok',
      `ng refs/heads/odd a branch must point at a commit, this is a ${type}`,
    ]);
    expect(cairn.store.writes()).toBe(0);

    const asTag = await push(url, Buffer.concat([pushHead([{ name: 'refs/tags/odd', to }]), pack]));
    expect(reportOf(asTag)).toEqual(['unpack ok', 'ok refs/tags/odd']);
  });

  it('objects that git rejects are refused with git’s words, the object and the rule (issue 11, point 16)', async () => {
    const { url } = await cairn.published();
    const tree = treeObject('.git', objectId(BLOB));
    const bad = commitObject(objectId(tree));

    const answer = await push(
      url,
      Buffer.concat([pushHead([{ name: 'refs/heads/new', to: objectId(bad) }]), packOf([bad, tree, BLOB])]),
    );

    expect(reportOf(answer)[0]).toBe(`unpack object ${objectId(tree)}: hasDotgit: contains '.git'`);
    expect(bandsOf(answer.body).progress).toContain(`error: object ${objectId(tree)}: hasDotgit: `);
  });
});

describe('the refusal of a push', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  it.each([
    {
      what: 'a stale old id of a branch that moved',
      from: 'stale',
      to: 'tip',
      reason: 'it was updated meanwhile, fetch first',
    },
    {
      what: 'making a branch that exists',
      from: 'zero',
      to: 'other',
      reason: 'it exists already, fetch first',
    },
    {
      what: 'deleting with a stale old id',
      from: 'stale',
      to: 'zero',
      reason: 'it was updated meanwhile, fetch first',
    },
  ])('names the reason, for $what', async ({ from, to, reason }) => {
    const { url, author, tip } = await cairn.published();
    const ids: Record<string, string> = {
      tip,
      stale: await author.run(['rev-parse', 'HEAD~1']),
      other: await author.run(['rev-parse', 'HEAD~1']),
      zero: '0'.repeat(40),
    };
    const moved = await author.commit('Moved');
    await author.run(['push', '--quiet', 'origin', 'main']);
    cairn.store.reset();
    const head = pushHead([{ name: 'refs/heads/main', from: ids[from] ?? '', to: ids[to] ?? '' }]);
    const pack = to === 'zero' ? Buffer.alloc(0) : packOf([]);

    const report = reportOf(await push(url, Buffer.concat([head, pack])));

    expect(report).toEqual(['unpack ok', `ng refs/heads/main ${reason}`]);
    expect(cairn.store.writes()).toBe(0);
    expect(await author.run(['ls-remote', url, 'main'])).toContain(moved);
  });

  it('names the reason for a deleted branch', async () => {
    const { url, author, tip } = await cairn.published();
    const earlier = await author.run(['rev-parse', 'HEAD~1']);
    const head = pushHead([{ name: 'refs/heads/gone', from: earlier, to: tip }]);

    const report = reportOf(await push(url, Buffer.concat([head, packOf([])])));

    expect(report).toEqual(['unpack ok', 'ng refs/heads/gone it was deleted meanwhile, fetch first']);
  });

  it('covers both commands of a push that names one ref twice', async () => {
    const { url, author, tip } = await cairn.published();
    const head = pushHead([
      { name: 'refs/heads/twice', to: tip },
      { name: 'refs/heads/twice', to: await author.run(['rev-parse', 'HEAD~1']) },
      { name: 'refs/heads/once', to: tip },
    ]);

    const report = reportOf(await push(url, Buffer.concat([head, packOf([])])));

    const reason = 'multiple updates for ref refs/heads/twice in one push';
    expect(report).toEqual([
      'unpack ok',
      `ng refs/heads/twice ${reason}`,
      `ng refs/heads/twice ${reason}`,
      'ok refs/heads/once',
    ]);
  });

  it('does not affect a repeated push after a lost answer, which writes nothing', async () => {
    const { url, author, tip } = await cairn.published();
    const earlier = await author.run(['rev-parse', 'HEAD~1']);
    cairn.store.reset();
    const head = pushHead([{ name: 'refs/heads/main', from: earlier, to: tip }]);

    const report = reportOf(await push(url, Buffer.concat([head, packOf([])])));

    expect(report).toEqual(['unpack ok', 'ok refs/heads/main']);
    expect(cairn.store.writes()).toBe(0);
  });

  it('reaches a client without side-band, too', async () => {
    const { url } = await cairn.published();
    const head = pushHead([{ name: 'refs/heads/main', from: absentId() }], { capabilities: 'report-status' });

    const answer = await push(url, head);

    expect(answer.text).toBe(
      '000eunpack ok\n003dng refs/heads/main it was updated meanwhile, fetch first\n0000',
    );
  });
});

describe('a refused large push', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  const narrow = hosted(async () => new MemoryObjectStore(), { flags: { 'max-push-size': '8MiB' } });

  async function thirtyMegabytes(on: Hosted) {
    const place = await on.published();
    await place.author.with('core.compression=0').commit('Large', { 'large.bin': randomBytes(30 * MIB) });
    on.store.reset();
    return place;
  }

  it('shows the reason in git’s output if the name is invalid', async () => {
    const { author } = await thirtyMegabytes(cairn);

    const refused = await author.try(['push', 'origin', 'main:refs/heads/main/below']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      '! [remote rejected] main -> main/below (it cannot exist beside refs/heads/main)',
    );
    expect(cairn.store.writes()).toBe(0);
  });

  it('shows the reason if it is known only after the whole pack', async () => {
    const { url, author } = await thirtyMegabytes(cairn);
    await author.run(['tag', 'a-blob', 'HEAD:large.bin']);

    const refused = await author.try(['push', 'origin', 'a-blob:refs/heads/odd']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      '! [remote rejected] a-blob -> odd (a branch must point at a commit, this is a blob)',
    );
    expect(cairn.store.writes()).toBe(0);
    expect(await author.run(['ls-remote', url])).not.toContain('odd');
  });

  it('shows the reason if it exceeds the server’s limit', async () => {
    const { url, author, tip } = await thirtyMegabytes(narrow);

    const refused = await author.try(['push', 'origin', 'main']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /! \[remote rejected\] main -> main \(.*(maximum allowed size|8 ?MiB|8388608).*\)/,
    );
    expect(narrow.store.writes()).toBe(0);
    expect(await author.run(['ls-remote', url, 'main'])).toContain(tip);

    await author.run(['reset', '--quiet', '--hard', tip]);
    const small = await author.commit('Small', { small: 'small\n' });
    await author.run(['push', '--quiet', 'origin', 'main']);
    expect(await author.run(['ls-remote', url, 'main'])).toContain(small);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

function tagObject(target: string): RawObject {
  const tagger = 'A User <user@example.com> 1700000000 +0000';
  return {
    type: 'tag',
    content: Buffer.from(`object ${target}\ntype commit\ntag odd\ntagger ${tagger}\n\nOdd\n`),
  };
}
