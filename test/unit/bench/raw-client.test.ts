import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importInto, textHistory } from '../../../bench/generate.ts';
import { git, gitEnvironment } from '../../../bench/git-client.ts';
import { rawClone, rawLsRemote } from '../../../bench/raw-client.ts';

/** The least smart HTTP server there is, over real git. */
function serve(repository: string): Server {
  return createServer(async (request, response) => {
    const advertise = request.method === 'GET';
    const args = ['upload-pack', '--stateless-rpc', ...(advertise ? ['--advertise-refs'] : []), repository];
    const child = spawn('git', args, { env: { ...gitEnvironment(), GIT_PROTOCOL: 'version=2' } });
    await Promise.all([pipeline(request, child.stdin), pipeline(child.stdout, response)]);
  });
}

describe('the raw client', () => {
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
    const repository = join(folder, 'served.git');
    await importInto(repository, textHistory({ seed: 9, files: 20, commits: 30, branches: 2, tags: 3 }));
    server = serve(repository).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('receives every object of a full clone', async () => {
    const { stdout } = await git(['-C', join(folder, 'served.git'), 'rev-list', '--all', '--objects']);
    const clone = await rawClone(url);
    // rev-list leaves out the three tag objects unless tags are named.
    const annotated = (await git(['-C', join(folder, 'served.git'), 'for-each-ref', 'refs/tags'])).stdout;
    const listed = new Set(
      `${stdout}${annotated}`
        .trim()
        .split('\n')
        .map((line) => line.slice(0, 40)),
    );
    expect(clone.objects).toBe(listed.size);
    expect(clone.packBytes).toBeGreaterThan(1000);
    expect(clone.firstPackByte).toBeGreaterThan(0);
    expect(clone.firstPackByte).toBeLessThanOrEqual(clone.seconds);
  });

  it('receives the objects of one commit of a shallow clone', async () => {
    const { stdout } = await git(['-C', join(folder, 'served.git'), 'rev-list', '--objects', '-1', 'main']);
    expect((await rawClone(url, 1)).objects).toBe(stdout.trim().split('\n').length);
  });

  it('lists every ref and HEAD', async () => {
    expect((await rawLsRemote(url)).refs).toBe(1 + 1 + 2 + 3);
  });

  it('reports the status and the text of a refusal', async () => {
    const refusing = createServer((_request, response) => {
      response.statusCode = 404;
      response.end('no such repository');
    }).listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const address = refusing.address();
    const port = typeof address === 'object' ? address?.port : '';
    await expect(rawClone(`http://127.0.0.1:${port}`)).rejects.toThrow(/404 no such repository/);
    refusing.close();
  });
});
