import { type ObjectFormat, zeroId } from './object-id.ts';
import { PacketWriter } from './packet-writer.ts';
import { encodePacket, flushPacket } from './pkt-line.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

/** Refs as pairs of name and object id, in byte order of their names. */
export type RefEntries = Iterable<readonly [name: string, oid: string]>;

/** What HEAD points at: the name of a branch, and its object id unless the branch is unborn. */
export interface Head {
  readonly target: string;
  readonly oid?: string | undefined;
}

/** The lines a smart HTTP answer to `info/refs` opens with, before protocol v0 or v1; v2 goes without them. */
export function encodeServiceHeader(service: Service): Buffer {
  return Buffer.concat([encodePacket(`# service=${service}\n`), flushPacket]);
}

/** What goes into the list of refs of protocol v0 and v1. */
export interface V0Advertisement {
  readonly service: Service;
  readonly version: 0 | 1;
  readonly format: ObjectFormat;
  readonly refs: RefEntries;
  /** What annotated tags point at in the end, by the name of the tag's ref. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly head?: Head | undefined;
  /** The whole capability list, `symref=HEAD:…` and `agent=…` included. */
  readonly capabilities: string;
}

/**
 * The list of refs of protocol v0 and v1 (gitprotocol-pack, "Reference Discovery"). For upload-pack HEAD comes
 * first when it resolves, and each annotated tag is followed by what it points at; receive-pack lists refs
 * only. Without any line the capabilities hang on a made-up name.
 */
export function encodeV0Advertisement(advertisement: V0Advertisement): Buffer {
  const { service, version, format, refs, peeled, head, capabilities } = advertisement;
  const reading = service === 'git-upload-pack';
  const packets = new PacketWriter();
  if (version === 1) packets.line('version 1\n');
  let pending = `\0${capabilities}`;
  const add = (oid: string, name: string) => {
    packets.line(`${oid} ${name}${pending}\n`);
    pending = '';
  };
  if (reading && head?.oid !== undefined) add(head.oid, 'HEAD');
  for (const [name, oid] of refs) {
    add(oid, name);
    const target = reading ? peeled.get(name) : undefined;
    if (target !== undefined) add(target, `${name}^{}`);
  }
  if (pending !== '') add(zeroId(format), 'capabilities^{}');
  return packets.finish();
}

/**
 * What comes before the refs in the list of protocol v0 and v1 where they are listed piece by piece, and how much of those
 * pieces it stands for: capabilities hang on the first line, be it HEAD or the first of the refs.
 *
 * @param first the first ref, as it is listed without capabilities; undefined when there are no refs
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

/** What protocol v2 answers first, one capability a line (gitprotocol-v2, "Capability Advertisement"). */
export function encodeV2Capabilities(lines: readonly string[]): Buffer {
  const packets = new PacketWriter();
  for (const line of ['version 2', ...lines]) packets.line(`${line}\n`);
  return packets.finish();
}
