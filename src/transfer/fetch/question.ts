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

/** What a client asks of upload-pack, in the same words whatever the version of the protocol. */
export interface FetchQuestion extends HistoryLimits {
  readonly version: ProtocolVersion;
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  readonly wantRefs: readonly string[];
  readonly packfileUris: readonly string[];
  /** Negotiation is over: the pack is to be sent now. */
  readonly done: boolean;
  /** Every other word that may change the answer, sorted: capabilities of v0, arguments and capabilities of v2. */
  readonly words: readonly string[];
}

/** A fetch that is short enough to be read whole before it is answered. */
export interface WholeFetch {
  readonly question: FetchQuestion;
  /** All of the request. */
  readonly bytes: readonly Buffer[];
}

/** What a POST of `git-upload-pack` turned out to be. */
export type UploadPost =
  | {
      readonly command: 'ls-refs';
      readonly options: LsRefsOptions;
      readonly objectFormat: string | undefined;
    }
  | { readonly command: 'fetch'; readonly whole: WholeFetch | undefined }
  | { readonly command: 'nothing' }
  | { readonly command: 'unknown'; readonly name: string };

/** A request is read whole up to this many bytes; a longer one is put aside as it comes. */
const READ_WHOLE = 1024 * 1024;

/** So many bytes each request may have in memory, whatever others have: most requests are far below. */
const READ_ALWAYS = 64 * 1024;

/** Bytes that all requests together may have in memory above that. */
const READ_WHOLE_TOGETHER = 64 * 1024 * 1024;

/** Decoded bytes of a request that are read at all, so that its client gets to read why it is refused. */
export const FETCH_REQUEST_BYTES = 256 * 1024 * 1024;

/** The parsers see little more than that, so they need no limit of their own. */
const UNLIMITED = { limits: { bytes: Number.POSITIVE_INFINITY } };

/** What a client says of itself: no answer depends on it. */
const ABOUT_THE_CLIENT = /^(agent|session-id|server-option)(=|$)/;

/** The object format that a client takes the repository to have; undefined when it does not say. */
export function formatIn({ words }: FetchQuestion): string | undefined {
  return words.find((word) => word.startsWith('object-format='))?.slice('object-format='.length);
}

/** True when the client sent this word, with a value or without. */
export function says(question: FetchQuestion, name: string): boolean {
  return question.words.some((word) => word === name || word.startsWith(`${name}=`));
}

/**
 * A name for everything that a fetch is answered by, besides the state it is answered from: equal questions get answers
 * that are as good as equal.
 * @returns undefined where the order of the question matters, too: a client of v0 or v1 that says in rounds what it has
 */
export function nameOfQuestion(question: FetchQuestion): Digest | undefined {
  if (question.version !== 2 && question.haves.length > 0) return undefined;
  const set = (ids: readonly string[]) => [...new Set(ids)].sort();
  const { wants, haves, shallow, deepenNot, wantRefs, ...rest } = question;
  const sorted = [wants, haves, shallow, deepenNot, wantRefs].map(set);
  return sha256(JSON.stringify([sorted, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))]));
}

/**
 * Finds out what is asked. What was read is given back to the body: upload-pack reads it again.
 * @param format asked for when the request does not say how long its ids are
 * @param memory for what is read; it is to be forgotten when the request has ended
 * @throws CairnError `invalid` for a request that is none; what `body` and `format` throw
 */
export async function readUploadPost(
  body: RequestBody,
  version: ProtocolVersion,
  format: () => Promise<ObjectFormat>,
  memory: QuestionMemory,
): Promise<UploadPost> {
  const reading = new Reading(body, memory);
  try {
    return version === 2
      ? await readCommand(reading)
      : await readUploadRequest(reading, version, await format());
  } finally {
    reading.giveBack();
  }
}

/**
 * The bytes of a request, counted as they come: whoever reads them first finds out that there are too many.
 * @throws RequestRefusal when the request is too large; what the body throws
 */
export async function* boundedQuestion(body: RequestBody): AsyncGenerator<Buffer, void, undefined> {
  const bounds = new UploadRequestBounds();
  const pauses = new Yielder();
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    bounds.push(chunk);
    yield chunk;
    await pauses.next();
  }
}

/** The memory of all questions of one server. */
export function questionMemory(): ByteBudget {
  return new ByteBudget(READ_WHOLE_TOGETHER);
}

/** The share that one question has of the memory of all. */
export class QuestionMemory {
  private readonly share: BudgetShare;
  private kept = 0;

  constructor(all: ByteBudget) {
    this.share = new BudgetShare(all, READ_ALWAYS);
  }

  /** Counts bytes as kept. False when they are more than one question, or all of them, may keep. */
  keep(bytes: number): boolean {
    this.kept += bytes;
    return this.kept <= READ_WHOLE && this.share.keep(bytes);
  }

  /** Nothing is kept any longer. */
  forget(): void {
    this.share.forget();
  }
}

/** Reads a body and remembers what it read. */
class Reading {
  size = 0;
  /** More was read than may be kept. */
  tooLong = false;
  private readonly body: RequestBody;
  private readonly memory: QuestionMemory;
  /** What was read. */
  readonly chunks: Buffer[] = [];

  constructor(body: RequestBody, memory: QuestionMemory) {
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

  giveBack(): void {
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
    const question = questionOfV2(args, capabilities.toString());
    return { command, whole: { question, bytes: reading.chunks } };
  }
  if (reading.size === 0) return { command: 'nothing' };
  throw new CairnError('invalid', 'the request ended early');
}

function questionOfV2(args: readonly string[], capabilities: string): FetchQuestion {
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
  const question = { version, ...rest, wantRefs: [], packfileUris: [], words };
  return { command: 'fetch', whole: { question, bytes: reading.chunks } };
}

function meaningful(words: readonly (string | false)[]): string[] {
  const said = words.filter(
    (word) => typeof word === 'string' && word !== '' && !ABOUT_THE_CLIENT.test(word),
  );
  return [...new Set(said as string[])].sort();
}
