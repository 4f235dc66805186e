/** What the log says of who did what (issue 11, point 22): one line for each thing, bounded, and without a stack for refusals. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { absentId, push, pushHead, send } from '../helpers/raw-git.ts';
import { speak } from '../helpers/raw-socket.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

type Line = Readonly<Record<string, unknown>>;

class Log {
  readonly lines: Line[] = [];

  readonly add = (line: string) => void this.lines.push(JSON.parse(line));

  of(msg: string): Line[] {
    return this.lines.filter((line) => line['msg'] === msg);
  }
}

it('the log has one line for each push: what was pushed, and what was refused and why (issue 11, points 22 and 23)', async () => {
  await using folder = await tempDir();
  const log = new Log();
  await using server = await startServer({ onLog: log.add });
  const url = repositoryUrl(server, 'told');
  const work = await new GitClient(folder.path).init('work');
  const tip = await work.commit('first', { a: '1\n' });
  await work.run(['push', '--quiet', url, 'main']);
  const blob = await work.run(['rev-parse', 'HEAD:a']);
  expect((await work.try(['push', url, 'main:refs/heads/other', `${blob}:refs/heads/none`])).exitCode).toBe(
    1,
  );

  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('cairn_push_refused_refs_total{reason="object"} 1\n');
  expect(metrics).toMatch(/^cairn_build_info\{version="[^"]+",git="2[^"]+",node="\d[^"]+"\} 1$/m);
  expect(metrics).toMatch(/^cairn_repositories 0$/m);
  expect(metrics).toMatch(/^cairn_queue_length\{queue="git"\} 0$/m);
  expect(metrics).toMatch(/^cairn_artifact_cache_bytes [1-9]\d*$/m);
  expect(metrics).toMatch(/^cairn_cache_disk_free_bytes [1-9]/m);
  const [first, second] = log.of('push');
  expect(log.of('push')).toHaveLength(2);
  const zero = '0'.repeat(40);
  expect(first).toMatchObject({
    level: 30,
    requestId: expect.stringMatching(/^[0-9a-f]{12}$/),
    client: expect.stringMatching(/127\.0\.0\.1$/),
    repository: expect.stringMatching(/\/told$/),
    actor: null,
    refs: [{ ref: 'refs/heads/main', from: zero, to: tip }],
    accepted: 1,
    refused: 0,
    packBytes: expect.any(Number),
    seconds: expect.any(Number),
    manifest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(second).toMatchObject({
    refs: [
      { ref: 'refs/heads/none', refused: 'a branch must point at a commit, this is a blob' },
      { ref: 'refs/heads/other', to: tip },
    ],
    accepted: 1,
    refused: 1,
  });
});

it('the log names the key, and one line finds all pushes of a key (issue 11, point 22)', async () => {
  await using folder = await tempDir();
  const log = new Log();
  await using server = await startServer({ onLog: log.add, flags: { access: 'signed' } });
  const owner = new Person();
  await using client = await NostrClient.connect(server.url);
  const event = announcement(server.url, owner, 'mine');
  await client.publish(event);
  const url = gitUrl(server.url, owner, 'mine');
  const work = await new GitClient(folder.path).init('work');
  await work.commit('first', { a: '1\n' });
  const token = owner.sign(27_235, [
    ['u', url],
    ['method', 'GET'],
  ]);
  const header = `Authorization: Nostr ${Buffer.from(JSON.stringify(token)).toString('base64')}`;
  await work.run(['-c', `http.extraHeader=${header}`, 'push', '--quiet', url, 'main']);
  expect((await work.try(['push', url, 'main'])).exitCode).toBe(128);

  expect(log.of('announced')).toEqual([
    expect.objectContaining({
      repository: `${owner.publicKey}/mine`,
      actor: owner.publicKey,
      evidence: event.id,
    }),
  ]);
  expect(log.of('event taken')).toEqual([
    expect.objectContaining({ level: 30, event: event.id, kind: 30_617, author: owner.publicKey }),
  ]);
  expect(log.of('push')).toEqual([expect.objectContaining({ actor: owner.publicKey, accepted: 1 })]);
  const [refused] = log.of('git request refused');
  expect(refused).toMatchObject({
    level: 30,
    kind: 'unauthenticated',
    client: expect.stringContaining('127.0.0.1'),
  });
  expect(JSON.stringify(refused)).not.toMatch(/stack|\.ts:\d/);

  expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/^cairn_repositories 1$/m);
  await client.publish(owner.sign(5, [['a', `30617:${owner.publicKey}:mine`]]));
  await client.publish(owner.sign(1, [], 'hello'));
  expect(log.of('withdrawn')).toEqual([
    expect.objectContaining({ repository: `${owner.publicKey}/mine`, actor: owner.publicKey, count: 1 }),
  ]);
  expect(log.of('event refused')).toEqual([
    expect.objectContaining({ kind: 1, author: owner.publicKey, note: expect.stringMatching(/^blocked: /) }),
  ]);
});

it('lines of the log are bounded for any number of refused refs and any length of names (issue 11, point 22)', async () => {
  const log = new Log();
  await using server = await startServer({ onLog: log.add });
  const url = repositoryUrl(server, 'many');
  const names = Array.from({ length: 2_000 }, (_, at) => `refs/heads/${at}/${'x'.repeat(900)}`);
  await push(url, pushHead(names.map((name) => ({ name, from: absentId(), to: 'e'.repeat(40) }))));

  const [line] = log.of('push');
  expect(line).toMatchObject({ accepted: 0, refused: 2_000 });
  expect(JSON.stringify(line).length).toBeLessThan(10_000);
  expect(log.of('push')).toHaveLength(1);
});

it('the log has no line for git’s probe, and no stack for mistakes of clients (issue 11, point 22)', async () => {
  const log = new Log();
  await using server = await startServer({ onLog: log.add });
  const url = repositoryUrl(server, 'probe');
  await push(url, Buffer.from('0000'));
  await send(`${url}/info/refs?service=git-upload-pack`);
  await send(`${url}/info/refs?service=git-nonsense`);
  await send(`${url}/nothing`);
  await send(`${url}/git-upload-pack`, { body: 'x', headers: { 'Content-Type': 'text/plain' } });

  expect(log.of('push')).toEqual([]);
  expect(log.of('git request refused')).toHaveLength(4);
  expect(log.lines.filter((line) => JSON.stringify(line).includes('stack'))).toEqual([]);
});

it('the log has no stack for requests beyond a limit of their address (issue 11, point 22)', async () => {
  const log = new Log();
  await using server = await startServer({ onLog: log.add, flags: { 'max-requests-per-address': '1' } });
  const { pathname, port } = new URL(repositoryUrl(server, 'busy'));
  const request = (more = '') =>
    `GET ${pathname}/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  // One is answered, and one waits.
  await speak(connect(Number(port), '127.0.0.1'), request().repeat(9) + request('Connection: close\r\n'));
  await expect.poll(() => log.of('request').length).toBe(10);

  const busy = log.of('git request refused').filter(({ kind }) => kind === 'busy');
  expect(busy.length).toBeGreaterThan(0);
  expect(busy[0]).toMatchObject({ level: 40, reason: expect.stringContaining('from your address') });
  expect(log.lines.filter((line) => JSON.stringify(line).includes('stack'))).toEqual([]);
});
