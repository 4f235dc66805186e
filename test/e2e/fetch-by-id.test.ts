import { beforeAll, describe, expect, it } from 'vitest';
import type { GitClient } from '../helpers/git-client.ts';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { absentId } from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('fetching by object id', (openStore) => {
  const cairn = hosted(openStore);
  let url: string;
  let user: GitClient;
  let author: GitClient;
  let tip: string;
  let readers = 0;

  beforeAll(async () => {
    ({ url, user, author, tip } = await cairn.published());
  });

  /** An empty repository that reads with a version of the protocol. */
  async function newReader(version: 0 | 1 | 2): Promise<GitClient> {
    return (await user.init(`reader-${readers++}`)).with(speaking(version));
  }

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('fetches a tip, and a commit that is only reachable', async () => {
      const earlier = await author.run(['rev-parse', 'HEAD~1']);
      const reader = await newReader(version);

      await reader.run(['fetch', '--quiet', '--depth=1', url, tip]);
      expect(await reader.run(['show', `${tip}:README`])).toBe('second');
      await reader.run(['fetch', '--quiet', url, earlier]);
      expect(await reader.run(['show', `${earlier}:README`])).toBe('first');
    });

    it('fetches a single tree and a single file', async () => {
      const ids = (await author.run(['rev-parse', 'HEAD^{tree}', 'HEAD:README'])).split('\n');
      const reader = await newReader(version);

      for (const id of ids) await reader.run(['fetch', '--quiet', '--no-write-fetch-head', url, id]);

      expect(await reader.run(['cat-file', 'blob', ids[1] ?? ''])).toBe('second');
    });

    it('reports a missing object', async () => {
      const reader = await newReader(version);

      const refused = await reader.try(['fetch', url, absentId()]);

      expect(refused.exitCode).toBe(128);
      expect(refused.stderr).toMatch(/not our ref d{40}/);
    });

    it('reports a missing ref', async () => {
      const reader = await newReader(version);

      const refused = await reader.try(['fetch', url, 'refs/heads/nowhere']);

      expect(refused.stderr).toContain("couldn't find remote ref refs/heads/nowhere");
    });
  });

  it('cannot fetch objects of another repository on the same server', async () => {
    const { author: stranger, url: elsewhere } = await cairn.published();
    const secret = await stranger.commit('Secret', { secret: 'nobody else may see this' });
    await stranger.run(['push', '--quiet', elsewhere, 'main']);

    for (const version of PROTOCOL_VERSIONS) {
      const reader = await newReader(version);
      const refused = await reader.try(['fetch', url, secret]);
      expect(refused.stderr).toContain(`not our ref ${secret}`);
    }
  });
});
