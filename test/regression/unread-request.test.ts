/**
 * When git ended before it had read a whole request, what was left of it stayed in the connection, and the next request
 * over the same connection was never seen.
 */
import { Agent } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { GitClient } from '../helpers/git-client.ts';
import { absentId, send, UPLOAD_PACK } from '../helpers/raw-git.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it.each(['identity', 'gzip'])(
  'a connection can be reused after git has stopped reading a request (%s)',
  async (encoding) => {
    await using folder = await tempDir();
    await using server = await startServer();
    const work = await new GitClient(folder.path).init('work');
    await work.commit('One', { a: '1\n' });
    const url = repositoryUrl(server, 'work');
    await work.run(['push', '--quiet', url, 'main']);
    const haves = Array.from({ length: 100_000 }, (_, at) =>
      encodePacket(`have ${at.toString(16).padStart(40, '0')}\n`),
    );
    const body = Buffer.concat([
      encodePacket('command=fetch\n'),
      Buffer.from('0001'),
      encodePacket(`want ${absentId()}\n`),
      ...haves,
      encodePacket('done\n'),
      flushPacket,
    ]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { ...UPLOAD_PACK, 'Git-Protocol': 'version=2', 'Content-Encoding': encoding };
    const refused = await send(`${url}/git-upload-pack`, {
      headers,
      body: encoding === 'gzip' ? gzipSync(body) : body,
      agent,
    });
    expect(refused.text).toContain('not our ref');
    const next = await send(`${url}/info/refs?service=git-upload-pack`, { agent });
    expect(next.status).toBe(200);
    agent.destroy();
  },
);
