import type { ObjectFormat } from '../object-id.ts';
import type { Capabilities } from '../protocol/capabilities.ts';
import { delimiterPacket, encodePacket, flushPacket } from '../protocol/pkt-line.ts';

/** A request for a pack, in one round: wants, haves, `done`. */
export interface PackRequest {
  readonly wants: readonly string[];
  /** Objects that need not be sent, nor what they reach. The remote ignores those that it does not have. */
  readonly haves: readonly string[];
  /** For example `tree:0`; only if the remote offers filters. */
  readonly filter?: string;
  /** Ask for progress messages. */
  readonly progress: boolean;
  /** Ask for the annotated tags that point at what is sent. */
  readonly includeTag: boolean;
}

/** Encodes `ls-refs` (gitprotocol-v2) with peeled ids, targets of symbolic refs, and, where offered, an unborn HEAD. */
export function encodeLsRefsRequest(
  offered: Capabilities,
  format: ObjectFormat,
  agent: string,
  prefixes: readonly string[],
): Buffer {
  const unborn = offered.value('ls-refs')?.split(' ').includes('unborn') === true ? ['unborn'] : [];
  const args = ['peel', 'symrefs', ...unborn, ...prefixes.map((prefix) => `ref-prefix ${prefix}`)];
  return Buffer.concat([
    ...commandLines('ls-refs', offered, format, agent),
    delimiterPacket,
    ...args.map((arg) => encodePacket(`${arg}\n`)),
    flushPacket,
  ]);
}

/** Encodes `fetch` of protocol v2. Packs are never thin, so that they can be read without other objects. */
export function encodeFetchV2(
  offered: Capabilities,
  format: ObjectFormat,
  agent: string,
  request: PackRequest,
): Buffer {
  const args = [
    'ofs-delta',
    ...(request.progress ? [] : ['no-progress']),
    ...(request.includeTag ? ['include-tag'] : []),
    ...(request.filter === undefined ? [] : [`filter ${request.filter}`]),
    ...request.wants.map((oid) => `want ${oid}`),
    ...request.haves.map((oid) => `have ${oid}`),
    'done',
  ];
  return Buffer.concat([
    ...commandLines('fetch', offered, format, agent),
    delimiterPacket,
    ...args.map((arg) => encodePacket(`${arg}\n`)),
    flushPacket,
  ]);
}

function commandLines(command: string, offered: Capabilities, format: ObjectFormat, agent: string): Buffer[] {
  return [
    encodePacket(`command=${command}\n`),
    ...(offered.has('agent') ? [encodePacket(`agent=${agent}\n`)] : []),
    ...(offered.has('object-format') ? [encodePacket(`object-format=${format}\n`)] : []),
  ];
}

/** Encodes a request of protocol v0 or v1 (gitprotocol-pack, "Packfile Negotiation"). `wants` must not be empty. */
export function encodeFetchV0(
  offered: Capabilities,
  format: ObjectFormat,
  agent: string,
  request: PackRequest,
): Buffer {
  const wished = [
    offered.has('side-band-64k') ? 'side-band-64k' : 'side-band',
    'ofs-delta',
    ...(request.progress ? [] : ['no-progress']),
    ...(request.includeTag ? ['include-tag'] : []),
    ...(request.filter === undefined ? [] : ['filter']),
  ];
  const capabilities = wished.filter((name) => offered.has(name));
  if (offered.has('agent')) capabilities.push(`agent=${agent}`);
  if (offered.has('object-format')) capabilities.push(`object-format=${format}`);
  const [first = '', ...others] = request.wants;
  return Buffer.concat([
    encodePacket(`want ${first} ${capabilities.join(' ')}\n`),
    ...others.map((oid) => encodePacket(`want ${oid}\n`)),
    ...(request.filter === undefined ? [] : [encodePacket(`filter ${request.filter}\n`)]),
    flushPacket,
    ...request.haves.map((oid) => encodePacket(`have ${oid}\n`)),
    encodePacket('done\n'),
  ]);
}
