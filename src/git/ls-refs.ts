import type { Head, RefEntries } from './advertisement.ts';
import { PacketWriter } from './packet-writer.ts';
import { encodePacket } from './pkt-line.ts';
import { prefixMatcher } from './refs/ref-prefixes.ts';
import { unexpectedLine } from './request-line.ts';

/** As many prefixes as git heeds; who sends this many or more gets every ref, as from git. */
const tooManyPrefixes = 65_536;

/** What a client asked of the `ls-refs` command of protocol v2. */
export interface LsRefsOptions {
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
  /** Only refs that begin with one of these are wanted; every ref when there are none. */
  readonly prefixes: readonly string[];
}

/** Reads the arguments of `ls-refs` (gitprotocol-v2). Throws `invalid` for an argument that is not one. */
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

/** What `ls-refs` is answered from. */
export interface LsRefsAnswer {
  readonly refs: RefEntries;
  /** What annotated tags point at in the end, by the name of the tag's ref. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly head?: Head | undefined;
  readonly options: LsRefsOptions;
}

/** The answer to `ls-refs`: HEAD first when it is wanted and resolves (or may be unborn), then the refs. */
export function encodeLsRefs(answer: LsRefsAnswer): Buffer {
  const { refs, peeled, head, options } = answer;
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

/** The line for HEAD, which comes before all others; undefined when none is wanted, or there is none to tell. */
export function encodeLsRefsHead(head: Head | undefined, options: LsRefsOptions): Buffer | undefined {
  const line = headLine(head, options);
  return line === undefined ? undefined : encodePacket(line);
}

/** True when an answer says something about HEAD, should there be one. */
export function wantsHead({ prefixes }: LsRefsOptions): boolean {
  return prefixMatcher(prefixes)('HEAD');
}

function headLine(head: Head | undefined, options: LsRefsOptions): string | undefined {
  if (head === undefined || !wantsHead(options)) return undefined;
  if (head.oid === undefined && !(options.unborn && options.symrefs)) return undefined;
  const target = options.symrefs ? ` symref-target:${head.target}` : '';
  return `${head.oid ?? 'unborn'} HEAD${target}\n`;
}
