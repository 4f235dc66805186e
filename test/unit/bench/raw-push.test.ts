import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, gitEnvironment, resolve } from '../../../bench/git-client.ts';
import { packOf } from '../../../bench/git-objects.ts';
import { GrowingHistory } from '../../../bench/growing-history.ts';
import { connect } from '../../../bench/raw-connection.ts';
import { emptyPack, rawPush, reportOf } from '../../../bench/raw-push.ts';

/** The least server that takes pushes, over real git. */
function serve(repository: string): Server {
  return createServer(async (request, response) => {
    const advertise = request.method === 'GET';
    const args = ['receive-pack', '--stateless-rpc', ...(advertise ? ['--advertise-refs'] : []), repository];
    const child = spawn('git', args, { env: gitEnvironment() });
    await Promise.all([pipeline(request, child.stdin), pipeline(child.stdout, response)]);
  });
}

describe('the raw pusher', () => {
  let folder: string;
  let repository: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
    repository = join(folder, 'served.git');
    await git(['init', '--quiet', '--bare', '--initial-branch=main', repository]);
    await git(['-C', repository, 'config', 'receive.denyDeletes', 'true']);
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

  it('pushes commits one after another, and many refs at once', async () => {
    const history = new GrowingHistory(5);
    const steps = Array.from({ length: 4 }, () => history.next());
    for (const { oid, parent, entries } of steps) {
      const seconds = await rawPush(
        url,
        [{ name: 'refs/heads/main', from: parent, to: oid }],
        packOf(entries),
      );
      expect(seconds).toBeGreaterThan(0);
      expect(await resolve(repository, 'refs/heads/main')).toBe(oid);
    }
    const to = steps[0]?.oid ?? '';
    const names = Array.from({ length: 500 }, (_, at) => `refs/heads/many/${at}`);
    await rawPush(
      url,
      names.map((name) => ({ name, from: undefined, to })),
      emptyPack,
    );
    const { stdout } = await git([
      '-C',
      repository,
      'for-each-ref',
      '--format=%(refname)',
      'refs/heads/many',
    ]);
    expect(new Set(stdout.trim().split('\n'))).toEqual(new Set(names));
  });

  it('throws with the reason if one ref is refused', async () => {
    const from = await resolve(repository, 'refs/heads/many/0');
    const changes = [
      { name: 'refs/heads/fine', from: undefined, to: from },
      { name: 'refs/heads/many/0', from: '1'.repeat(40), to: '2'.repeat(40) },
    ];
    await expect(rawPush(url, changes, emptyPack)).rejects.toThrow(/refused a push: .*refs\/heads\/many\/0/);
  });
});

describe('a connection', () => {
  it('repeats a request once if it was closed between two requests, and not if it closes at once', async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      if (asked === 2 || request.url?.startsWith('/gone')) request.socket.destroy();
      else response.end('version 2');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    try {
      await using connection = connect(base);
      await connection.capabilities();
      await connection.capabilities();
      expect(asked).toBe(3);
      await using other = connect(`${base}/gone`);
      await expect(other.capabilities()).rejects.toThrow(/\/gone\/info\/refs.*: socket hang up/);
      expect(asked).toBe(4);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('a report', () => {
  it('is assembled from side-band packets', () => {
    const inner = '000eunpack ok\n0017ok refs/heads/main\n0000';
    const band = (number: number, text: string) =>
      `${(text.length + 5).toString(16).padStart(4, '0')}${String.fromCharCode(number)}${text}`;
    const answer = `${band(2, 'working\n')}${band(1, inner.slice(0, 7))}${band(1, inner.slice(7))}0000`;
    expect(reportOf(Buffer.from(answer))).toEqual(['unpack ok', 'ok refs/heads/main']);
    expect(() => reportOf(Buffer.from(answer.slice(0, -3)))).toThrow(/broke off/);
    expect(() => reportOf(Buffer.from(`${band(3, 'out of disk\n')}0000`))).toThrow(
      'the server reports: out of disk',
    );
  });
});
