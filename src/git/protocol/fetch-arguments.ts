import type { ObjectFormat } from '../object-id.ts';
import { numberIn, objectIdIn, unexpectedLine } from './request-line.ts';
import { RequestRefusal } from './request-refusal.ts';

/** Limits on the history that a client wants. Every version of the protocol uses the same words. */
export interface HistoryLimits {
  /** Commits whose parents the client does not have. */
  readonly shallow: readonly string[];
  /** How many commits deep, at least 1. */
  readonly deepen?: number;
  /** Seconds since the epoch. */
  readonly deepenSince?: number;
  /** Refs (not ids) whose history is left out. */
  readonly deepenNot: readonly string[];
  /** Which objects are left out, in the syntax of `git rev-list --filter`. */
  readonly filter?: string;
}

/** Bytes of a filter. Combined ones may be nested, and git unwraps them one by one: 60 KiB took it 5 s, and all its memory. */
const LONGEST_FILTER = 4096;

/** Collects {@link HistoryLimits} line by line. */
export class HistoryLimitsReader {
  readonly #shallow: string[] = [];
  readonly #deepenNot: string[] = [];
  #deepen: number | undefined;
  #deepenSince: number | undefined;
  #filter: string | undefined;

  /** Reads one line. Returns true if it is one of these words. Throws `invalid` if its value is not allowed. */
  take(line: string, format?: ObjectFormat): boolean {
    const space = line.indexOf(' ');
    const value = line.slice(space + 1);
    switch (line.slice(0, space + 1)) {
      case 'shallow ':
        this.#shallow.push(objectIdIn(line, value, format));
        return true;
      case 'deepen ':
        this.#deepen = numberIn(line, value, 0x7fff_ffff);
        return true;
      case 'deepen-since ':
        this.#deepenSince = numberIn(line, value, Number.MAX_SAFE_INTEGER);
        return true;
      case 'deepen-not ':
        this.#deepenNot.push(value);
        return true;
      case 'filter ':
        if (this.#filter !== undefined) {
          throw new RequestRefusal('a request may have only one filter');
        }
        if (Buffer.byteLength(value) > LONGEST_FILTER) {
          throw new RequestRefusal(`a filter may have ${LONGEST_FILTER} bytes, and this one has more`);
        }
        this.#filter = value;
        return true;
      default:
        return false;
    }
  }

  /** The collected limits. Throws `invalid` if they exclude each other. */
  result(): HistoryLimits {
    if (this.#deepen !== undefined && (this.#deepenSince !== undefined || this.#deepenNot.length > 0)) {
      throw new RequestRefusal('deepen and deepen-since (or deepen-not) cannot be used together');
    }
    return {
      shallow: this.#shallow,
      deepenNot: this.#deepenNot,
      ...(this.#deepen !== undefined && { deepen: this.#deepen }),
      ...(this.#deepenSince !== undefined && { deepenSince: this.#deepenSince }),
      ...(this.#filter !== undefined && { filter: this.#filter }),
    };
  }
}

/** The arguments of a `fetch` command of protocol v2. */
export interface FetchRequest extends HistoryLimits {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  readonly wantRefs: readonly string[];
  /** Negotiation is over: the server sends the pack now. */
  readonly done: boolean;
  readonly deepenRelative: boolean;
  readonly thin: boolean;
  readonly noProgress: boolean;
  readonly includeTag: boolean;
  readonly ofsDelta: boolean;
  readonly sidebandAll: boolean;
  readonly waitForDone: boolean;
  /** Protocols by which the client can download parts of the pack from URLs. */
  readonly packfileUris: readonly string[];
}

const flags = {
  done: 'done',
  deepenRelative: 'deepen-relative',
  thin: 'thin-pack',
  noProgress: 'no-progress',
  includeTag: 'include-tag',
  ofsDelta: 'ofs-delta',
  sidebandAll: 'sideband-all',
  waitForDone: 'wait-for-done',
} as const;
const flagWords: ReadonlySet<string> = new Set(Object.values(flags));

/**
 * Parses the arguments of `fetch` (gitprotocol-v2). Object ids must have the length of `format`, or of any format if
 * none is given. Throws `invalid` for an unknown argument.
 */
export function parseFetch(args: readonly string[], format?: ObjectFormat): FetchRequest {
  const wants: string[] = [];
  const haves: string[] = [];
  const wantRefs: string[] = [];
  const packfileUris: string[] = [];
  const given = new Set<string>();
  const limits = new HistoryLimitsReader();
  for (const arg of args) {
    if (arg.startsWith('want ')) wants.push(objectIdIn(arg, arg.slice('want '.length), format));
    else if (arg.startsWith('have ')) haves.push(objectIdIn(arg, arg.slice('have '.length), format));
    else if (arg.startsWith('want-ref ')) wantRefs.push(arg.slice('want-ref '.length));
    else if (arg.startsWith('packfile-uris '))
      packfileUris.push(...arg.slice('packfile-uris '.length).split(','));
    else if (flagWords.has(arg)) given.add(arg);
    else if (!limits.take(arg, format)) throw unexpectedLine('fetch', arg);
  }
  return {
    ...limits.result(),
    wants,
    haves,
    wantRefs,
    packfileUris,
    done: given.has(flags.done),
    deepenRelative: given.has(flags.deepenRelative),
    thin: given.has(flags.thin),
    noProgress: given.has(flags.noProgress),
    includeTag: given.has(flags.includeTag),
    ofsDelta: given.has(flags.ofsDelta),
    sidebandAll: given.has(flags.sidebandAll),
    waitForDone: given.has(flags.waitForDone),
  };
}
