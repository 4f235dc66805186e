import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitClient } from '../helpers/git-client.ts';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { pushPattern } from '../helpers/push-pattern.ts';
import { fetchFrom, packetsOf } from '../helpers/raw-git.ts';

const COUNT = 5_000;

/** Makes branches `<folder>/0`, `<folder>/1`, …, with one commit each that no other has. */
async function makeTips(repository: GitClient, folder: string): Promise<void> {
  const commits = Array.from({ length: COUNT }, (_, at) =>
    [
      `commit refs/heads/${folder}/${at}`,
      `committer A User <user@example.com> ${1_700_000_000 + at} +0000`,
      `data ${String(at).length + folder.length}\n${folder}${at}`,
      '',
    ].join('\n'),
  );
  await repository.run(['fast-import', '--quiet'], { input: commits.join('\n') });
}

describe('a client with thousands of tips', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  let url: string;
  let user: GitClient;
  let tip: string;

  beforeAll(async () => {
    const place = await cairn.published();
    ({ url, user } = place);
    await makeTips(place.author, 'common');
    await pushPattern(place.author, url, 'refs/heads/common/*:refs/heads/common/*');
    // A friend has all of the common tips and not main, so that no single have settles what a fetch of main needs.
    const friend = await user.clone(url, 'friend', '--mirror');
    await friend.run(['update-ref', '-d', 'refs/heads/main']);
    const stranger = await user.init('stranger', '--bare');
    await makeTips(stranger, 'mine');
    tip = await place.author.commit('Later');
    await place.author.run(['push', '--quiet', url, 'main']);
  });

  /** Fetches main into a copy of a repository. Returns how many object ids the client offered. */
  async function fetchMain(from: 'friend' | 'stranger', version: 0 | 1 | 2): Promise<number> {
    const reader = await user.clone(join(user.folder, from), `${from}-${version}`, '--mirror');
    const trace = join(reader.folder, 'packets');

    // The usual algorithm skips most of what it has.
    const settings = [speaking(version), 'fetch.negotiationAlgorithm=consecutive'];
    await reader
      .with(...settings)
      .run(['fetch', '--quiet', url, 'main'], { env: { GIT_TRACE_PACKET: trace } });

    expect(await reader.run(['rev-parse', 'FETCH_HEAD'])).toBe(tip);
    const offered = (await readFile(trace, 'utf8')).match(/fetch(-pack)?> have [0-9a-f]{40}/g) ?? [];
    return new Set(offered).size;
  }

  describe.each(PROTOCOL_VERSIONS)('with protocol v%i', (version) => {
    it('fetches with thousands of tips that the server has', async () => {
      // With v2 git stops by itself after some hundreds that bring nothing new.
      expect(await fetchMain('friend', version)).toBeGreaterThanOrEqual(version === 2 ? 200 : COUNT);
    });

    it('fetches with thousands of tips that the server lacks', async () => {
      expect(await fetchMain('stranger', version)).toBeGreaterThan(200);
    });
  });

  it('offers thousands of common tips in a single request of v0', async () => {
    const haves = await commonTips();
    const capabilities = 'multi_ack_detailed no-done side-band-64k thin-pack ofs-delta';
    const wants = Buffer.concat([encodePacket(`want ${tip} ${capabilities}\n`), flushPacket]);
    const offers = haves.map((id) => encodePacket(`have ${id}\n`));

    const answer = await fetchFrom(url, Buffer.concat([wants, ...offers, encodePacket('done\n')]));

    expect(answer.status).toBe(200);
    expect(answer.body.toString('latin1').match(/ACK [0-9a-f]{40} common/g)).toHaveLength(COUNT);
    expect(answer.body.includes('PACK')).toBe(true);
  });

  it('offers thousands of common tips in a single request of v2', async () => {
    const haves = await commonTips();
    const words = [`want ${tip}`, ...haves.map((id) => `have ${id}`)];
    const request = (...more: string[]) =>
      Buffer.concat([
        encodePacket('command=fetch\n'),
        delimiterPacket,
        ...[...words, ...more].map((word) => encodePacket(`${word}\n`)),
        flushPacket,
      ]);
    const v2 = { 'Git-Protocol': 'version=2' };

    const acknowledged = packetsOf((await fetchFrom(url, request(), v2)).body);
    expect(acknowledged.filter((line) => line.startsWith('ACK '))).toHaveLength(COUNT);
    const fetched = await fetchFrom(url, request('done'), v2);
    expect(fetched.body.subarray(0, 13).toString()).toBe('000dpackfile\n');
    expect(fetched.body.includes('PACK')).toBe(true);
  });

  async function commonTips(): Promise<string[]> {
    return (await user.at('friend').run(['for-each-ref', '--format=%(objectname)'])).split('\n');
  }
});
