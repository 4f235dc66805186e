/** Clones of what has not been folded, or not lately: packs joined to one when they are proved to be it, never otherwise. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloneWants, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitManifest } from '../../src/repository/git/git-manifest.ts';
import { type ClonedRepository, CloneRig } from '../helpers/clone-rig.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { bringBack, kindsOf } from '../helpers/folded.ts';
import { gate } from '../helpers/gate.ts';
import { GitClient, run } from '../helpers/git-client.ts';
import { packetsOf, push } from '../helpers/raw-git.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';

let rig: CloneRig;

beforeAll(async () => {
  rig = await CloneRig.start();
});

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

describe('stored packs are sent after a proof:', () => {
  it('a first push', async () => {
    const hosted = await rig.host();
    expect(await hosted.clonedBy(['transfer.fsckObjects=true'])).toEqual(['stored']);
    expect(await rig.processesOf(() => hosted.clonedBy())).toEqual([]);
  });

  it('a large first push, after it was cloned once', async () => {
    const hosted = await rig.host();
    await importMany(hosted);
    expect(await hosted.clonedBy()).toEqual(['git']);
    await hosted.cloneUntil('spliced');
    await hosted.push('on top');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
  });

  it('a large folded pack, and later pushes', async () => {
    const hosted = await rig.host();
    await importMany(hosted);
    await rig.app.fold(hosted.id);
    expect(await hosted.clonedBy()).toEqual(['stored']);
    await hosted.push('behind the clone');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
    // Somebody clones here, so it is known again as soon as it is folded.
    await rig.app.fold(hosted.id);
    await hosted.push('behind the fold');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
  });

  it.each(['sha1', 'sha256'] as const)('a folded pack and later thin packs, %s', async (format) => {
    const hosted = await rig.host(format);
    await rig.app.fold(hosted.id);
    await hosted.push('three');
    await hosted.author.run(['checkout', '--quiet', '-b', 'side', 'HEAD~1']);
    await hosted.push('beside');
    const { manifest } = await hosted.state();
    expect(kindsOf(manifest)).toEqual(['fold', 'push', 'push']);
    expect(manifest.packs.some(({ own }) => own !== undefined)).toBe(true);
    await hosted.cloneUntil('spliced');
    for (const version of [0, 1, 2]) {
      const settings = [`protocol.version=${version}`, 'transfer.fsckObjects=true'];
      expect(await hosted.clonedBy(settings)).toEqual(['spliced']);
    }
  });

  it('after each push, with one git process that lists the new objects', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await rig.app.fold(hosted.id);
    expect(await hosted.clonedBy()).toEqual(['stored']);
    const changes = [
      () => hosted.push('forward'),
      async () => {
        await author.run(['checkout', '--quiet', '-b', 'topic', 'HEAD~1']);
        await hosted.push('beside');
      },
      async () => {
        await author.run(['tag', '-a', '-m', 'Of old', 'v0', 'light']);
        await author.run(['push', '--quiet', 'origin', 'v0']);
      },
      async () => {
        await author.run(['checkout', '--quiet', 'main']);
        await author.run(['merge', '--quiet', '-s', 'ours', '-m', 'Merge', 'topic']);
        await author.run(['push', '--quiet', 'origin', 'main', ':topic']);
      },
    ];
    for (const change of changes) {
      await change();
      const processes = await rig.processesOf(async () => {
        expect(await hosted.clonedBy(['transfer.fsckObjects=true'])).toEqual(['spliced']);
      });
      expect(processes).toEqual(['rev-list']);
    }
  });

  it('without packs of other refs', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    expect(await hosted.clonedBy()).toEqual(['stored']);
    await author.run(['checkout', '--quiet', '-b', 'proposal']);
    await hosted.commit('proposed');
    await author.run(['push', '--quiet', 'origin', 'HEAD:refs/nostr/proposal']);
    const clone = () => hosted.fetch(branchesOf(manifest), ['ofs-delta', 'no-progress']);
    let { manifest } = await hosted.state();
    expect(await rig.processesOf(clone)).toEqual([]);
    await author.run(['checkout', '--quiet', 'main']);
    await hosted.push('forward');
    ({ manifest } = await hosted.state());
    expect(await rig.processesOf(clone)).toEqual(['rev-list']);
    expect(manifest.packs).toHaveLength(3);
    expect(await rig.answeredBy(clone)).toEqual(['spliced']);
  });

  it('after another branch was moved to a merged one, and deleted', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await author.run(['checkout', '--quiet', '-b', 'topic']);
    await hosted.push('beside');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
    await author.run(['push', '--quiet', 'origin', 'topic:main', ':topic']);
    const processes = await rig.processesOf(async () => {
      expect(await hosted.clonedBy(['transfer.fsckObjects=true'])).toEqual(['spliced']);
    });
    expect(processes).toEqual(['rev-list']);
  });

  it('for many clients after a push, with one proof', async () => {
    const hosted = await rig.host();
    await hosted.push('three');
    const wants = [...cloneWants((await hosted.state()).manifest.refs)];
    const ask = () => hosted.fetch(wants, ['ofs-delta', 'no-progress']);
    const processes = await rig.processesOf(() => Promise.all(Array.from({ length: 16 }, ask)));
    expect(processes).toEqual(['rev-list']);
  });

  it('with objects that only other refs reach, for clients that want them', async () => {
    const hosted = await rig.host();
    await hosted.commit('noted');
    await hosted.author.run(['push', '--quiet', 'origin', 'HEAD:refs/notes/aside']);
    await rig.app.fold(hosted.id);
    expect(kindsOf((await hosted.state()).manifest)).toEqual(['fold', 'rest']);
    await hosted.cloneUntil('spliced');
  });
});

describe('stored packs are not sent', () => {
  it('if an object is in two of them', async () => {
    const hosted = await rig.host();
    const before = await hosted.author.run(['rev-list', '--objects', '--all', '--no-object-names']);
    await hosted.commit('Sent with everything');
    const since = await hosted.author.run(['rev-list', '--objects', 'HEAD~1..', '--no-object-names']);
    await pushObjects(hosted, `${before}\n${since}\n`);
    expect((await hosted.state()).manifest.packs).toHaveLength(2);
    await hosted.neverJoined();
  });

  it('if a forced push has left objects in them', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await author.run(['commit', '--quiet', '--amend', '-m', 'Instead']);
    await author.run(['push', '--quiet', '--force', 'origin', 'main', ':v1']);
    await hosted.neverJoined();
  });

  it('if a proved pack is no longer part of the repository', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await author.run(['checkout', '--quiet', '-b', 'side']);
    await hosted.push('beside');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
    await author.run(['checkout', '--quiet', 'main']);
    await hosted.push('forward');
    await author.run(['push', '--quiet', 'origin', ':side']);
    await hosted.neverJoined();
  });

  it('if fewer objects are wanted than were proved', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await author.run(['checkout', '--quiet', '-b', 'side']);
    await hosted.push('beside');
    expect(await hosted.clonedBy()).toEqual(['spliced']);
    await author.run(['push', '--quiet', 'origin', ':side']);
    await hosted.neverJoined();
  });

  it('if a push had objects that no ref reaches', async () => {
    const hosted = await rig.host();
    expect(await hosted.clonedBy()).toEqual(['stored']);
    const { author } = hosted;
    await hosted.commit('Sent with more');
    const since = await author.run(['rev-list', '--objects', 'HEAD~1..', '--no-object-names']);
    const stray = await author.run(['hash-object', '-w', '--stdin'], { input: 'leads nowhere' });
    await pushObjects(hosted, `${since}\n${stray}\n`);
    await hosted.neverJoined();
  });

  it('if a branch leads to objects that a fold has set apart', async () => {
    const hosted = await rig.host();
    const gone = await putAside(hosted);
    expect(await hosted.clonedBy()).toEqual(['stored']);
    await hosted.author.run(['checkout', '--quiet', '-b', 'other']);
    await hosted.push('else');
    await hosted.cloneUntil('spliced');
    await bringBack(rig.app, hosted.id, 'refs/heads/gone', gone);
    await hosted.neverJoined();
  });

  it('if the object count fits, but one object is wrong', async () => {
    const hosted = await rig.host();
    const { author } = hosted;
    await putAside(hosted);
    await author.run([
      'tag',
      'blob',
      await author.run(['hash-object', '-w', '--stdin'], { input: 'too many' }),
    ]);
    await author.run(['push', '--quiet', 'origin', 'blob']);
    await author.run(['push', '--quiet', 'origin', ':blob']);
    await author.commit('Again', { 'more/gone': 'gone\n' });
    const since = await author.run(['rev-list', '--objects', 'HEAD~1..', '--no-object-names']);
    const blob = await author.run(['rev-parse', 'HEAD:more/gone']);
    const sent = since.split('\n').filter((oid) => oid !== blob);
    expect(sent).toHaveLength(3);
    await pushObjects(hosted, sent.join('\n'));
    expect(kindsOf((await hosted.state()).manifest)).toEqual(['fold', 'unreachable', 'push', 'push']);
    await hosted.neverJoined();
  });
});

describe('a proof that clients wait for', () => {
  it('lets others run git while its packs are downloaded', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    const user = new GitClient(rig.folder.path);
    const tips = new Map<string, string>();
    {
      await using server = await startServer({ store, overrides: { background: false } });
      for (const name of ['cold', 'warm']) {
        const author = await user.init(rig.fresh());
        tips.set(name, await author.commit(name, { file: `${name}\n` }));
        await author.run(['push', '--quiet', repositoryUrl(server, name), 'main']);
      }
    }
    const flags = { fold: 'off', 'git-concurrency': '1', 'git-queue': '0' };
    await using server = await startServer({ store, flags });
    await user.clone(repositoryUrl(server, 'warm'), rig.fresh(), '--depth=1');
    const [asked, answer] = [gate(), gate()];
    const before = () => {
      asked.open();
      return answer.opened;
    };
    store.next(({ key }) => key.endsWith('.pack'), { does: 'run', before });
    const waiting = user.clone(repositoryUrl(server, 'cold'), rig.fresh());
    try {
      await asked.opened;
      const copy = await user.clone(repositoryUrl(server, 'warm'), rig.fresh(), '--depth=1');
      expect(await copy.oidOf('HEAD')).toBe(tips.get('warm'));
    } finally {
      answer.open();
      expect(await (await waiting).oidOf('HEAD')).toBe(tips.get('cold'));
    }
  });

  it('can run beside others for different wants', async () => {
    await using narrow = await CloneRig.start({ 'git-concurrency': '1' });
    const hosted = await narrow.host();
    const listed = await hosted.author.run(['rev-list', '--objects', '--all', '--no-object-names']);
    const objects = listed.split('\n');
    const pairs = objects.flatMap((one, at) => objects.slice(at + 1).map((other) => [one, other]));
    const warnings: string[] = [];
    const hear = ({ name }: Error) => warnings.push(name);
    process.on('warning', hear);
    try {
      const ask = (wants: string[]) => hosted.fetch(wants, ['ofs-delta', 'no-progress']);
      await Promise.all(pairs.slice(0, 40).map(ask));
    } finally {
      process.off('warning', hear);
    }
    // Of listeners that nobody has taken away, for one.
    expect(warnings).toEqual([]);
  });
});

function branchesOf({ refs }: GitManifest): string[] {
  return [...cloneWants(refs)];
}

/** Pushes more objects, on another branch, than anyone waits for to be listed. */
async function importMany({ author }: ClonedRepository): Promise<void> {
  const files = Array.from(
    { length: 5_100 },
    (_, at) => `M 644 inline ${at}\ndata ${String(at).length}\n${at}`,
  );
  const commit = ['commit refs/heads/many', 'committer A <a@b> 1 +0000', 'data 4', 'many'];
  await author.run(['fast-import', '--quiet'], { input: `${[...commit, ...files].join('\n')}\n` });
  await author.run(['push', '--quiet', 'origin', 'many']);
}

/** Pushes a branch, deletes it, and folds. @returns where it was */
async function putAside(hosted: ClonedRepository): Promise<string> {
  const { author } = hosted;
  await author.run(['checkout', '--quiet', '-b', 'gone']);
  await hosted.push('gone');
  const gone = await author.oidOf('HEAD');
  await author.run(['push', '--quiet', 'origin', ':gone']);
  await author.run(['checkout', '--quiet', 'main']);
  await rig.app.fold(hosted.id);
  expect(kindsOf((await hosted.state()).manifest)).toEqual(['fold', 'unreachable']);
  return gone;
}

/** Pushes a pack of exactly these objects, and moves `main` to its author's head. */
async function pushObjects({ author, url }: ClonedRepository, objects: string): Promise<void> {
  const path = join(rig.folder.path, rig.fresh());
  await writeFile(path, objects);
  const [to, from] = (await author.run(['rev-parse', 'HEAD', 'origin/main'])).split('\n');
  const made = await run('sh', ['-c', `git pack-objects --stdout -q < '${path}' | base64 -w0`], {
    cwd: author.folder,
  });
  const answer = await push(
    url,
    Buffer.concat([
      encodePacket(`${from} ${to} refs/heads/main\0 report-status`),
      flushPacket,
      Buffer.from(made.stdout, 'base64'),
    ]),
  );
  expect(packetsOf(answer.body)).toContain('ok refs/heads/main');
}
