import { type Cooperative, mapped } from '../../lib/cooperative.ts';
import { CommitProof } from '../commit-proof.ts';
import { cleanReason, maxReasonBytes } from '../reason.ts';
import type { Capabilities } from './capabilities.ts';
import { encodePacket, flushPacket, maxPayloadLength } from './pkt-line.ts';

/** The outcome for one ref. A name that is not UTF-8 is given as the bytes the client sent. */
export type RefStatus =
  | { readonly ref: string | Buffer; readonly status: 'ok'; readonly proof: CommitProof }
  | { readonly ref: string | Buffer; readonly status: 'ng'; readonly reason: string };

export interface StatusReport {
  /** `ok`, or why the pack was not accepted. */
  readonly unpack: string;
  readonly refs: readonly RefStatus[];
}

/**
 * Encodes the report at the end of a push (gitprotocol-pack, "Report Status"); empty if the client asked for none.
 * Version 2 adds lines only for rewritten refs, which Cairn never has, so both versions are equal.
 * The caller sends it on band 1 if a side-band was negotiated.
 */
export function* encodeReport(report: StatusReport, capabilities: Capabilities): Cooperative<Buffer> {
  if (!capabilities.has('report-status') && !capabilities.has('report-status-v2')) return Buffer.alloc(0);
  const unpack = encodePacket(`unpack ${cleanReason(report.unpack)}\n`);
  return Buffer.concat([unpack, ...(yield* mapped(report.refs, encodeRefStatus)), flushPacket]);
}

function encodeRefStatus(status: RefStatus): Buffer {
  const name = typeof status.ref === 'string' ? Buffer.from(status.ref) : status.ref;
  if (status.status === 'ok') {
    if (!CommitProof.isProof(status.proof)) throw new TypeError('"ok" needs the commit proof of a publish');
    return encodePacket(Buffer.concat([Buffer.from('ok '), name, Buffer.from('\n')]));
  }
  // A very long name leaves less room for the reason.
  const room = Math.min(maxReasonBytes, maxPayloadLength - name.length - 'ng  \n'.length);
  return encodePacket(
    Buffer.concat([Buffer.from('ng '), name, Buffer.from(` ${cleanReason(status.reason, room)}\n`)]),
  );
}
