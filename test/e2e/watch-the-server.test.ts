import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, eventually } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import {
  commitObject,
  objectId,
  packOf,
  pushHead,
  RECEIVE_PACK,
  push as rawPush,
  treeObject,
} from '../helpers/raw-git.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('health tells a load balancer whether the server can serve', async () => {
  let down = false;
  const store = new FaultyStore(new MemoryObjectStore());
  store.rules.push(() => (down ? { does: 'unavailable' } : undefined));
  await using server = await startServer({ store });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  down = true;
  const ready = await fetch(`${server.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ status: 'unavailable' });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/nothing-here`)).status).toBe(404);
});

it('metrics count without naming repositories, and each request is logged with an id', async () => {
  await using folder = await tempDir();
  const lines: string[] = [];
  await using server = await startServer({ onLog: (line) => lines.push(line) });
  const user = new GitClient(folder.path);
  const work = await user.init('work');
  await work.commit('first', { a: '1\n' });
  await work.run(['push', repositoryUrl(server, 'secret-name'), 'main']);
  await user.clone(repositoryUrl(server, 'secret-name'), 'clone');

  const lookAtMetrics = async () => (await fetch(`${server.url}/metrics`)).text();
  // A push is counted when everything is cleared away, which its client need not wait for.
  await expect
    .poll(lookAtMetrics)
    .toMatch(/^cairn_http_requests_total\{route="git git-receive-pack",status="200"\} 1$/m);
  const metrics = await lookAtMetrics();
  expect(metrics).toMatch(/^cairn_git_processes_total\{command="index-pack"\} 1$/m);
  expect(metrics).toMatch(/^cairn_publishes_total\{outcome="published"\} 1$/m);
  expect(metrics).toMatch(
    /^cairn_store_requests_total\{traffic="control",operation="put",outcome="written"\} \d+$/m,
  );
  expect(metrics).toMatch(/^cairn_artifact_cache_looks_total\{result="hit"\} \d+$/m);
  expect(metrics).not.toContain('secret-name');

  const requests = lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === 'request');
  expect(requests.length).toBeGreaterThanOrEqual(4);
  expect(new Set(requests.map((entry) => entry.requestId)).size).toBe(requests.length);
  const push = lines.map((line) => JSON.parse(line)).find((entry) => entry.msg === 'push');
  expect(push).toMatchObject({ accepted: 1, refused: 0, manifest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(requests.map((entry) => entry.requestId)).toContain(push.requestId);
});

it('the log has the object and the rule for which a pack was refused (issue 11, point 16)', async () => {
  const lines: string[] = [];
  await using server = await startServer({ onLog: (line) => lines.push(line) });
  const tree = treeObject('.git', 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  const blob = { type: 'blob', content: Buffer.alloc(0) } as const;
  const head = pushHead([{ name: 'refs/heads/main', to: objectId(commitObject(objectId(tree))) }]);
  const pack = packOf([commitObject(objectId(tree)), tree, blob]);
  await rawPush(repositoryUrl(server, 'rules'), Buffer.concat([head, pack]));

  const pushes = () => lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === 'push');
  await expect.poll(pushes).toHaveLength(1);
  expect(pushes()[0]).toMatchObject({
    accepted: 0,
    reason: `object ${objectId(tree)}: hasDotgit: contains '.git'`,
  });
});

it('the bytes of each request are counted once, also on a reused connection', async () => {
  await using folder = await tempDir();
  const lines: string[] = [];
  await using server = await startServer({ onLog: (line) => lines.push(line) });
  const work = await new GitClient(folder.path).init('work');
  await work.commit('first', { large: randomBytes(200_000) });
  await work.run(['push', repositoryUrl(server, 'bytes'), 'main']);

  const requests = () => lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === 'request');
  // A request is told of when everything is cleared away, which its client need not wait for.
  await expect.poll(requests).toHaveLength(2);
  const [asked, pushed] = ['GET', 'POST'].map((method) =>
    requests().find((entry) => entry.method === method),
  );
  expect(asked.received).toBeGreaterThan(100);
  expect(asked.received).toBeLessThan(2_000);
  expect(pushed.received).toBeGreaterThan(200_000);
  expect(pushed.received).toBeLessThan(210_000);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain(
    `cairn_http_received_bytes_total{route="git git-receive-pack"} ${pushed.received}`,
  );
});

it('the bytes of a request right after a push are counted for that request', async () => {
  const lines: string[] = [];
  await using server = await startServer({ onLog: (line) => lines.push(line) });
  const url = repositoryUrl(server, 'behind');
  const blob = { type: 'blob', content: randomBytes(300_000) } as const;
  const tree = treeObject('large', objectId(blob));
  const commit = commitObject(objectId(tree));
  const body = Buffer.concat([
    pushHead([{ name: 'refs/heads/main', to: objectId(commit) }]),
    packOf([commit, tree, blob]),
  ]);
  // Both go over one connection, which fetch keeps.
  const headers = RECEIVE_PACK;
  const pushed = await fetch(`${url}/git-receive-pack`, { method: 'POST', headers, body });
  expect(await pushed.text()).toContain('ok refs/heads/main');
  await (await fetch(`${url}/info/refs?service=git-upload-pack`)).text();

  const requests = () => lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === 'request');
  await expect.poll(requests).toHaveLength(2);
  const received = (method: string) => requests().find((entry) => entry.method === method).received;
  expect(received('POST')).toBeGreaterThan(300_000);
  expect(received('POST')).toBeLessThan(310_000);
  expect(received('GET')).toBeLessThan(2_000);
});

it('metrics count relay connections and answers to events', async () => {
  await using server = await startServer({ flags: { access: 'signed' } });
  const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
  {
    await using client = await NostrClient.connect(server.url);
    await client.publish(new Person().sign(1, [], 'hello'));
    const owner = new Person();
    const event = announcement(server.url, owner, 'counted', { grasp: true });
    await client.publish(event);
    expect(await metrics()).toMatch(/^cairn_relay_connections 1$/m);
  }
  await eventually(metrics, (text) => text.includes('cairn_relay_connections 0'));
  const text = await metrics();
  expect(text).toMatch(/^cairn_relay_connections 0$/m);
  expect(text).toMatch(/^cairn_relay_events_total\{answer="blocked"\} 1$/m);
  expect(text).toMatch(/^cairn_relay_events_total\{answer="purgatory"\} 1$/m);
});
