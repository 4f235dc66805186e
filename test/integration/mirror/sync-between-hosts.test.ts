/** Runs between two repositories behind `git http-backend`. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../../src/git/protocol/pkt-line.ts';
import { encodeSideband } from '../../../src/git/protocol/sideband.ts';
import {
  bootstrap,
  type MirrorOptions,
  plan,
  replicate,
  sync,
  type Traffic,
} from '../../../src/mirror/mirror.ts';
import type { MirrorResult } from '../../../src/mirror/run/mirror-result.ts';
import { countsOf } from '../../../src/mirror/run/mirror-result.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const ends = (rig: MirrorRig): Pick<MirrorOptions, 'source' | 'target' | 'scratchFolder'> => ({
  source: { address: rig.sourceUrl },
  target: { address: rig.targetUrl },
  scratchFolder: rig.folder,
});

const actions = ({ refs }: MirrorResult) => refs.map(({ action, target }) => `${action} ${target}`);
const posts = ({ host }: MirrorRig) =>
  host.requests.filter((line) => line === 'POST /target.git/git-receive-pack');

/** A main branch of three commits, a side branch and an annotated tag. */
async function history(rig: MirrorRig): Promise<void> {
  const { author } = rig;
  for (const number of [1, 2, 3])
    await author.commit(`Commit ${number}`, { file: `${number}\n`, [`only/${number}`]: 'x' });
  await author.run(['branch', 'a-side', 'HEAD~1']);
  await author.run(['tag', '--annotate', '-m', 'One', 'v1', 'HEAD~1']);
  await author.run(['push', '--quiet', 'origin', 'main', 'a-side', 'v1']);
}

describe('sync', () => {
  it('fills an empty target with one request, the branch of HEAD first, and then has nothing to do', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const first = await sync({ ...ends(rig), scope: { tags: true } });
    expect(first.problem).toBeUndefined();
    expect(actions(first)).toEqual([
      'create refs/heads/main',
      'create refs/heads/a-side',
      'create refs/tags/v1',
    ]);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
    await rig.target.run(['fsck', '--strict']);
    expect(posts(rig)).toHaveLength(1);

    const before = rig.host.requests.length;
    const second = await sync({ ...ends(rig), scope: { tags: true } });
    expect(second.outcome).toBe('ok');
    expect(countsOf(second.refs)).toMatchObject({ skipped: 3, applied: 0 });
    // Two requests to the source, one to the target.
    expect(rig.host.requests.slice(before).sort()).toEqual([
      'GET /source.git/info/refs?service=git-upload-pack',
      'GET /target.git/info/refs?service=git-receive-pack',
      'POST /source.git/git-upload-pack',
    ]);
  });

  it.each([true, false])(
    'moves branches forward, including new ones, if the source supports filters: %s',
    async (canFilter) => {
      await using rig = await mirrorRig({ canFilter });
      await history(rig);
      await sync(ends(rig));
      await rig.author.run(['checkout', '--quiet', 'a-side']);
      await rig.author.commit('Later on the side', { side: 'later\n' });
      await rig.author.run(['checkout', '--quiet', 'main']);
      await rig.author.run(['merge', '--quiet', '--no-edit', 'a-side']);
      await rig.author.run(['push', '--quiet', 'origin', 'main', 'a-side', 'main~1:refs/heads/new']);
      const result = await sync(ends(rig));
      expect(result.outcome).toBe('ok');
      expect(actions(result)).toEqual([
        'update refs/heads/main',
        'update refs/heads/a-side',
        'create refs/heads/new',
      ]);
      expect(await refsIn(rig.target, 'refs/heads')).toBe(await refsIn(rig.source, 'refs/heads'));
      await rig.target.run(['fsck', '--strict']);
    },
  );

  it.each([true, false])(
    'blocks diverged branches and sends nothing, if the source supports filters: %s',
    async (canFilter) => {
      await using rig = await mirrorRig({ canFilter });
      await history(rig);
      await sync(ends(rig));
      await rig.author.run(['commit', '--quiet', '--amend', '-m', 'Another third']);
      await rig.author.run(['push', '--quiet', '--force', 'origin', 'main', 'main:refs/heads/new']);
      const before = await refsIn(rig.target);
      const sent = posts(rig).length;
      const result = await sync(ends(rig));
      expect(result.outcome).toBe('blocked');
      expect(actions(result)).toEqual([
        'block refs/heads/main',
        'skip refs/heads/a-side',
        'create refs/heads/new',
      ]);
      expect(result.refs[0]?.reason).toMatch(/diverged: .* is not an ancestor of/);
      expect(await refsIn(rig.target)).toBe(before);
      expect(posts(rig)).toHaveLength(sent);

      const others = await sync({ ...ends(rig), bestEffort: true });
      expect(others.outcome).toBe('partial');
      expect(await refsIn(rig.target, 'refs/heads/new')).not.toBe('');

      const forced = await sync({ ...ends(rig), force: true });
      expect(forced.outcome).toBe('ok');
      expect(await refsIn(rig.target, 'refs/heads')).toBe(await refsIn(rig.source, 'refs/heads'));
    },
  );

  it('fetches what a branch has gained once, with the comparison of the histories', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync(ends(rig));
    const large = new SeededRandom(1).hex(300_000);
    await rig.author.commit('Large', { large: Buffer.from(large, 'hex') });
    await rig.author.run(['push', '--quiet', 'origin', 'main']);
    const traffic: Traffic = {};
    const result = await sync({ ...ends(rig), traffic });
    expect([result.outcome, ...actions(result)]).toEqual([
      'ok',
      'update refs/heads/main',
      'skip refs/heads/a-side',
    ]);
    expect(traffic.source?.receivedBytes).toBeGreaterThan(300_000);
    expect(traffic.source?.receivedBytes).toBeLessThan(330_000);
  });

  it('distinguishes a branch that was set back from one that moved forward, even behind another tip', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync(ends(rig));
    // `main` goes back; `a-side` moves to where `main` was, whose objects the target has.
    await rig.author.run(['push', '--quiet', '--force', 'origin', 'main~2:refs/heads/main', 'main:a-side']);
    const result = await sync({ ...ends(rig), bestEffort: true });
    expect(actions(result)).toEqual(['block refs/heads/main', 'update refs/heads/a-side']);
    expect(result.refs[1]?.strategy).toBe('refs');
  });

  it('moves tags, sets branches back and prunes, in one relay', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync({ ...ends(rig), scope: { tags: true } });
    await rig.author.run(['tag', '--force', '--annotate', '-m', 'Two', 'v1', 'main']);
    await rig.author.run(['push', '--quiet', '--force', 'origin', 'v1', 'main~1:refs/heads/main', ':a-side']);
    const blocked = await sync({ ...ends(rig), scope: { tags: true }, prune: true });
    expect(blocked.outcome).toBe('blocked');
    const result = await sync({ ...ends(rig), scope: { tags: true }, prune: true, force: true });
    expect(result.outcome).toBe('ok');
    expect(actions(result)).toEqual([
      'update refs/heads/main',
      'update refs/tags/v1',
      'delete refs/heads/a-side',
    ]);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });

  it('keeps branches that were not named, and tags out of scope', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync({ ...ends(rig), scope: { tags: true } });
    await rig.author.run(['push', '--quiet', 'origin', ':a-side', ':v1']);
    expect((await sync({ ...ends(rig), scope: { branches: ['main'] }, prune: true })).outcome).toBe('ok');
    expect(await refsIn(rig.target)).toMatch(/a-side(.|\n)*v1/);
    await sync({ ...ends(rig), prune: true });
    expect(await refsIn(rig.target)).toMatch(/main\n.*v1$/);
  });

  it('deletes a branch whose name blocks another', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync(ends(rig));
    await rig.author.run(['push', '--quiet', 'origin', ':a-side', 'main:refs/heads/a-side/deeper']);
    expect((await sync(ends(rig))).outcome).toBe('blocked');
    const result = await sync({ ...ends(rig), prune: true });
    expect(result.problem).toBeUndefined();
    expect(await refsIn(rig.target, 'refs/heads')).toBe(await refsIn(rig.source, 'refs/heads'));
  });

  it('with best effort, a blocked ref holds up neither a branch whose name was blocked nor the others', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await sync({ ...ends(rig), scope: { tags: true } });
    const old = await rig.target.run(['rev-parse', 'refs/tags/v1']);
    await rig.target.run(['update-ref', 'refs/heads/only-here', 'refs/heads/main']);
    await rig.author.run(['push', '--quiet', 'origin', ':a-side', 'main:refs/heads/a-side/deeper']);
    await rig.author.run([
      'push',
      '--quiet',
      '--force',
      'origin',
      'main:refs/tags/v1',
      'main:refs/heads/new',
    ]);
    const result = await sync({ ...ends(rig), scope: { tags: true }, prune: true, bestEffort: true });
    expect(result.outcome).toBe('partial');
    expect(result.refs.map(({ target, result: done }) => [target, done?.outcome])).toEqual([
      ['refs/heads/a-side', 'applied'],
      ['refs/heads/main', undefined],
      ['refs/heads/a-side/deeper', 'applied'],
      ['refs/heads/new', 'applied'],
      ['refs/tags/v1', undefined],
      ['refs/heads/only-here', undefined],
    ]);
    expect(await rig.target.run(['rev-parse', 'refs/tags/v1'])).toBe(old);
  });

  it('copies every ref, and mapped refs under other names', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await rig.author.run(['notes', 'add', '-m', 'a note']);
    await rig.author.run(['push', '--quiet', 'origin', 'refs/notes/commits', 'main:refs/pull/1/head']);
    const all = await sync({ ...ends(rig), scope: { allRefs: true, excludedPrefixes: ['refs/pull/'] } });
    expect(all.outcome).toBe('ok');
    expect(all.refs.find(({ kind }) => kind === 'other')).toMatchObject({ target: 'refs/notes/commits' });
    expect(await refsIn(rig.target)).not.toContain('refs/pull');
    const mapped = await sync({ ...ends(rig), scope: { mappings: [{ source: 'main', target: 'trunk' }] } });
    expect(actions(mapped)).toEqual(['create refs/heads/trunk']);
    expect(mapped.refs[0]?.strategy).toBe('refs');
  });

  it('reports an empty selection of the source, for any target', async () => {
    await using rig = await mirrorRig();
    const empty = await sync({ ...ends(rig), prune: true });
    expect(empty).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringMatching(/it has no refs/),
    });
    await history(rig);
    await rig.author.run(['push', '--quiet', rig.target.folder, 'main:refs/heads/kept']);
    await rig.source.run(['update-ref', '-d', 'refs/heads/main']);
    const scope = { mappings: [], branches: ['none'] };
    expect((await sync({ ...ends(rig), scope })).outcome).toBe('blocked');
  });

  it('works between SHA-256 repositories, and refuses mixed formats', async () => {
    await using rig = await mirrorRig({ objectFormat: 'sha256' });
    await history(rig);
    expect((await sync({ ...ends(rig), scope: { tags: true } })).outcome).toBe('ok');
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
    await using other = await mirrorRig();
    const mixed = await sync({ ...ends(rig), target: { address: other.targetUrl } });
    expect(mixed).toMatchObject({ outcome: 'configuration', problem: expect.stringContaining('sha256') });
  });

  it.each([0, 1, 2] as const)('speaks protocol version %s with the source', async (protocol) => {
    await using rig = await mirrorRig();
    await history(rig);
    const result = await sync({ ...ends(rig), protocol, scope: { tags: true } });
    expect(result.outcome).toBe('ok');
    expect(result.source?.protocol).toBe(protocol);
    await rig.author.commit('Fourth', { file: '4\n' });
    await rig.author.run(['push', '--quiet', 'origin', 'main']);
    const next = await sync({ ...ends(rig), protocol, scope: { tags: true } });
    expect(actions(next)[0]).toBe('update refs/heads/main');
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });
});

describe('plan, replicate and bootstrap', () => {
  it('plan sends nothing, and lists the strategy of each ref', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const result = await plan({ ...ends(rig), scope: { tags: true } });
    expect(result.outcome).toBe('ok');
    expect(result.refs.map(({ strategy }) => strategy)).toEqual(['relay', 'relay', 'relay']);
    expect(posts(rig)).toEqual([]);
    expect(await refsIn(rig.target)).toBe('');
  });

  it('replicate makes the target equal to the source, and deletes stale refs', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await rig.author.run([
      'push',
      '--quiet',
      rig.target.folder,
      'main~2:refs/heads/main',
      'main:refs/tags/v1',
      'main:gone',
    ]);
    const result = await replicate({ ...ends(rig), scope: { tags: true }, prune: true });
    expect(result.outcome).toBe('ok');
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
    const withForce = await replicate({ ...ends(rig), force: true } as MirrorOptions);
    expect(withForce.outcome).toBe('configuration');
  });

  it('bootstrap refuses a target that has one of the refs, and sends nothing', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await rig.author.run(['push', '--quiet', rig.target.folder, 'main']);
    const sent = posts(rig).length;
    expect((await bootstrap(ends(rig))).outcome).toBe('blocked');
    expect(posts(rig)).toHaveLength(sent);
    const other = await bootstrap({ ...ends(rig), scope: { branches: ['a-side'] } });
    expect(other.outcome).toBe('ok');
  });
});

describe('errors of a run', () => {
  it('name a ref that the target refuses, with its reason, and the others are written', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    await rig.target.run(['config', 'receive.hideRefs', 'refs/pull']);
    await rig.author.run(['push', '--quiet', 'origin', 'main:refs/pull/1/head']);
    const scope = { allRefs: true };
    const strict = await sync({ ...ends(rig), scope });
    expect(strict.outcome).toBe('partial');
    expect(strict.refs.find(({ target }) => target === 'refs/pull/1/head')?.result).toEqual({
      outcome: 'refused',
      reason: expect.stringMatching(/hidden ref/),
    });
    const lenient = await sync({ ...ends(rig), scope, bestEffort: true });
    expect(lenient.outcome).toBe('ok');
  });

  it('report a ref that somebody else moved meanwhile, and keep its new value', async () => {
    const rig: MirrorRig = await mirrorRig({
      before: async (request) => {
        if (request.method === 'POST' && request.url?.includes('target.git') === true) {
          await rig.author.run(['push', '--quiet', '--force', rig.target.folder, 'theirs:main']);
        }
        return false;
      },
    });
    await using _ = rig;
    await history(rig);
    await rig.author.run(['push', '--quiet', rig.target.folder, 'main~1:refs/heads/main']);
    await rig.author.run(['branch', 'theirs', 'main~1']);
    await rig.author.run(['checkout', '--quiet', 'theirs']);
    const theirs = await rig.author.commit('Theirs');
    const result = await sync({ ...ends(rig), scope: { branches: ['main'] } });
    expect(result.outcome).toBe('moved');
    expect(await refsIn(rig.target, 'refs/heads/main')).toBe(`${theirs} refs/heads/main`);
  });

  it.each([
    [1, 'ok', 2],
    [9, 'moved', 3],
  ])(
    'are avoided by a new plan if the source changes, up to three times: %i changes',
    async (most, outcome, attempts) => {
      let changes = 0;
      let change: () => Promise<unknown> = async () => undefined;
      await using rig = await mirrorRig({
        before: async (request, response) => {
          if (request.method !== 'POST' || request.url !== '/source.git/git-upload-pack') return false;
          await once(request, 'readable');
          const question: unknown = request.read();
          if (question instanceof Buffer) request.unshift(question);
          if (!String(question).includes('command=fetch') || changes === most) return false;
          changes += 1;
          await change();
          response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
          response.end(encodePacket('ERR upload-pack: not our ref 1234'));
          request.resume();
          return true;
        },
      });
      change = () => rig.source.run(['update-ref', `refs/heads/new-${changes}`, 'refs/heads/main']);
      await history(rig);
      const result = await sync(ends(rig));
      expect(result).toMatchObject({ outcome, attempts });
      expect((await refsIn(rig.target)) === '').toBe(outcome === 'moved');
    },
  );

  it.each([false, true])(
    'delete nothing if the replacement was refused, best effort: %s',
    async (bestEffort) => {
      await using rig = await mirrorRig();
      await history(rig);
      await sync({ ...ends(rig), scope: { branches: ['main'] } });
      await rig.author.run(['push', '--quiet', 'origin', ':a-side', 'main:refs/heads/trunk']);
      await rig.source.run(['update-ref', '-d', 'refs/heads/main']);
      const hook = join(rig.target.folder, 'hooks/update');
      await writeFile(hook, '#!/bin/sh\ncase $1 in */trunk) exit 1;; esac\n', { mode: 0o755 });
      const limits = { targetMaxPackBytes: 100_000 };
      const result = await replicate({ ...ends(rig), prune: true, bestEffort, limits });
      expect(countsOf(result.refs)).toMatchObject({ refused: 1, deleted: 0, pending: 1 });
      expect(result.outcome).toBe(bestEffort ? 'partial' : 'blocked');
      expect(await refsIn(rig.target)).toMatch(/^\w+ refs\/heads\/main$/);
    },
  );

  it('prevent an empty source from emptying the target', async () => {
    await using rig = await mirrorRig();
    await rig.author.commit('Kept');
    await rig.author.run(['push', '--quiet', rig.target.folder, 'main']);
    for (const run of [sync, replicate]) {
      const result = await run({ ...ends(rig), prune: true, scope: { tags: true } });
      expect(result.outcome).toBe('blocked');
      expect(await refsIn(rig.target)).toMatch(/refs\/heads\/main$/);
    }
  });

  it('include a target that reports what it has not done', async () => {
    await using rig = await mirrorRig({
      before: (request, response) => {
        if (request.method !== 'POST' || request.url?.includes('target.git') !== true) return false;
        request.resume().once('end', () => {
          response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
          const report = [encodePacket('unpack ok\n'), encodePacket('ok refs/heads/main\n'), flushPacket];
          const bands = encodeSideband(1, Buffer.concat(report));
          response.end(Buffer.concat([...bands, flushPacket]));
        });
        return true;
      },
    });
    await history(rig);
    const result = await sync({ ...ends(rig), scope: { branches: ['main'] } });
    expect(result.outcome).toBe('blocked');
    expect(result.refs[0]?.result).toEqual({
      outcome: 'refused',
      reason: 'the target reported success, but the ref has not changed',
    });
  });

  it('with an unreadable report lead to a new listing of the target', async () => {
    const rig: MirrorRig = await mirrorRig({
      before: async (request, response) => {
        if (request.method !== 'POST' || request.url?.includes('target.git') !== true) return false;
        await rig.author.run(['push', '--quiet', rig.target.folder, 'main', 'a-side']);
        request
          .resume()
          .once('end', () => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'));
        return true;
      },
    });
    await using _ = rig;
    await history(rig);
    const result = await sync({ ...ends(rig), scope: { tags: true } });
    expect(result.outcome).toBe('transport');
    expect(countsOf(result.refs)).toMatchObject({ applied: 2, pending: 1 });
  });

  it('do not occur when 10,000 refs are pruned and moved, within the needed requests', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const tip = await rig.author.oidOf('main');
    const older = await rig.author.run(['rev-parse', 'main~1']);
    const lines = (from: number, to: number, oid: string) =>
      Array.from({ length: to - from }, (_, at) => `update refs/tags/many/${from + at} ${oid}\n`).join('');
    // One file for all: each process of the host reads them again.
    const many = Array.from({ length: 10_000 }, (_, at) => `${tip} refs/tags/many/${at}\n`)
      .sort()
      .join('');
    const packed = `# pack-refs with: peeled fully-peeled sorted \n${many}`;
    await writeFile(join(rig.source.folder, 'packed-refs'), packed);
    const scope = { tags: true };
    expect((await sync({ ...ends(rig), scope })).outcome).toBe('ok');
    const moved = lines(0, 3_000, older);
    const gone = Array.from({ length: 3_000 }, (_, at) => `delete refs/tags/many/${7_000 + at}\n`).join('');
    await rig.source.run(['update-ref', '--stdin'], { input: moved + gone });
    const sent = posts(rig).length;
    const result = await sync({ ...ends(rig), scope, force: true, prune: true });
    expect(countsOf(result.refs)).toMatchObject({ applied: 3_000, deleted: 3_000 });
    expect(posts(rig).length - sent).toBe(2);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });

  it('for a pack above the limit leave the target unchanged', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const result = await sync({ ...ends(rig), limits: { maxPackBytes: 50 } });
    expect(result).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringMatching(/--max-pack-bytes/),
    });
    expect(await refsIn(rig.target)).toBe('');
  });

  it('are avoided for too many refs: several requests are sent, the objects with the first', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const names = Array.from({ length: 25 }, (_, at) => `main:refs/heads/many/${at}`);
    await rig.author.run(['push', '--quiet', 'origin', ...names]);
    const result = await sync({ ...ends(rig), limits: { targetMaxRefUpdates: 10 } });
    expect(result.outcome).toBe('ok');
    expect(posts(rig)).toHaveLength(3);
    expect(await refsIn(rig.target, 'refs/heads')).toBe(await refsIn(rig.source, 'refs/heads'));
  });

  it('after an interruption say what was done', async () => {
    await using rig = await mirrorRig();
    await history(rig);
    const stop = new AbortController();
    stop.abort();
    expect(await sync({ ...ends(rig), signal: stop.signal })).toMatchObject({
      outcome: 'interrupted',
      problem: 'it was stopped',
    });
  });

  it('refuse a mirror of a repository into itself', async () => {
    await using rig = await mirrorRig();
    const same = await sync({
      ...ends(rig),
      target: { address: `${rig.sourceUrl.replace('http://', 'HTTP://x:y@')}/` },
    });
    expect(same).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringContaining('same repository'),
    });
  });
});
