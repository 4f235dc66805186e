import {
  CommandRequestParser,
  type HistoryLimits,
  type LsRefsOptions,
  type ObjectFormat,
  parseFetch,
  parseLsRefs,
  UploadRequestBounds,
  UploadRequestParser,
} from '../../git/index.ts';
import { BudgetShare, ByteBudget } from '../../lib/byte-budget.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import type { RequestBody } from '../request-body.ts';
import type { ProtocolVersion } from './advertise-refs.ts';

/** A fetch in a form that is the same for every version of the protocol. */
export interface FetchQuery extends HistoryLimits {
  readonly version: ProtocolVersion;
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  readonly wantRefs: readonly string[];
  readonly packfileUris: readonly string[];
  /** Negotiation is over: the server sends the pack now. */
  readonly done: boolean;
  /** Every other word that may change the response, sorted: capabilities of v0, arguments and capabilities of v2. */
  readonly words: readonly string[];
}

/** A fetch that is short enough to be read completely before it is answered. */
export interface WholeFetch {
  readonly query: FetchQuery;
  /** The whole request. */
  readonly bytes: readonly Buffer[];
}

/** The parsed POST of `git-upload-pack`. */
export type UploadPost =
  | {
      readonly command: 'ls-refs';
      readonly options: LsRefsOptions;
      readonly objectFormat: string | undefined;
    }
  | { readonly command: 'fetch'; readonly whole: WholeFetch | undefined }
  | { readonly command: 'nothing' }
  | { readonly command: 'unknown'; readonly name: string };

/** A request up to this many bytes is read completely; a longer one is spooled. */
const READ_WHOLE = 1024 * 1024;

/** Bytes that each request may keep in memory, whatever others keep: most requests are far below. */
const READ_ALWAYS = 64 * 1024;

/** Bytes that all requests together may keep in memory above that. */
const READ_WHOLE_TOGETHER = 64 * 1024 * 1024;

/** Maximum bytes read of a request that is refused, so that its client reads the reason. Counted after decoding. */
export const FETCH_REQUEST_BYTES = 256 * 1024 * 1024;

/** The parsers get little more than `READ_WHOLE` bytes, so they need no limit of their own. */
const UNLIMITED = { limits: { bytes: Number.POSITIVE_INFINITY } };

/** Words about the client: no response depends on them. */
const ABOUT_THE_CLIENT = /^(agent|session-id|server-option)(=|$)/;

/** The object format that a client states; undefined if it states none. */
export function formatIn({ words }: FetchQuery): string | undefined {
  return words.find((word) => word.startsWith('object-format='))?.slice('object-format='.length);
}

/** True if the client sent this word, with or without a value. */
export function says(query: FetchQuery, name: string): boolean {
  return query.words.some((word) => word === name || word.startsWith(`${name}=`));
}

/**
 * A digest of everything in a fetch that the response depends on. Fetches with equal digests get equivalent responses from
 * the same manifest.
 * @returns undefined if the response also depends on the order of lines: for haves in v0 or v1, which come in rounds
 */
export function fetchQueryDigest(query: FetchQuery): Digest | undefined {
  if (query.version !== 2 && query.haves.length > 0) return undefined;
  const set = (ids: readonly string[]) => [...new Set(ids)].sort();
  const { wants, haves, shallow, deepenNot, wantRefs, ...rest } = query;
  const sorted = [wants, haves, shallow, deepenNot, wantRefs].map(set);
  return sha256(JSON.stringify([sorted, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))]));
}

/**
 * Parses the request. The bytes read are put back into the body: upload-pack reads them again.
 * @param format is called for v0 and v1, whose requests do not state the length of ids
 * @param memory for the bytes read; the caller calls its `forget` when the request has ended
 * @throws CairnError `invalid` for a malformed request; what `body` and `format` throw
 */
export async function readUploadPost(
  body: RequestBody,
  version: ProtocolVersion,
  format: () => Promise<ObjectFormat>,
  memory: RequestMemory,
): Promise<UploadPost> {
  const reading = new Reading(body, memory);
  try {
    return version === 2
      ? await readCommand(reading)
      : await readUploadRequest(reading, version, await format());
  } finally {
    reading.putBack();
  }
}

/**
 * The bytes of a request, checked against the bounds as they are read.
 * @throws RequestRefusal if the request is too large; what the body throws
 */
export async function* boundedUploadRequest(body: RequestBody): AsyncGenerator<Buffer, void, undefined> {
  const bounds = new UploadRequestBounds();
  const yielder = new Yielder();
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    bounds.push(chunk);
    yield chunk;
    await yielder.next();
  }
}

/** The memory for all fetch requests of one server. */
export function fetchRequestMemory(): ByteBudget {
  return new ByteBudget(READ_WHOLE_TOGETHER);
}

/** The share of that memory that one request has. */
export class RequestMemory {
  private readonly share: BudgetShare;
  private kept = 0;

  constructor(all: ByteBudget) {
    this.share = new BudgetShare(all, READ_ALWAYS);
  }

  /** Counts bytes as kept. Returns false if this request, or all together, exceed their bound. */
  keep(bytes: number): boolean {
    this.kept += bytes;
    return this.kept <= READ_WHOLE && this.share.keep(bytes);
  }

  /** Frees everything that was counted. */
  forget(): void {
    this.share.forget();
  }
}

/** Reads a body and keeps the chunks. */
class Reading {
  size = 0;
  /** True if more was read than may be kept. */
  tooLong = false;
  private readonly body: RequestBody;
  private readonly memory: RequestMemory;
  readonly chunks: Buffer[] = [];

  constructor(body: RequestBody, memory: RequestMemory) {
    this.body = body;
    this.memory = memory;
  }

  async next(): Promise<Buffer | undefined> {
    const chunk = await this.body.next();
    if (chunk !== undefined) {
      this.chunks.push(chunk);
      this.size += chunk.length;
      if (!this.memory.keep(chunk.length)) this.tooLong = true;
    }
    return chunk;
  }

  putBack(): void {
    for (const chunk of this.chunks.toReversed()) this.body.unread(chunk);
  }
}

async function readCommand(reading: Reading): Promise<UploadPost> {
  const parser = new CommandRequestParser(UNLIMITED);
  for (let chunk = await reading.next(); chunk !== undefined; chunk = await reading.next()) {
    if (!parser.push(chunk)) {
      if (reading.tooLong) return { command: 'fetch', whole: undefined };
      continue;
    }
    const { command, capabilities, args } = parser.result;
    if (command === undefined) return { command: 'nothing' };
    if (command === 'ls-refs') {
      return {
        command,
        options: parseLsRefs(args),
        objectFormat: capabilities.value('object-format'),
      };
    }
    if (command !== 'fetch') return { command: 'unknown', name: command };
    const query = queryOfV2(args, capabilities.toString());
    return { command, whole: { query, bytes: reading.chunks } };
  }
  if (reading.size === 0) return { command: 'nothing' };
  throw new CairnError('invalid', 'the request ended early');
}

function queryOfV2(args: readonly string[], capabilities: string): FetchQuery {
  const { deepenRelative, thin, noProgress, includeTag, ofsDelta, sidebandAll, waitForDone, ...rest } =
    parseFetch(args);
  const words = [
    deepenRelative && 'deepen-relative',
    thin && 'thin-pack',
    noProgress && 'no-progress',
    includeTag && 'include-tag',
    ofsDelta && 'ofs-delta',
    sidebandAll && 'sideband-all',
    waitForDone && 'wait-for-done',
    ...capabilities.split(' '),
  ];
  return { version: 2, ...rest, words: meaningful(words) };
}

async function readUploadRequest(
  reading: Reading,
  version: 0 | 1,
  format: ObjectFormat,
): Promise<UploadPost> {
  const parser = new UploadRequestParser({ format, ...UNLIMITED });
  for (let chunk = await reading.next(); chunk !== undefined; chunk = await reading.next()) {
    parser.push(chunk);
    if (reading.tooLong) return { command: 'fetch', whole: undefined };
  }
  if (reading.size === 0) return { command: 'nothing' };
  const { capabilities, ...rest } = parser.result;
  const words = meaningful(capabilities.toString().split(' '));
  const query = { version, ...rest, wantRefs: [], packfileUris: [], words };
  return { command: 'fetch', whole: { query, bytes: reading.chunks } };
}

function meaningful(words: readonly (string | false)[]): string[] {
  const sent = words.filter(
    (word) => typeof word === 'string' && word !== '' && !ABOUT_THE_CLIENT.test(word),
  );
  return [...new Set(sent as string[])].sort();
}
