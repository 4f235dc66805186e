import { type ObjectFormat, zeroId } from '../object-id.ts';
import { PacketWriter } from './packet-writer.ts';
import { encodePacket, flushPacket } from './pkt-line.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

/** Refs as pairs of name and object id, in byte order of their names. */
export type RefEntries = Iterable<readonly [name: string, oid: string]>;

/** The target of HEAD: the name of a branch, and its object id unless the branch is unborn. */
export interface Head {
  readonly target: string;
  readonly oid?: string | undefined;
}

/** The first packets of a smart HTTP response to `info/refs` in protocol v0 and v1. Protocol v2 has none. */
export function encodeServiceHeader(service: Service): Buffer {
  return Buffer.concat([encodePacket(`# service=${service}\n`), flushPacket]);
}

/** The content of a ref advertisement of protocol v0 or v1. */
export interface V0Advertisement {
  readonly service: Service;
  readonly version: 0 | 1;
  readonly format: ObjectFormat;
  readonly refs: RefEntries;
  /** The peeled object id of each annotated tag, by the name of its ref. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly head?: Head | undefined;
  /** The whole capability list, including `symref=HEAD:…` and `agent=…`. */
  readonly capabilities: string;
}

/**
 * Encodes the ref advertisement of protocol v0 and v1 (gitprotocol-pack, "Reference Discovery"). For upload-pack,
 * HEAD comes first if it resolves, and each annotated tag is followed by its peeled object id. For receive-pack,
 * only refs are listed. If there is nothing to list, the capabilities follow the placeholder `capabilities^{}`.
 */
export function encodeV0Advertisement(advertisement: V0Advertisement): Buffer {
  const { service, version, format, refs, peeled, head, capabilities } = advertisement;
  const isUploadPack = service === 'git-upload-pack';
  const packets = new PacketWriter();
  if (version === 1) packets.line('version 1\n');
  let pending = `\0${capabilities}`;
  const add = (oid: string, name: string) => {
    packets.line(`${oid} ${name}${pending}\n`);
    pending = '';
  };
  if (isUploadPack && head?.oid !== undefined) add(head.oid, 'HEAD');
  for (const [name, oid] of refs) {
    add(oid, name);
    const target = isUploadPack ? peeled.get(name) : undefined;
    if (target !== undefined) add(target, `${name}^{}`);
  }
  if (pending !== '') add(zeroId(format), 'capabilities^{}');
  return packets.finish();
}

/**
 * Encodes the start of a ref advertisement of protocol v0 or v1 whose refs follow in pieces. The capabilities belong to
 * the first line, which is HEAD or the first ref.
 *
 * @param first the first ref of the pieces; undefined if there are no refs
 * @returns `bytes` to send first, and `replaced`: how many bytes at the start of the pieces they replace
 */
export function encodeV0Start(
  advertisement: Omit<V0Advertisement, 'refs' | 'peeled'>,
  first: { readonly name: string; readonly oid: string } | undefined,
): { readonly bytes: Buffer; readonly replaced: number } {
  const { service, version, format, head, capabilities } = advertisement;
  const packets = version === 1 ? [encodePacket('version 1\n')] : [];
  const withHead = service === 'git-upload-pack' && head?.oid !== undefined;
  const [oid, name] = withHead
    ? [head.oid, 'HEAD']
    : first === undefined
      ? [zeroId(format), 'capabilities^{}']
      : [first.oid, first.name];
  packets.push(encodePacket(`${oid} ${name}\0${capabilities}\n`));
  const replaced = withHead || first === undefined ? 0 : encodePacket(`${oid} ${name}\n`).length;
  return { bytes: Buffer.concat(packets), replaced };
}

/** Encodes the capability advertisement of protocol v2, one capability a line (gitprotocol-v2, "Capability Advertisement"). */
export function encodeV2Capabilities(lines: readonly string[]): Buffer {
  const packets = new PacketWriter();
  for (const line of ['version 2', ...lines]) packets.line(`${line}\n`);
  return packets.finish();
}
