import type { Head, RefEntries } from './advertisement.ts';
import { PacketWriter } from './packet-writer.ts';
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
  if (
    head !== undefined &&
    wanted('HEAD') &&
    (head.oid !== undefined || (options.unborn && options.symrefs))
  ) {
    const target = options.symrefs ? ` symref-target:${head.target}` : '';
    packets.line(`${head.oid ?? 'unborn'} HEAD${target}\n`);
  }
  for (const [name, oid] of refs) {
    if (!wanted(name)) continue;
    const peeledOid = options.peel ? peeled.get(name) : undefined;
    packets.line(`${oid} ${name}${peeledOid === undefined ? '' : ` peeled:${peeledOid}`}\n`);
  }
  return packets.finish();
}

/**
 * A function that tells whether a name begins with one of `prefixes` in as many steps as bisecting them takes:
 * 65,000 prefixes against 100,000 refs must not cost their product. Once prefixes that begin with another one
 * are dropped, the only candidate for a name is the greatest prefix that does not sort behind it.
 */
function prefixMatcher(prefixes: readonly string[]): (name: string) => boolean {
  if (prefixes.length === 0) return () => true;
  const shortest: string[] = [];
  for (const prefix of [...prefixes].sort()) {
    const last = shortest.at(-1);
    if (last === undefined || !prefix.startsWith(last)) shortest.push(prefix);
  }
  return (name) => {
    let low = 0;
    let high = shortest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((shortest[middle] ?? '') <= name) low = middle + 1;
      else high = middle;
    }
    const candidate = shortest[low - 1];
    return candidate !== undefined && name.startsWith(candidate);
  };
}
