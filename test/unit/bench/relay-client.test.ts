import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, callerAddress } from '../../../bench/callers.ts';
import { addressOf, issueSigner } from '../../../bench/issues.ts';
import { announcement, ownerKey, signedIn } from '../../../bench/owner.ts';
import { RelayClient } from '../../../bench/relay-client.ts';
import { gitUrl } from '../../../src/nostr/repository-url.ts';
import type { App } from '../../../src/server/app.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { startServer } from '../../helpers/server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('the relay client, against Cairn', () => {
  let app: App;
  let sign: Awaited<ReturnType<typeof issueSigner>>;

  beforeAll(async () => {
    const [, proxies = ''] = behindProxy;
    app = await startServer({ flags: { access: 'signed', 'trusted-proxies': proxies } });
    sign = await issueSigner();
    const relay = await connect();
    await relay.publish([announcement(app.url, 'discussed')]);
    await relay.close();
  });
  afterAll(() => app.close());

  let callers = 0;
  const connect = () => RelayClient.connect(app.url, callerAddress(callers++));

  it('finishes publishing when every event is stored', async () => {
    const relay = await connect();
    const issues = Array.from({ length: 60 }, (_, number) => sign('discussed', number));
    await relay.publish(issues);
    const { events, seconds } = await relay.request({ '#a': [addressOf('discussed')], limit: 500 });
    expect(events).toBe(60);
    expect(seconds).toBeGreaterThan(0);
    expect((await relay.request({ '#a': [addressOf('discussed')], limit: 7 })).events).toBe(7);
    await relay.close();
  });

  it('fails if one of several events is refused, and reports the reason', async () => {
    const relay = await connect();
    const events = [sign('discussed', 1_000), sign('nowhere', 1_001)];
    await expect(relay.publish(events)).rejects.toThrow(/refused an event: blocked/);
    await relay.close();
  });

  it('fails if a request is refused, or the relay closes the connection', async () => {
    const relay = await connect();
    await expect(relay.request({ kinds: 'all' })).rejects.toThrow(/refused a request: invalid/);
    await relay.close();
    await expect(relay.request({ kinds: [1621] })).rejects.toThrow(/the connection is closed/);
  });

  it('has another address for the limits on each connection', async () => {
    // More than one address may have open.
    const clients = await Promise.all(Array.from({ length: 70 }, connect));
    await Promise.all(clients.map((relay) => relay.close()));
    const same = await Promise.allSettled(
      Array.from({ length: 70 }, () => RelayClient.connect(app.url, '10.255.255.255')),
    );
    for (const one of same) if (one.status === 'fulfilled') await one.value.close();
    expect(same.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  });

  it('makes an announcement to which only the owner’s token may push', async () => {
    await using folder = await tempDir();
    const author = await new GitClient(folder.path).init('work');
    await author.run(['commit', '--quiet', '--allow-empty', '--message', 'Begin']);
    const url = gitUrl(app.url, ownerKey, 'discussed');
    await expect(author.run(['push', '--quiet', url, 'HEAD:refs/heads/main'])).rejects.toThrow(
      /username|authentication/i,
    );
    await author.run([...signedIn(url), 'push', '--quiet', url, 'HEAD:refs/heads/main']);
    expect(await author.run(['ls-remote', url, 'refs/heads/main'])).toContain(await author.oidOf('HEAD'));
  });
});
