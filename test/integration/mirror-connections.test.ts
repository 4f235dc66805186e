import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  AdvertisementParser,
  emptyPack,
  encodeFetchV0,
  encodeFetchV2,
  encodeLsRefsRequest,
  encodePushHead,
  type ParsedAdvertisement,
  textOf,
  zeroId,
} from '../../src/git/index.ts';
import type { ProtocolVersion, Session } from '../../src/mirror/remote/connection.ts';
import { openConnection } from '../../src/mirror/remote/open-connection.ts';
import type { PacketStream } from '../../src/mirror/remote/packet-stream.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import { GitClient } from '../helpers/git-client.ts';
import { startGitHttpHost } from '../helpers/git-http-host.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const { signal } = new AbortController();
let temp: TempDir;
let folder = '';
let head = '';

beforeAll(async () => {
  temp = await tempDir();
  folder = temp.path;
  const git = new GitClient(folder);
  const work = await git.init('work');
  for (const name of ['one', 'two', 'three']) head = await work.commit(name, { [name]: name });
  await work.run(['tag', '-a', '-m', 'first', 'v1', 'HEAD~1']);
  await git.run(['clone', '--quiet', '--bare', 'work', 'source.git']);
});
afterAll(() => temp[Symbol.asyncDispose]());

/** A transport with the address of a repository in the folder. */
const TRANSPORTS: Readonly<Record<string, (name: string) => Promise<string>>> = {
  'smart HTTP': async (name) => {
    const host = await startGitHttpHost(folder);
    onTestFinished(() => host[Symbol.asyncDispose]());
    return `${host.url}/${name}/`;
  },
  'a local folder': async (name) => join(folder, name),
};

describe.each(Object.entries(TRANSPORTS))('over %s', (_, addressOf) => {
  it.each([0, 1, 2] as const)('reads refs and a pack with protocol version %i', async (version) => {
    await using session = await open(await addressOf('source.git'), 'git-upload-pack', version);
    const advertisement = await advertised(session);
    expect(advertisement.version).toBe(version);
    const refs = advertisement.listed?.refs ?? (await lsRefs(session, advertisement));
    expect(refs.get('refs/heads/main')).toBe(head);
    const pack = await fetchPack(session, advertisement);
    expect(pack.subarray(0, 4).toString()).toBe('PACK');
  });

  it('pushes, with a body that comes in pieces', async () => {
    const name = `target-${version()}.git`;
    await new GitClient(folder).run(['clone', '--quiet', '--bare', 'source.git', name]);
    await using session = await open(await addressOf(name), 'git-receive-pack', 0);
    const { capabilities } = await advertised(session);
    const command = { name: 'refs/heads/new', oldId: zeroId('sha1'), newId: head };
    const options = { offered: capabilities, format: 'sha1', agent: 'cairn/test', atomic: false } as const;
    const pieces = async function* () {
      yield encodePushHead([command], options);
      yield emptyPack('sha1');
    };
    const answer = await session.request(pieces(), { last: true, signal });
    const texts = (await packetsOf(answer)).join('');
    expect(texts).toContain('unpack ok');
    expect(texts).toContain('ok refs/heads/new');
    expect(await new GitClient(join(folder, name)).run(['rev-parse', 'refs/heads/new'])).toBe(head);
  });

  it('a repository that is not there is not found', async () => {
    const session = open(await addressOf('absent.git'), 'git-upload-pack', 2).then(advertised);
    await expect(session).rejects.toMatchObject({ kind: 'not-found' });
  });
});

let counter = 0;
function version(): number {
  counter += 1;
  return counter;
}

async function open(
  address: string,
  service: 'git-upload-pack' | 'git-receive-pack',
  protocol: ProtocolVersion,
): Promise<Session> {
  const connection = openConnection(parseRemoteAddress(address));
  onTestFinished(() => connection[Symbol.asyncDispose]());
  const session = await connection.open(service, { version: protocol, signal });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return session;
}

async function advertised({ advertisement }: Session): Promise<ParsedAdvertisement> {
  const parser = new AdvertisementParser();
  while (!parser.push(await advertisement.mustNext()));
  return parser.result;
}

async function lsRefs(session: Session, { capabilities }: ParsedAdvertisement): Promise<Map<string, string>> {
  const body = encodeLsRefsRequest(capabilities, 'sha1', 'cairn/test', ['refs/']);
  const answer = await session.request(body, { last: false, signal });
  const refs = new Map<string, string>();
  for (let packet = await answer.mustNext(); packet.kind === 'data'; packet = await answer.mustNext()) {
    const [oid = '', name = ''] = textOf(packet.payload).split(' ');
    refs.set(name, oid);
  }
  return refs;
}

async function fetchPack(session: Session, { version, capabilities }: ParsedAdvertisement): Promise<Buffer> {
  const encode = version === 2 ? encodeFetchV2 : encodeFetchV0;
  const request = { wants: [head], haves: [], progress: false, includeTag: false };
  const answer = await session.request(encode(capabilities, 'sha1', 'cairn/test', request), {
    last: true,
    signal,
  });
  const pack: Buffer[] = [];
  for (let packet = await answer.next(); packet !== undefined; packet = await answer.next()) {
    if (packet.kind === 'data' && packet.payload[0] === 1) pack.push(Buffer.from(packet.payload.subarray(1)));
  }
  return Buffer.concat(pack);
}

async function packetsOf(answer: PacketStream): Promise<string[]> {
  const texts: string[] = [];
  for (let packet = await answer.next(); packet !== undefined; packet = await answer.next()) {
    texts.push(packet.kind === 'data' ? packet.payload.toString('latin1') : '');
  }
  return texts;
}
