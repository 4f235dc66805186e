import { once } from 'node:events';
import { chmod, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { commandLine } from '../../src/cli/command-line.ts';
import { parseClientMessage } from '../../src/nostr/client-message.ts';
import { encodeEvent, type NostrEvent } from '../../src/nostr/event.ts';
import { kinds } from '../../src/nostr/kinds.ts';
import { checkRelayAuth } from '../../src/nostr/nip42.ts';
import {
  acceptedMessage,
  authMessage,
  closedMessage,
  endOfStoredMessage,
  eventMessage,
  noticeMessage,
  type Reason,
  rejectedMessage,
} from '../../src/nostr/relay-message.ts';
import { loadVerifier } from '../../src/nostr/verify.ts';
import { readKeyFile } from '../../src/server/keys.ts';
import { writeCertificate } from '../helpers/certificate.ts';
import { EventsInMemory } from '../helpers/events-in-memory.ts';
import { Person } from '../helpers/nostr-client.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const verifier = await loadVerifier();

/** A relay that does what a test tells it to, right or wrong. */
class FakeRelay implements AsyncDisposable {
  readonly events = new EventsInMemory();
  /** All that was sent to it. */
  readonly published: NostrEvent[] = [];
  readonly authenticated = new Set<string>();
  /** Undefined: it asks nobody who he is. */
  challenge: string | undefined = 'who-are-you';
  /** Why it refuses every event. */
  refusal: Reason | undefined;
  note: Reason | '' = '';
  /** Answers a query in place of what it has. */
  answerQuery: ((subscription: string, socket: WebSocket) => void) | undefined;
  /** Shown only to the authenticated. */
  isPrivate: (event: NostrEvent) => boolean = () => false;
  readonly url: string;
  private readonly sockets: WebSocketServer;

  private constructor(sockets: WebSocketServer) {
    this.sockets = sockets;
    this.url = `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`;
    sockets.on('connection', (socket) => {
      if (this.challenge !== undefined) socket.send(authMessage(this.challenge));
      socket.on('message', (data) => {
        this.receive(String(data), socket).catch((error: unknown) =>
          socket.send(noticeMessage(String(error))),
        );
      });
    });
  }

  static async start(): Promise<FakeRelay> {
    const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(sockets, 'listening');
    return new FakeRelay(sockets);
  }

  /** Keeps an event as if it had been published before. */
  async keep(event: NostrEvent): Promise<NostrEvent> {
    if (!verifier.verify(event)) throw new Error('the test signs badly');
    await this.events.append([event]);
    return event;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate();
    await new Promise((resolve) => this.sockets.close(resolve));
  }

  private async receive(text: string, socket: WebSocket): Promise<void> {
    const message = parseClientMessage(text);
    if (!message.ok) throw new Error(message.answer);
    const { value } = message;
    if (value.type === 'AUTH') {
      const proof = value.event;
      if (!verifier.verify(proof)) throw new Error('a proof nobody signed');
      const context = { relayUrl: this.url.replace(/^http/, 'ws'), challenge: this.challenge ?? '' };
      const shown = checkRelayAuth(proof, { ...context, now: Math.floor(Date.now() / 1000) });
      if (shown.ok) this.authenticated.add(shown.value);
      socket.send(
        shown.ok ? acceptedMessage(proof.id) : rejectedMessage(proof.id, `restricted: ${shown.reason}`),
      );
    } else if (value.type === 'EVENT') {
      this.published.push(value.event);
      if (this.refusal !== undefined) {
        socket.send(rejectedMessage(value.event.id, this.refusal));
        return;
      }
      const duplicate = this.events.get(value.event.id) !== undefined;
      await this.keep(value.event);
      socket.send(acceptedMessage(value.event.id, duplicate ? 'duplicate: it is here' : this.note));
    } else if (value.type === 'REQ') {
      if (this.answerQuery !== undefined) {
        this.answerQuery(value.subscription, socket);
        return;
      }
      const visible = (event: NostrEvent) => !this.isPrivate(event) || this.authenticated.size > 0;
      for (const event of this.events.query(value.filters, { limit: 500, now: 0, visible })) {
        socket.send(eventMessage(value.subscription, encodeEvent(event)));
      }
      socket.send(endOfStoredMessage(value.subscription));
    }
  }
}

let folder: TempDir;
let relay: FakeRelay;
let keyFile: string;
/** Whoever the key file belongs to. */
let npub: string;

beforeEach(async () => {
  folder = await tempDir();
  relay = await FakeRelay.start();
  keyFile = join(folder.path, 'keys', 'mine');
  [npub = ''] = /npub1\w+/.exec((await cairn('key', 'new')).join('\n')) ?? [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await relay[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Runs a command and returns what it printed; throws what it throws. */
async function cairn(...args: string[]): Promise<string[]> {
  return cairnWith({ CAIRN_SERVER: relay.url, CAIRN_KEY_FILE: keyFile }, ...args);
}

async function cairnWith(environment: Record<string, string>, ...args: string[]): Promise<string[]> {
  const printed: string[] = [];
  const print = (text: string) => printed.push(text);
  const { signal } = new AbortController();
  const warn = () => undefined;
  await commandLine({ environment, print, warn, signal }).parseAsync(['node', 'cairn', ...args]);
  return printed;
}

async function publicKey(): Promise<string> {
  const [line = ''] = await cairn('key', 'show', '--json');
  return (JSON.parse(line) as { publicKey: string }).publicKey;
}

describe('cairn key', () => {
  it('creates a file that only its owner can read, and never overwrites one', async () => {
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    const before = await cairn('key', 'show');
    await expect(cairn('key', 'new')).rejects.toThrow(/already/);
    expect(await cairn('key', 'show')).toEqual(before);
    expect(before.join('\n')).not.toContain('nsec');
  });

  it('creates a different key each time', async () => {
    const other = await cairn('key', 'new', '--key', join(folder.path, 'other'));
    expect(other.join('\n')).not.toContain(npub);
  });

  it('refuses a key that others can read', async () => {
    await chmod(keyFile, 0o644);
    await expect(cairn('announce', 'project')).rejects.toThrow(/chmod 600/);
  });
});

describe('cairn announce', () => {
  it('signs, publishes, and prints the URL for pushes in its last line', async () => {
    const printed = await cairn('announce', 'my project', '--description', 'It works', '--grasp');
    const identifier = 'my%20project.git';
    expect(printed).toEqual([`${relay.url}/${npub}/${identifier}`, `${relay.url}/git/${npub}/${identifier}`]);
    expect(relay.events.all).toHaveLength(1);
    const [event] = relay.events.all;
    expect(event?.pubkey).toBe(await publicKey());
    expect(event?.tags).toEqual([
      ['d', 'my project'],
      ['description', 'It works'],
      ['clone', `${relay.url}/git/${npub}/${identifier}`, `${relay.url}/${npub}/${identifier}`],
      ['relays', relay.url.replace('http', 'ws')],
    ]);
  });

  it('changes the given tags and keeps the rest, unknown ones included', async () => {
    await cairn('announce', 'project', '--name', 'Project', '--protect', 'refs/heads/main no-delete');
    const [first] = relay.events.all;
    const person = new Person(Buffer.from(await readKeyFile(keyFile), 'hex'));
    await relay.keep(
      person.sign(
        30_617,
        [...(first?.tags ?? []), ['u', 'a fork'], ['blossoms', 'x', 'y']].map((tag) => [...tag]),
        '',
        (first?.created_at ?? 0) + 1_000,
      ),
    );
    await cairn('announce', 'project', '--description', 'It works');
    const [changed, ...older] = relay.events.all;
    expect(older).toEqual([]);
    expect(changed?.tags).toEqual(
      expect.arrayContaining([
        ['name', 'Project'],
        ['description', 'It works'],
        ['protect', 'refs/heads/main', 'no-delete'],
        ['u', 'a fork'],
        ['blossoms', 'x', 'y'],
      ]),
    );
    // Newer than what it replaces, whatever our clock says.
    expect(changed?.created_at).toBe((first?.created_at ?? 0) + 1_001);
  });

  it('sends the current announcement again if nothing changes, and signs no other', async () => {
    await cairn('announce', 'project', '--name', 'Project');
    const printed = await cairn('announce', 'project');
    expect(printed).toEqual([`${relay.url}/git/${npub}/project.git`]);
    const [first, second] = relay.published;
    expect(second).toEqual(first);
  });

  it('authenticates, so that it can change a private repository', async () => {
    relay.isPrivate = (event) => event.tags.some(([name]) => name === 'private');
    const maintainer = new Person();
    await cairn('announce', 'secret', '--private', '--maintainer', maintainer.npub);
    await cairn('announce', 'secret', '--name', 'Secret');
    expect(relay.authenticated).toEqual(new Set([await publicKey()]));
    expect(relay.events.all[0]?.tags).toEqual(
      expect.arrayContaining([
        ['private', 'true'],
        ['maintainers', maintainer.publicKey],
      ]),
    );
  });

  it('works with a relay that requests no authentication', async () => {
    relay.challenge = undefined;
    expect(await cairn('announce', 'project')).toHaveLength(1);
  });

  it('prints the server’s note first', async () => {
    relay.note = 'purgatory: push something';
    expect((await cairn('announce', 'project', '--grasp'))[0]).toBe('purgatory: push something');
  });

  it('shows the server’s reason for a refusal', async () => {
    relay.refusal = 'restricted: you have 1000 repositories, which is all one key may have';
    await expect(cairn('announce', 'project')).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('you have 1000 repositories'),
    });
  });

  it('sends nothing for an invalid identifier', async () => {
    await expect(cairn('announce', '../project')).rejects.toThrow(/slash/);
    await expect(cairn('announce', 'project.git')).rejects.toThrow(/\.git/);
    expect(relay.authenticated.size).toBe(0);
  });

  it('never builds on an announcement with a foreign or missing signature', async () => {
    const other = new Person();
    const forged = other.sign(30_617, [
      ['d', 'project'],
      ['maintainers', other.publicKey],
    ]);
    const answer = (event: NostrEvent) => (subscription: string, socket: WebSocket) => {
      socket.send(eventMessage(subscription, encodeEvent(event)));
      socket.send(endOfStoredMessage(subscription));
    };
    relay.answerQuery = answer(forged);
    await cairn('announce', 'project');
    expect(relay.published.at(-1)?.tags.map(([name]) => name)).toEqual(['d', 'clone', 'relays']);
    relay.answerQuery = answer({ ...forged, pubkey: await publicKey() });
    await expect(cairn('announce', 'project')).rejects.toThrow(/without a valid signature/);
    expect(relay.published).toHaveLength(1);
  });
});

describe('cairn withdraw', () => {
  it('deletes the announcement by its address, and a later announcement has a later date', async () => {
    await cairn('announce', 'project');
    const [announced] = relay.events.all;
    expect(await cairn('withdraw', 'project')).toEqual([`withdrawn: project on ${relay.url}`]);
    const [deletion, ...others] = relay.events.all;
    expect(others).toEqual([]);
    expect(deletion).toMatchObject({
      kind: kinds.deletion,
      tags: [
        ['a', `30617:${await publicKey()}:project`],
        ['k', '30617'],
      ],
    });
    expect(deletion?.created_at).toBeGreaterThanOrEqual(announced?.created_at ?? Infinity);
    await cairn('announce', 'project');
    const [again] = relay.events.all.filter(({ kind }) => kind === kinds.repository);
    expect(again?.created_at).toBeGreaterThan(deletion?.created_at ?? Infinity);
  });
});

describe('cairn events', () => {
  const author = new Person();
  const stranger = author.sign(1621, [
    ['subject', 'evil \u001b[2J\u202e title'],
    ['t', 'bug'],
  ]);

  it('prints matching events, one per line, without control characters for the terminal', async () => {
    await relay.keep(stranger);
    await relay.keep(author.sign(1621, [['t', 'other']]));
    const [line, ...more] = await cairn('events', '--tag', 't=bug', '--kind', 'issue');
    expect(more).toEqual([]);
    expect(line).toBe(
      `${new Date(stranger.created_at * 1000).toISOString()}  ${stranger.id}  ${author.npub}  issue  evil  [2J  title`,
    );
  });

  it('prints events as they were signed', async () => {
    await relay.keep(stranger);
    const [line = ''] = await cairn('events', '--json');
    const event = JSON.parse(line) as NostrEvent;
    expect(event).toEqual(stranger);
    expect(verifier.verify(event)).toBe(true);
  });

  it('needs no key, unless one was named', async () => {
    await relay.keep(stranger);
    const missing = join(folder.path, 'missing');
    vi.stubEnv('HOME', folder.path);
    expect(await cairnWith({ CAIRN_SERVER: relay.url }, 'events')).toHaveLength(1);
    expect(relay.authenticated.size).toBe(0);
    await expect(cairn('events', '--key', missing)).rejects.toThrow(/cairn key new/);
  });

  it('shows the reason if the relay closes the subscription', async () => {
    relay.answerQuery = (subscription, socket) =>
      socket.send(closedMessage(subscription, 'auth-required: who are you?'));
    await expect(cairn('events')).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('who are you?'),
    });
  });
});

describe('a failing server is named with the reason if', () => {
  it('none is named', async () => {
    await expect(cairnWith({ CAIRN_KEY_FILE: keyFile }, 'announce', 'x')).rejects.toThrow(/CAIRN_SERVER/);
  });

  it('nothing listens', async () => {
    const { url } = relay;
    await relay[Symbol.asyncDispose]();
    await expect(cairn('events', '--server', url)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/),
    });
  });

  it('it is not a relay', async () => {
    const web = createServer((_request, response) => response.writeHead(200).end('a page')).listen(
      0,
      '127.0.0.1',
    );
    await once(web, 'listening');
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    await expect(cairn('events', '--server', url)).rejects.toThrow(
      /has no relay: it answered with HTTP status 200/,
    );
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });

  it('it has a self-signed certificate', async () => {
    const files = await writeCertificate(folder.path);
    const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
    const web = createSecureServer({ cert, key }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const url = `https://127.0.0.1:${(web.address() as AddressInfo).port}`;
    await expect(cairn('events', '--server', url)).rejects.toThrow(
      /self-signed certificate;.* NODE_EXTRA_CA_CERTS/,
    );
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });

  it('it closes the connection', async () => {
    relay.answerQuery = (_subscription, socket) => socket.terminate();
    await expect(cairn('events')).rejects.toThrow(/closed the connection/);
  });

  it('it sends something that no relay sends', async () => {
    relay.answerQuery = (_subscription, socket) => socket.send('hello');
    await expect(cairn('events')).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('it has another name: its advice is shown', async () => {
    const other = relay.url.replace('127.0.0.1', 'localhost');
    await expect(cairn('announce', 'x', '--server', other)).rejects.toThrow(
      /the relay tag does not name this relay, ws:\/\/127\S+; use its public URL: --server http:\/\/127/,
    );
  });
});
