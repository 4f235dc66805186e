/** Archives and raw files, as a real server sends them. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { GitClient } from '../helpers/git-client.ts';
import { gitAfter } from '../helpers/git-script.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

const seed = testSeed(64);
const random = new SeededRandom(seed);
const LARGE = Buffer.from(Uint32Array.from({ length: 1_100_000 }, () => random.below(2 ** 32)).buffer);
const SMALL = Buffer.from(Array.from({ length: 1_000 }, (_, at) => `line ${at}\n`).join(''));

let server: Awaited<ReturnType<typeof startServer>>;
let folder: TempDir;
let client: GitClient;
let tip: string;

beforeAll(async () => {
  folder = await tempDir('cairn-download');
  server = await startServer({ flags: { 'git-memory': '256MiB' } });
  client = await new GitClient(folder.path).init('project');
  tip = await client.commit('Begin', {
    'small.txt': SMALL,
    'page.html': '<script>1</script>',
    'ünï "x".bin': Buffer.from([0, 1]),
    'lfs.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n',
    'version.txt': '$Format:%H %D %(describe) %G?$\n',
    '.gitattributes': 'version.txt export-subst\nsecret.txt export-ignore\n',
    'secret.txt': 'not in archives\n',
    empty: '',
  });
  await client.run(['tag', '-a', '-m', 'Release', 'v1.0']);
  await client.run(['branch', 'feature/x']);
  await client.run(['checkout', '--quiet', '-b', 'large']);
  await client.commit('Large files', { 'large.bin': LARGE, 'large.mp4': LARGE.subarray(0, 4_300_000) });
  await client.run([
    'push',
    '--quiet',
    repositoryUrl(server, 'project'),
    'main',
    'v1.0',
    'feature/x',
    'large',
  ]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const get = (path: string, init: RequestInit = {}) =>
  fetch(`${server.url}/${formatNpub(OWNER)}/project/${path}`, init);

async function bytes(response: Response, status = 200): Promise<Buffer> {
  const body = Buffer.from(await response.arrayBuffer());
  expect(response.status, body.toString('latin1', 0, 200)).toBe(status);
  return body;
}

/** A counter of processes of git. */
async function count(of: 'processes' | 'failures', command: string): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const line = new RegExp(`^cairn_git_${of}_total\\{command="${command}"\\} (\\d+)$`, 'm');
  return Number(line.exec(metrics)?.[1] ?? 0);
}

describe('raw files', () => {
  it('are sent in parts with status 206 or 416, for small and for streamed files', async () => {
    for (const [name, content] of [
      ['small.txt', SMALL],
      ['large.bin', LARGE],
    ] as const) {
      const size = content.length;
      expect((await bytes(await get(`raw/large/${name}`))).equals(content)).toBe(true);
      const ranges: [string, number, number][] = [
        ['bytes=0-0', 0, 1],
        ['bytes=-5', size - 5, size],
        [`bytes=${size - 1}-`, size - 1, size],
        [`bytes=10-${size + 100}`, 10, size],
        [`bytes=-${size + 1}`, 0, size],
      ];
      for (let round = 0; round < 3; round++) {
        const start = random.below(size);
        const end = start + 1 + random.below(size - start);
        ranges.push([`bytes=${start}-${end - 1}`, start, end]);
      }
      for (const [range, start, end] of ranges) {
        const part = await get(`raw/large/${name}`, { headers: { Range: range } });
        const hint = `${name} ${range}, seed ${seed}`;
        expect((await bytes(part, 206)).equals(content.subarray(start, end)), hint).toBe(true);
        expect(part.headers.get('content-range'), hint).toBe(`bytes ${start}-${end - 1}/${size}`);
        expect(part.headers.get('content-length'), hint).toBe(String(end - start));
      }
      const beyond = await get(`raw/large/${name}`, { headers: { Range: `bytes=${size}-` } });
      expect([await bytes(beyond, 416), beyond.headers.get('content-range')]).toEqual([
        Buffer.alloc(0),
        `bytes */${size}`,
      ]);
      // Several ranges, other units and nonsense count as no header.
      for (const range of ['bytes=0-1,4-5', 'lines=1-2', 'bytes=5-2', 'bytes=-', 'x'].slice(
        0,
        size > 99_999 ? 1 : 5,
      ))
        expect((await bytes(await get(`raw/large/${name}`, { headers: { Range: range } }))).length).toBe(
          size,
        );
    }
    const empty = await get('raw/main/empty', { headers: { Range: 'bytes=0-' } });
    expect(await bytes(empty, 416)).toHaveLength(0);
  });

  it('have their object id as a strong validator, for If-None-Match and If-Range', async () => {
    const oid = await client.run(['rev-parse', 'main:small.txt']);
    const whole = await get('raw/main/small.txt');
    expect(whole.headers.get('etag')).toBe(`"${oid}"`);
    await bytes(whole);
    const known = await get('raw/main/small.txt', {
      headers: { 'If-None-Match': `"${oid}"`, Range: 'bytes=0-1' },
    });
    expect(await bytes(known, 304)).toHaveLength(0);
    for (const [condition, status] of [
      [`"${oid}"`, 206],
      ['"other"', 200],
      [`W/"${oid}"`, 200],
      ['Sun, 06 Nov 1994 08:49:37 GMT', 200],
    ] as const) {
      const answer = await get('raw/main/small.txt', {
        headers: { Range: 'bytes=1-3', 'If-Range': condition },
      });
      await bytes(answer, status);
    }
  });

  it('answer HEAD with the headers of GET, without body or process', async () => {
    const before = await count('processes', 'cat-file');
    for (const name of ['small.txt', 'large.bin', 'large.mp4', 'page.html']) {
      const head = await get(`raw/large/${name}`, { method: 'HEAD' });
      expect(await bytes(head)).toHaveLength(0);
      const whole = await get(`raw/large/${name}`, { headers: { Range: 'bytes=0-0' } });
      await bytes(whole, 206);
      for (const header of ['content-type', 'etag', 'content-disposition', 'accept-ranges'])
        expect(head.headers.get(header), `${name} ${header}`).toBe(whole.headers.get(header));
      expect(Number(head.headers.get('content-length'))).toBe(
        Number(whole.headers.get('content-range')?.split('/')[1]),
      );
    }
    // Only the film has to be read, and only once: the other large file was kept.
    await expect.poll(() => count('processes', 'cat-file')).toBeLessThanOrEqual(before + 1);
  });

  it('run nothing, and are saved under safe names', async () => {
    const page = await get('raw/main/page.html');
    await bytes(page);
    expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
    expect(page.headers.get('content-disposition')).toBe('inline; filename="page.html"');
    const saved = await get(`raw/main/${encodeURIComponent('ünï "x".bin')}?download=1`);
    await bytes(saved);
    expect(saved.headers.get('content-disposition')).toBe(
      `attachment; filename="uni-x-.bin"; filename*=UTF-8''%C3%BCn%C3%AF%20%22x%22.bin`,
    );
    const film = await get('raw/large/large.mp4', { method: 'HEAD' });
    expect(film.headers.get('content-type')).toBe('video/mp4');
    const pointer = await get('raw/main/lfs.bin');
    expect((await bytes(pointer)).toString()).toContain('git-lfs');
  });
});

describe('archives', () => {
  it('equal those of git archive, with the same bytes each time, from one process', async () => {
    const before = await count('processes', 'archive');
    const answers = await Promise.all(Array.from({ length: 4 }, () => get('archive/v1.0.tar')));
    const made = await Promise.all(answers.map((answer) => bytes(answer)));
    expect(new Set(made.map((one) => createHash('sha256').update(one).digest('hex'))).size).toBe(1);
    const again = await get('archive/v1.0.tar');
    expect((await bytes(again)).equals(made[0] ?? Buffer.alloc(0))).toBe(true);
    await expect.poll(() => count('processes', 'archive')).toBe(before + 1);
    const zipped = await bytes(await get('archive/v1.0.tar.gz'));
    expect(gunzipSync(zipped).equals(made[0] ?? Buffer.alloc(0))).toBe(true);
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${folder.path}/v1.0.tar`, made[0] ?? '');
    const listed = await run(['tar', '-tf', `${folder.path}/v1.0.tar`]);
    const files = (await client.run(['ls-tree', '-r', '-z', '--name-only', 'v1.0']))
      .split('\0')
      .filter((name) => !/^(secret\.txt)?$/.test(name));
    expect(listed.split('\n').filter((name) => !name.endsWith('/') && name !== '')).toHaveLength(
      files.length,
    );
    expect(listed).toContain('project-v1.0/small.txt');
    // What would depend on refs, or on other programs, says nothing.
    expect(await run(['tar', '-xOf', `${folder.path}/v1.0.tar`, 'project-v1.0/version.txt'])).toBe(
      `${tip}   N\n`,
    );
  });

  it('exist as ZIP, of branches with slashes, and of ids', async () => {
    const zip = await get('archive/feature/x.zip');
    expect((await bytes(zip)).toString('latin1', 0, 2)).toBe('PK');
    expect(zip.headers.get('content-type')).toBe('application/zip');
    expect(zip.headers.get('content-disposition')).toBe('attachment; filename="project-feature-x.zip"');
    const byId = await get(`archive/${tip}.tar.gz`);
    await bytes(byId);
    expect(byId.headers.get('content-disposition')).toContain(`project-${tip}.tar.gz`);
  });

  it('exist in Zstandard on every Node.js, made once, known by commit', async () => {
    const before = await count('processes', 'archive');
    const [answer, again] = await Promise.all([get('archive/v1.0.tar.zst'), get('archive/v1.0.tar.zst')]);
    const packed = await bytes(answer);
    expect((await bytes(again)).equals(packed)).toBe(true);
    await expect.poll(() => count('processes', 'archive')).toBe(before + 1);
    expect(answer.headers.get('content-type')).toBe('application/zstd');
    expect(answer.headers.get('content-disposition')).toContain('"project-v1.0.tar.zst"');
    const etag = answer.headers.get('etag') ?? '';
    await bytes(await get('archive/v1.0.tar.zst', { headers: { 'If-None-Match': etag } }), 304);
    const tar = await bytes(await get('archive/v1.0.tar'));
    expect(tar.equals(decompress(packed))).toBe(true);
  });

  it('have a validator by commit, and answer HEAD without a process', async () => {
    const before = await count('processes', 'archive');
    const head = await get('archive/main.zip', { method: 'HEAD' });
    expect(await bytes(head)).toHaveLength(0);
    const etag = head.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    const known = await get('archive/main.zip', { headers: { 'If-None-Match': etag } });
    expect(await bytes(known, 304)).toHaveLength(0);
    expect((await get('archive/feature/x.zip', { method: 'HEAD' })).headers.get('etag')).not.toBe(etag);
    expect(await count('processes', 'archive')).toBe(before);
  });

  it.each(['tar.gz', 'tar.zst'])('as %s end git when the visitor leaves', async (format) => {
    const before = await count('failures', 'archive');
    // Some gigabytes of nothing, which take a while to compress.
    const blob = await client.run(['hash-object', '-w', '--stdin'], { input: Buffer.alloc(10_000_000) });
    const entries = Array.from({ length: 300 }, (_, at) => `100644 blob ${blob}\tf${at}\n`).join('');
    const tree = await client.run(['mktree'], { input: entries });
    const commit = await client.run(['commit-tree', tree, '-m', 'Empty space']);
    await client.run(['push', '--quiet', repositoryUrl(server, 'project'), `+${commit}:refs/heads/space`]);
    const leaving = new AbortController();
    const answer = await get(`archive/space.${format}`, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await expect.poll(() => count('failures', 'archive')).toBe(before + 1);
  });

  it('of files that require far too much are refused, and the server continues', async () => {
    const side = await new GitClient(folder.path).init('asking');
    await side.commit('x'.repeat(100_000), {
      '.gitattributes': '* export-subst\n',
      file: '$Format:%B$\n'.repeat(8_000),
    });
    await side.run(['push', '--quiet', repositoryUrl(server, 'project'), 'HEAD:refs/heads/asking']);
    const answer = await get('archive/asking.tar');
    expect((await bytes(answer, 413)).toString()).toContain('Too large');
    await bytes(await get('archive/main.tar'));
  });

  it('of an invalid revision are not found', async () => {
    for (const path of ['none.zip', 'main.rar', 'main', '.zip', 'main/small.txt.zip', '', 'main.tar.gz/x'])
      expect((await get(`archive/${path}`)).status, path).toBe(404);
  });
});

async function run([file = '', ...args]: readonly string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  return (await promisify(execFile)(file, args)).stdout;
}

describe('a download that fails in the middle (issue 11, point 22)', () => {
  it('is cut off, and the log has one line with the reason', async () => {
    const lines: string[] = [];
    const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'info')];
    const fails = 'case "$*" in *archive*) head -c 300000 /dev/zero; exit 1;; esac';
    const git = await gitAfter(join(folder.path, 'git-that-fails'), fails);
    await using other = await startServer({ flags: { git }, onLog: (line) => lines.push(line) });
    await client.run(['push', '--quiet', repositoryUrl(other, 'project'), 'main']);
    const path = `/${formatNpub(OWNER)}/project/archive/main.tar`;
    const answer = await fetch(`${other.url}${path}`);
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    const about = () => lines.map((line) => JSON.parse(line)).filter((entry) => entry.path === path);
    await expect
      .poll(() => about().map(({ msg, status }) => [msg, status]))
      .toEqual([
        ['answer broken off', undefined],
        ['request', 503],
      ]);
    expect(about()[0].err.message).toContain('git archive');
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});
