import type { ObjectFormat } from '../object-id.ts';
import { readObjectId } from '../object-id.ts';
import type { Head } from '../protocol/advertisement.ts';
import { lineOf } from '../protocol/pkt-line.ts';
import { cleanReason } from '../reason.ts';
import { decodeRefName, refFormatProblem } from '../refs/ref-name.ts';

/** A ref whose name cannot be used here, with the reason. */
export interface UnusableRef {
  /** Its name without control characters, for people only. */
  readonly shownName: string;
  readonly reason: string;
}

/** The refs of a remote repository, as it lists them. */
export interface ListedRefs {
  /** Object ids by the names of the refs, without HEAD. */
  readonly refs: ReadonlyMap<string, string>;
  /** The peeled object id of each annotated tag, by the name of its ref. */
  readonly peeled: ReadonlyMap<string, string>;
  /** The branch of HEAD, where the remote names one; without an object id when it is unborn. */
  readonly head: Head | undefined;
  readonly unusable: readonly UnusableRef[];
}

const SPACE = 0x20;

/** Collects what a remote lists. Names are checked, because a remote can send anything. */
export class RefCollector {
  private readonly format: ObjectFormat;
  private readonly refs = new Map<string, string>();
  private readonly peeled = new Map<string, string>();
  private readonly unusable: UnusableRef[] = [];
  private headTarget: string | undefined;
  private headOid: string | undefined;

  constructor(format: ObjectFormat) {
    this.format = format;
  }

  /**
   * Takes a line of protocol v0 or v1: `<id> <name>`, after the capabilities were cut off. Drops `.have` lines.
   * @returns false when it is not such a line
   */
  addV0(payload: Buffer): boolean {
    const line = lineOf(payload);
    const space = line.indexOf(SPACE);
    const oid = readObjectId(line.toString('latin1', 0, Math.max(space, 0)), this.format);
    if (oid === undefined) return false;
    const name = line.subarray(space + 1);
    if (name.toString('latin1') !== 'capabilities^{}') this.add(oid, name);
    return true;
  }

  /**
   * Takes a line of `ls-refs` (gitprotocol-v2): `<id> <name>`, then `symref-target:…` and `peeled:…`.
   * @returns false when it is not such a line
   */
  addLsRefs(payload: Buffer): boolean {
    const words = splitAtSpaces(lineOf(payload));
    const [first, name, ...attributes] = words;
    if (first === undefined || name === undefined || name.length === 0) return false;
    const id = first.toString('latin1');
    const oid = readObjectId(id, this.format);
    if (oid === undefined && id !== 'unborn') return false;
    if (oid !== undefined) this.add(oid, name);
    for (const attribute of attributes) {
      const text = attribute.toString('utf8');
      if (text.startsWith('symref-target:') && isHead(name)) this.symref('HEAD', text.slice(14));
      const peeledOid = text.startsWith('peeled:') ? readObjectId(text.slice(7), this.format) : undefined;
      if (peeledOid !== undefined) this.peeled.set(name.toString('utf8'), peeledOid);
    }
    return true;
  }

  /** Notes that a symbolic ref points at another ref. Only HEAD matters. */
  symref(name: string, target: string): void {
    if (name === 'HEAD' && nameProblem(target) === undefined) this.headTarget = target;
  }

  /** What was collected. Where the remote does not say which branch HEAD is, the one with the same object id is taken. */
  finish(): ListedRefs {
    const { refs, peeled, unusable } = this;
    for (const name of peeled.keys()) if (!refs.has(name)) peeled.delete(name);
    return { refs, peeled, head: this.head(), unusable };
  }

  private head(): Head | undefined {
    const target = this.headTarget ?? this.guessedHead();
    if (target === undefined) return undefined;
    return { target, oid: this.refs.get(target) };
  }

  /** As `git clone` guesses: the usual names first, then any branch. */
  private guessedHead(): string | undefined {
    if (this.headOid === undefined) return undefined;
    const same = [...this.refs].filter(
      ([name, oid]) => name.startsWith('refs/heads/') && oid === this.headOid,
    );
    const names = same.map(([name]) => name);
    const usual = ['refs/heads/main', 'refs/heads/master'].find((name) => names.includes(name));
    return usual ?? names[0];
  }

  private add(oid: string, nameBytes: Buffer): void {
    if (isHead(nameBytes)) {
      this.headOid = oid;
      return;
    }
    const name = decodeRefName(nameBytes);
    if (name === undefined) {
      this.refuse(nameBytes, 'its name is not UTF-8');
      return;
    }
    if (name === '.have') return;
    if (name.endsWith('^{}')) {
      this.peeled.set(name.slice(0, -3), oid);
      return;
    }
    const problem = nameProblem(name);
    if (problem === undefined) this.refs.set(name, oid);
    else this.refuse(nameBytes, problem);
  }

  private refuse(name: Buffer, reason: string): void {
    this.unusable.push({ shownName: cleanReason(name.toString('utf8')), reason });
  }
}

/** Refs of other hosts need not be in a folder below `refs/`, and may be longer than Cairn's. */
function nameProblem(name: string): string | undefined {
  if (!name.startsWith('refs/')) return 'its name does not start with "refs/"';
  return refFormatProblem(name);
}

function isHead(name: Buffer): boolean {
  return name.length === 4 && name.toString('latin1') === 'HEAD';
}

function splitAtSpaces(line: Buffer): Buffer[] {
  const words: Buffer[] = [];
  let start = 0;
  for (let space = line.indexOf(SPACE); space !== -1; space = line.indexOf(SPACE, start)) {
    words.push(line.subarray(start, space));
    start = space + 1;
  }
  return [...words, line.subarray(start)];
}
