/** Clones that a stored pack is the answer to: framed for every kind of client, and left to git where it would not do. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClonedRepository, CloneRig } from '../helpers/clone-rig.ts';
import { GitClient } from '../helpers/git-client.ts';
import { bandsOf } from '../helpers/raw-git.ts';

let rig: CloneRig;
let hosted: ClonedRepository;

beforeAll(async () => {
  rig = await CloneRig.start();
});

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

describe.each(['sha1', 'sha256'] as const)('a folded repository of %s', (format) => {
  beforeAll(async () => {
    hosted = await rig.host(format);
    expect(await rig.app.fold(hosted.id)).toMatchObject({ outcome: 'folded' });
  });

  it.each([0, 1, 2])('is cloned as its stored pack, with protocol v%i', async (version) => {
    const settings = [`protocol.version=${version}`];
    expect(await hosted.clonedBy(settings)).toEqual(['stored']);
    expect(await hosted.clonedBy([...settings, 'transfer.fsckObjects=true'])).toEqual(['stored']);
    expect(await hosted.clonedBy([...settings, 'fetch.unpackLimit=1'])).toEqual(['stored']);
  });
});

describe('git answers a fetch of less or more', () => {
  beforeAll(async () => {
    hosted = await rig.host();
    await rig.app.fold(hosted.id);
  });

  it.each([
    ['--depth=1'],
    ['--filter=blob:none'],
    ['--single-branch', '--branch=light'],
    ['--shallow-exclude=refs/tags/light'],
  ])('with %s', async (...options) => {
    const clone = () => new GitClient(rig.folder.path).clone(hosted.url, rig.fresh(), '--bare', ...options);
    expect(new Set(await rig.answeredBy(clone))).toEqual(new Set(['git']));
  });

  it('by a client without ofs-delta', async () => {
    const wants = await hosted.wants();
    expect(await rig.answeredBy(() => hosted.fetch(wants, []))).toEqual(['git']);
    expect(await rig.answeredBy(() => hosted.fetch(wants, ['ofs-delta']))).toEqual(['stored']);
  });

  it('by a client that has objects already', async () => {
    const copy = await new GitClient(rig.folder.path).clone(hosted.url, rig.fresh());
    await hosted.push('later');
    expect(await rig.answeredBy(() => copy.run(['fetch', '--quiet']))).toEqual(['git']);
  });
});

describe('refs differ from those at the time of the fold', () => {
  beforeAll(async () => {
    hosted = await rig.host();
    await hosted.author.run(['checkout', '--quiet', '-b', 'side']);
    await hosted.push('beside');
    await rig.app.fold(hosted.id);
  });

  it('and the pack is still sent if it has exactly the wanted objects, and no tags outside it must be included', async () => {
    const wants = await hosted.wants();
    await hosted.author.run(['tag', '-a', '-m', 'Later', 'v2', 'HEAD~1']);
    await hosted.author.run(['push', '--quiet', 'origin', 'v2']);
    expect(await rig.answeredBy(() => hosted.fetch(wants, ['ofs-delta']))).toEqual(['stored']);
    expect(await rig.answeredBy(() => hosted.fetch(wants, ['ofs-delta', 'include-tag']))).toEqual(['git']);
  });

  it('and before v2, objects without a ref are refused', async () => {
    const wants = await hosted.wants();
    await hosted.author.run(['push', '--quiet', 'origin', ':side']);
    const refused = await hosted.fetchV0(wants, 'ofs-delta side-band-64k');
    expect(refused.toString('latin1')).toContain('not our ref');
  });
});

describe('the response before v2', () => {
  let wants: readonly string[];

  beforeAll(async () => {
    hosted = await rig.host();
    await rig.app.fold(hosted.id);
    wants = await hosted.wants();
  });

  function expectPack(bytes: Buffer): void {
    expect(bytes.toString('latin1', 0, 4)).toBe('PACK');
    expect(createHash('sha1').update(bytes.subarray(0, -20)).digest()).toEqual(bytes.subarray(-20));
  }

  it('is the pack behind NAK, without a side-band', async () => {
    const answer = await hosted.fetchV0(wants, 'ofs-delta');
    expect(answer.toString('latin1', 0, 8)).toBe('0008NAK\n');
    expectPack(answer.subarray(8));
  });

  it.each([
    ['side-band', 1000],
    ['side-band-64k', 65520],
  ])('is cut off if %s', async (capability, longest) => {
    const answer = await hosted.fetchV0(wants, `${capability} ofs-delta no-progress multi_ack_detailed`);
    expect(answer.toString('latin1', 0, 8)).toBe('0008NAK\n');
    expect(answer.toString('latin1', answer.length - 4)).toBe('0000');
    const packets = answer.subarray(8, -4);
    for (let at = 0; at < packets.length; ) {
      const length = Number.parseInt(packets.toString('latin1', at, at + 4), 16);
      expect(length).toBeLessThanOrEqual(longest);
      expect(packets[at + 4]).toBe(1);
      at += length;
    }
    expectPack(bandsOf(packets).data);
  });

  it('shows its progress, unless the client asked for quiet', async () => {
    const told = async (words: string) =>
      bandsOf((await hosted.fetchV0(wants, `ofs-delta side-band-64k ${words}`)).subarray(8)).progress;
    expect(await told('')).toMatch(/^Sending \d+ objects as they are stored\.\n$/);
    expect(await told('no-progress')).toBe('');
  });
});
