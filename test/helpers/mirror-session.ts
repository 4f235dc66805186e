/** What tests of connections say and read over a session. */
import { onTestFinished } from 'vitest';
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
import { type ConnectionOptions, openConnection } from '../../src/mirror/remote/open-connection.ts';
import type { PacketStream } from '../../src/mirror/remote/packet-stream.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';

const { signal } = new AbortController();
const AGENT = 'cairn/test';

/** Opens a session, which is closed when the test has finished. */
export async function openSession(
  address: string,
  service: 'git-upload-pack' | 'git-receive-pack',
  version: ProtocolVersion,
  options: ConnectionOptions = {},
): Promise<Session> {
  const connection = openConnection(parseRemoteAddress(address), options);
  onTestFinished(() => connection[Symbol.asyncDispose]());
  const session = await connection.open(service, { version, signal });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return session;
}

export async function advertised({ advertisement }: Session): Promise<ParsedAdvertisement> {
  const parser = new AdvertisementParser();
  while (!parser.push(await advertisement.mustNext()));
  return parser.result;
}

/** The refs, listed in the way of the version that was advertised. */
export async function refsOf(
  session: Session,
  { listed, capabilities }: ParsedAdvertisement,
): Promise<ReadonlyMap<string, string>> {
  if (listed !== undefined) return listed.refs;
  const body = encodeLsRefsRequest(capabilities, 'sha1', AGENT, ['refs/']);
  const answer = await session.request(body, { last: false, signal });
  const refs = new Map<string, string>();
  for (let packet = await answer.mustNext(); packet.kind === 'data'; packet = await answer.mustNext()) {
    const [oid = '', name = ''] = textOf(packet.payload).split(' ');
    refs.set(name, oid);
  }
  return refs;
}

/** Fetches a pack with everything that an object reaches. */
export async function fetchPack(
  session: Session,
  { version, capabilities, objectFormat }: ParsedAdvertisement,
  want: string,
  haves: readonly string[] = [],
): Promise<Buffer> {
  const encode = version === 2 ? encodeFetchV2 : encodeFetchV0;
  const request = { wants: [want], haves, progress: false, includeTag: false };
  const body = encode(capabilities, objectFormat, AGENT, request);
  const answer = await session.request(body, { last: true, signal });
  const pack: Buffer[] = [];
  for (let packet = await answer.next(); packet !== undefined; packet = await answer.next()) {
    if (packet.kind === 'data' && packet.payload[0] === 1) pack.push(Buffer.from(packet.payload.subarray(1)));
  }
  return Buffer.concat(pack);
}

/** Makes a ref that points at what the remote has, in a body of two pieces. @returns all that the remote says */
export async function pushRef(session: Session, name: string, newId: string): Promise<string> {
  const { capabilities } = await advertised(session);
  const head = encodePushHead([{ name, oldId: zeroId('sha1'), newId }], {
    offered: capabilities,
    format: 'sha1',
    agent: AGENT,
    atomic: false,
  });
  const pieces = async function* () {
    yield head;
    yield emptyPack('sha1');
  };
  return textsOf(await session.request(pieces(), { last: true, signal }));
}

/** The payloads of all packets to the end of the stream. */
export async function textsOf(answer: PacketStream): Promise<string> {
  const texts: string[] = [];
  for (let packet = await answer.next(); packet !== undefined; packet = await answer.next()) {
    if (packet.kind === 'data') texts.push(packet.payload.toString('latin1'));
  }
  return texts.join('');
}
