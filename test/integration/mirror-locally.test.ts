import { once } from 'node:events';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fetch, type MirrorOptions, plan, probe, replicate, sync } from '../../src/mirror/mirror.ts';
import { silent } from '../../src/mirror/observer.ts';
import type { MirrorResult } from '../../src/mirror/run/mirror-result.ts';
import { AddressGuard } from '../../src/outbound/address-guard.ts';
import { GitClient } from '../helpers/git-client.ts';
import { startGitHttpHost } from '../helpers/git-http-host.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let temp: TempDir;
let git: GitClient;
let source: GitClient;
let number = 0;

beforeAll(async () => {
  temp = await tempDir();
  git = new GitClient(temp.path);
  const work = await git.init('work');
  const random = new SeededRandom(5);
  const messages = Array.from({ length: 12 }, (_, at) => `commit ${at}`);
  await importCommits(work, messages, (at) => ({ [`file-${at}`]: random.hex(2_000) }));
  await work.run(['tag', '-a', '-m', 'one', 'v1', 'HEAD~3']);
  await work.run(['checkout', '--quiet', '-b', 'side', 'HEAD~5']);
  await work.commit('aside', { aside: 'text' });
  await work.run(['checkout', '--quiet', 'main']);
  await git.run(['clone', '--quiet', '--mirror', 'work', 'source.git']);
  source = git.at('source.git');
  await source.run(['update-server-info']);
});
afterAll(() => temp[Symbol.asyncDispose]());

interface Mirroring {
  readonly target: GitClient;
  readonly options: MirrorOptions;
  readonly told: string[];
}

async function mirroring(address: string, more: Partial<MirrorOptions> = {}): Promise<Mirroring> {
  const name = `target-${++number}.git`;
  await git.init(name, '--bare');
  const told: string[] = [];
  return {
    target: git.at(name),
    told,
    options: {
      source: { address },
      target: { address: join(temp.path, name) },
      scope: { tags: true },
      scratchFolder: temp.path,
      observer: { ...silent, notice: (text) => void told.push(text) },
      ...more,
    },
  };
}

async function expectEqual(result: MirrorResult, target: GitClient): Promise<void> {
  expect(result).toMatchObject({ outcome: 'ok', problem: undefined });
  const format = ['for-each-ref', '--format=%(objectname) %(refname)'];
  expect(await target.run(format)).toBe(await source.run(format));
  await target.run(['fsck', '--strict', '--no-dangling']);
}

/** The files of a repository, without anything that knows git. */
async function dumbServer(
  folder: string,
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<string> {
  const server = createServer((request, response) => {
    if (before(request, response)) return;
    const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname);
    if (existsSync(path) && statSync(path).isFile()) createReadStream(path).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that refuses fetches of ours, but not those of git. */
async function choosyServer(refuses: (request: string) => string | undefined): Promise<string> {
  const host = await startGitHttpHost(temp.path, {
    before: async (request, response) => {
      const isFetch =
        request.method === 'POST' && request.headers['user-agent']?.startsWith('git/cairn') === true;
      if (!isFetch) return false;
      // Our requests for a pack come in one piece.
      await once(request, 'readable');
      const body = (request.read() as Buffer | null) ?? Buffer.alloc(0);
      const reason = body.includes('command=fetch') ? refuses(body.toString('latin1')) : undefined;
      if (reason === undefined) {
        request.unshift(body);
        return false;
      }
      const line = `ERR ${reason}`;
      response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-result' });
      response.end(`${(line.length + 4).toString(16).padStart(4, '0')}${line}`);
      return true;
    },
  });
  onTestFinished(() => host[Symbol.asyncDispose]());
  return `${host.url}/source.git`;
}

describe('git fetches what cannot be relayed (issue 13, point 1):', () => {
  it('a repository without a git server (dumb HTTP), as the plan says', async () => {
    const { options, target, told } = await mirroring(`${await dumbServer(temp.path)}/source.git`);
    const planned = await plan(options);
    expect(planned.refs.map(({ strategy }) => strategy)).toEqual(['local', 'local', 'local']);
    expect(planned.refs[0]?.strategyReason).toContain('git fetches it');
    await expectEqual(await sync(options), target);
    expect(told).toContainEqual(expect.stringContaining('trying what git makes of it'));
    // Once more: nothing to do.
    expect((await replicate(options)).refs.map(({ action }) => action)).toEqual(['skip', 'skip', 'skip']);
  });

  it('a source that is only listed, or tried', async () => {
    const options = {
      source: { address: `${await dumbServer(temp.path)}/source.git` },
      scope: { tags: true },
      scratchFolder: temp.path,
    };
    const refs = ['refs/heads/main', 'refs/heads/side', 'refs/tags/v1'];
    expect([...(await probe(options)).refs.keys()]).toEqual(refs);
    const fetched = await fetch(options);
    expect([...fetched.wants.keys()]).toEqual(refs);
    expect(fetched.objects).toBeGreaterThan(36);
    const { length } = (await fetch({ ...options, haveRefs: ['main', 'side', 'refs/tags/v1'] })).haves;
    expect(length).toBe(3);
    expect((await readdir(temp.path)).filter((name) => name.includes('mirror'))).toEqual([]);
  });

  it('a source for batches, if the target needs them', async () => {
    const limits = { targetMaxPackBytes: 9_000 };
    const { options, target, told } = await mirroring(`${await dumbServer(temp.path)}/source.git`, {
      limits,
    });
    const result = await sync(options);
    await expectEqual(result, target);
    expect(result.packs).toBeGreaterThan(2);
    // What git has fetched is cut as it is.
    expect(told).not.toContainEqual(expect.stringContaining('copied to this machine'));
  });

  it('a source that refuses the request of Cairn', async () => {
    const address = await choosyServer(() => 'we only talk to git');
    const { options, target } = await mirroring(address, { agent: 'cairn' });
    const result = await sync(options);
    await expectEqual(result, target);
    expect(result.refs[0]).toMatchObject({
      strategy: 'local',
      strategyReason: expect.stringContaining('we only talk to git'),
    });
  });

  it('only the ref whose object the source does not send, and the others are relayed', async () => {
    const side = await source.oidOf('side');
    const address = await choosyServer((request) =>
      request.includes(`want ${side}`) ? `upload-pack: not our ref ${side}` : undefined,
    );
    const { options, target } = await mirroring(address);
    const result = await sync(options);
    await expectEqual(result, target);
    expect(result.refs.map(({ target: name, strategy }) => [name, strategy])).toEqual([
      ['refs/heads/main', 'relay'],
      ['refs/heads/side', 'local'],
      ['refs/tags/v1', 'relay'],
    ]);
  });

  it('a source that only a remote helper of git can access', async () => {
    const folder = join(temp.path, 'helpers');
    await mkdir(folder);
    const helper = `#!/bin/sh
while read -r line; do
  case "$line" in
    capabilities) printf 'connect\\n\\n' ;;
    'connect git-upload-pack') echo; exec git upload-pack "$2" ;;
    *) exit 1 ;;
  esac
done
`;
    await writeFile(join(folder, 'git-remote-elsewhere'), helper);
    await chmod(join(folder, 'git-remote-elsewhere'), 0o755);
    const environment = { ...process.env, HOME: temp.path, PATH: `${folder}:${process.env['PATH']}` };
    const address = `elsewhere::${source.folder}`;
    const { options, target } = await mirroring(address, {
      source: { address, connection: { environment } },
    });
    await expectEqual(await sync(options), target);
  });
});

describe('a server that is no repository', () => {
  const answer =
    (status: number, headers: Record<string, string>, body = '') =>
    (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(status, headers).end(body);
      return true;
    };

  it.each([
    ['a page to sign in', answer(200, { 'Content-Type': 'text/html' }, '<p>Who are you?</p>'), /text\/html/],
    ['nothing', answer(204, {}), /answers 204/],
    ['a redirect to a page', answer(302, { Location: '/sign-in' }), /\/sign-in, which is not the address/],
    [
      'redirects in a circle',
      (request: IncomingMessage, response: ServerResponse) =>
        answer(302, { Location: `${request.url}` })(request, response),
      /redirects more than 20 times/,
    ],
  ])('is not taken for an empty one: %s', async (_, before, problem) => {
    const address = `${await dumbServer(temp.path, before)}/source.git`;
    await expect(probe({ source: { address }, scratchFolder: temp.path })).rejects.toThrow(problem);
    const { options } = await mirroring(address);
    const result = await sync(options);
    expect(result).toMatchObject({ outcome: 'transport', problem: expect.stringMatching(problem) });
  });

  it('but one without refs is, whatever type its list has', async () => {
    const address = `${await dumbServer(temp.path, answer(200, { 'Content-Type': 'text/plain' }))}/source.git`;
    const { refs } = await probe({ source: { address }, scratchFolder: temp.path });
    expect(refs.size).toBe(0);
  });
});

describe('a source that git fetches from redirects to another host', () => {
  const credentials = { kind: 'basic', password: 'for-the-first-host' } as const;
  const redirects = (to: string) => (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['user-agent']?.startsWith('git/cairn') !== false) return false;
    response.writeHead(302, { Location: `${to}${request.url}` }).end();
    return true;
  };

  /** A host whose requests by git lead to another one, and what the other one sees. */
  async function twoHosts() {
    const shown: (string | undefined)[] = [];
    const other = await dumbServer(temp.path, ({ headers }) => {
      shown.push(headers.authorization);
      return false;
    });
    return { address: `${await dumbServer(temp.path, redirects(other))}/source.git`, shown };
  }

  it.each([
    ['credentials', { credentials }],
    ['credentials, where redirects are followed', { credentials, followRedirects: true }],
    ['a source that may not lead elsewhere', {}],
  ])('and git does not follow with %s', async (_, connection) => {
    const { address, shown } = await twoHosts();
    // The user's own settings do not change it.
    const config = `[http]\n\tfollowRedirects = true\n[http "${address}"]\n\tfollowRedirects = true\n`;
    const home = join(temp.path, `home-${++number}`);
    await mkdir(home);
    await writeFile(join(home, '.gitconfig'), config);
    const environment = { ...process.env, HOME: home, GIT_CONFIG_GLOBAL: join(home, '.gitconfig') };
    const source = { address, connection: { ...connection, environment } };
    const { options, target } = await mirroring(address, { source });
    expect((await sync(options)).outcome).toBe('transport');
    expect(shown).toEqual([]);
    expect(await target.run(['for-each-ref'])).toBe('');
  });

  it('and git’s messages are shown without credentials', async () => {
    const binary = join(temp.path, `git-${++number}`);
    // It tells all that it was told.
    const script = `#!/bin/sh
case "$*" in *ls-remote*) env | grep GIT_CONFIG_VALUE >&2; exit 1 ;; *) exec git "$@" ;; esac
`;
    await writeFile(binary, script);
    await chmod(binary, 0o755);
    const address = `${await dumbServer(temp.path)}/source.git`;
    const source = { address, connection: { credentials } };
    const { options } = await mirroring(address, { source, git: binary });
    const result = await sync(options);
    expect(result.problem).toContain('Authorization: Basic <redacted>');
    expect(result.problem).not.toContain(credentials.password);
  });

  it('and git follows without credentials if the user allows it', async () => {
    const { address, shown } = await twoHosts();
    const source = { address, connection: { followRedirects: true } };
    const { options, target } = await mirroring(address, { source });
    await expectEqual(await sync(options), target);
    expect(new Set(shown)).toEqual(new Set([undefined]));
  });
});

describe('a local fetch by git (issue 13, point 1)', () => {
  /** A git that does something of its own when it is to fetch. */
  async function gitThat(fetches: string): Promise<string> {
    const binary = join(temp.path, `git-${++number}`);
    const script = `#!/bin/sh
for arg in "$@"; do [ "$arg" = fetch ] && fetching=yes; done
[ -z "$fetching" ] || { ${fetches} }
exec git "$@"
`;
    await writeFile(binary, script, { mode: 0o755 });
    return binary;
  }

  it('is limited by --max-pack-bytes', async () => {
    const address = `${await dumbServer(temp.path)}/source.git`;
    const { options, target } = await mirroring(address, { limits: { maxPackBytes: 3_000 } });
    const result = await sync(options);
    expect(result).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringContaining('longer than 3000 bytes (--max-pack-bytes)'),
    });
    expect(await target.run(['for-each-ref'])).toBe('');
    const enough = await mirroring(address, { limits: { maxPackBytes: 3_000_000 } });
    await expectEqual(await sync(enough.options), enough.target);
  });

  it('is stopped during its transfer, so an endless source does not fill the disk', async () => {
    // The first argument names the repository.
    const endless =
      'f="$(echo "$1" | cut -d= -f2)/objects/pack/tmp_pack_x"; while :; do head -c 100000 /dev/zero >> "$f"; sleep 0.05; done;';
    const address = `${await dumbServer(temp.path)}/source.git`;
    const { options } = await mirroring(address, {
      git: await gitThat(endless),
      limits: { maxPackBytes: 300_000 },
    });
    expect(await sync(options)).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringContaining('(--max-pack-bytes)'),
    });
  });

  it('uses the protocol version of --protocol', async () => {
    const seen = join(temp.path, `seen-${++number}`);
    const address = `${await dumbServer(temp.path)}/source.git`;
    const git = await gitThat(`env > ${seen};`);
    await sync((await mirroring(address, { git, protocol: 1 })).options);
    const variables = await readFile(seen, 'utf8');
    const [, key] = /GIT_CONFIG_KEY_(\d+)=protocol\.version/.exec(variables) ?? [];
    expect(variables).toContain(`GIT_CONFIG_VALUE_${key}=1\n`);
    await sync((await mirroring(address, { git })).options);
    expect(await readFile(seen, 'utf8')).not.toContain('protocol.version');
  });
});

describe('a shallow source', () => {
  beforeAll(async () => {
    const shallow = ['--bare', '--depth=3', '--no-single-branch'];
    await git.run(['clone', '--quiet', ...shallow, `file://${source.folder}`, 'cut.git']);
  });

  it('is relayed to a target that has the rest', async () => {
    const { options, target } = await mirroring(git.at('cut.git').folder);
    await source.run([
      'push',
      '--quiet',
      target.folder,
      'main~2:refs/heads/main',
      'side~1:refs/heads/side',
      'v1',
    ]);
    await expectEqual(await sync(options), target);
  });

  it('is refused by other targets with the reason', async () => {
    const { options, target } = await mirroring(git.at('cut.git').folder, { scope: { branches: ['main'] } });
    const result = await sync(options);
    expect(result.outcome).toBe('blocked');
    expect(result.refs[0]?.result).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('is it a shallow or partial clone?'),
    });
    expect(await target.run(['for-each-ref'])).toBe('');
  });
});

it('git never fetches from guarded addresses', async () => {
  const address = `${await dumbServer(temp.path)}/source.git`;
  const guard = new AddressGuard({ allowed: ['127.0.0.1'] });
  const { options, target, told } = await mirroring(address, { source: { address, connection: { guard } } });
  const result = await sync(options);
  expect(result.outcome).toBe('transport');
  expect(told).toEqual([]);
  expect(await target.run(['for-each-ref'])).toBe('');
});

describe('a source that is a partial clone', () => {
  it('is refused with the missing object, and nothing is sent or fetched', async () => {
    await git.at('work').run(['config', 'uploadpack.allowFilter', 'true']);
    const url = `file://${join(temp.path, 'work')}`;
    await git.run(['clone', '--quiet', '--bare', '--filter=blob:none', url, 'partial.git']);
    const { options, target } = await mirroring(join(temp.path, 'partial.git'));
    const result = await sync(options);
    expect(String(result.error)).toMatch(/could not fetch [0-9a-f]{40} from promisor remote/);
    expect(await target.run(['for-each-ref'])).toBe('');
    const missing = await git.at('partial.git').run(['rev-list', '--objects', '--all', '--missing=print']);
    expect(missing).toMatch(/^\?/m);
  });
});
