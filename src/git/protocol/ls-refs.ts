import { prefixMatcher } from '../refs/ref-prefixes.ts';
import type { Head, RefEntries } from './advertisement.ts';
import { PacketWriter } from './packet-writer.ts';
import { encodePacket } from './pkt-line.ts';
import { unexpectedLine } from './request-line.ts';

/** The number of prefixes from which on they are ignored and every ref is listed, as git does. */
const tooManyPrefixes = 65_536;

/** The arguments of an `ls-refs` command of protocol v2. */
export interface LsRefsOptions {
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
  /** List only refs that begin with one of these; every ref if there are none. */
  readonly prefixes: readonly string[];
}

/** Parses the arguments of `ls-refs` (gitprotocol-v2). Throws `invalid` for an unknown argument. */
export function parseLsRefs(args: readonly string[]): LsRefsOptions {
  let [peel, symrefs, unborn] = [false, false, false];
  const prefixes: string[] = [];
  for (const arg of args) {
    if (arg === 'peel') peel = true;
    else if (arg === 'symrefs') symrefs = true;
    else if (arg === 'unborn') unborn = true;
    else if (!arg.startsWith('ref-prefix ')) throw unexpectedLine('ls-refs', arg);
    else if (prefixes.length < tooManyPrefixes) prefixes.push(arg.slice('ref-prefix '.length));
  }
  return { peel, symrefs, unborn, prefixes: prefixes.length < tooManyPrefixes ? prefixes : [] };
}

/** The content of a response to `ls-refs`. */
export interface LsRefsResponse {
  readonly refs: RefEntries;
  /** The peeled object id of each annotated tag, by the name of its ref. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly head?: Head | undefined;
  readonly options: LsRefsOptions;
}

/** Encodes the response to `ls-refs`: HEAD first, if it is wanted and resolves (or may be unborn), then the refs. */
export function encodeLsRefs(response: LsRefsResponse): Buffer {
  const { refs, peeled, head, options } = response;
  const wanted = prefixMatcher(options.prefixes);
  const packets = new PacketWriter();
  const first = headLine(head, options);
  if (first !== undefined) packets.line(first);
  for (const [name, oid] of refs) {
    if (!wanted(name)) continue;
    const peeledOid = options.peel ? peeled.get(name) : undefined;
    packets.line(`${oid} ${name}${peeledOid === undefined ? '' : ` peeled:${peeledOid}`}\n`);
  }
  return packets.finish();
}

/** Encodes the line for HEAD, which comes first; undefined if it is not wanted, or there is no HEAD to list. */
export function encodeLsRefsHead(head: Head | undefined, options: LsRefsOptions): Buffer | undefined {
  const line = headLine(head, options);
  return line === undefined ? undefined : encodePacket(line);
}

/** True if the request covers HEAD. */
export function wantsHead({ prefixes }: LsRefsOptions): boolean {
  return prefixMatcher(prefixes)('HEAD');
}

function headLine(head: Head | undefined, options: LsRefsOptions): string | undefined {
  if (head === undefined || !wantsHead(options)) return undefined;
  if (head.oid === undefined && !(options.unborn && options.symrefs)) return undefined;
  const target = options.symrefs ? ` symref-target:${head.target}` : '';
  return `${head.oid ?? 'unborn'} HEAD${target}\n`;
}
