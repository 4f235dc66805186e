import type { ObjectFormat } from '../object-id.ts';
import type { Capabilities } from '../protocol/capabilities.ts';
import { encodePacket, flushPacket } from '../protocol/pkt-line.ts';
import type { RefCommand } from '../refs/ref-command.ts';

export interface PushRequestOptions {
  /** What the remote offers. */
  readonly offered: Capabilities;
  readonly format: ObjectFormat;
  readonly agent: string;
  /** All commands, or none. Only where the remote offers it. */
  readonly atomic: boolean;
}

/**
 * Encodes the head of a push: the commands with the capabilities on the first, then a flush (gitprotocol-pack, "Reference Update
 * Request"). A pack follows unless every command deletes.
 */
export function encodePushHead(commands: readonly RefCommand[], options: PushRequestOptions): Buffer {
  const { offered, format, agent, atomic } = options;
  const wished = [
    'report-status',
    'side-band-64k',
    'ofs-delta',
    'delete-refs',
    ...(atomic ? ['atomic'] : []),
  ];
  const capabilities = wished.filter((name) => offered.has(name));
  if (offered.has('agent')) capabilities.push(`agent=${agent}`);
  if (offered.has('object-format')) capabilities.push(`object-format=${format}`);
  const lines = commands.map(({ name, oldId, newId }, index) =>
    encodePacket(`${oldId} ${newId} ${name}${index === 0 ? `\0 ${capabilities.join(' ')}` : ''}`),
  );
  return Buffer.concat([...lines, flushPacket]);
}

/** A pack without objects, as refs need that point at what the remote has (gitformat-pack). */
export function emptyPack(format: ObjectFormat): Buffer {
  const header = '5041434b0000000200000000';
  const digest = {
    sha1: '029d08823bd8a8eab510ad6ac75c823cfd3ed31e',
    sha256: '7ed890d8a45760f3eecf73045b1d1047085af4776dc683d78eac82203df1993f',
  };
  return Buffer.from(`${header}${digest[format]}`, 'hex');
}
