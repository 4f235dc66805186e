import {
  CommandRequestParser,
  encodeErrorPacket,
  type LsRefsOptions,
  parseFetch,
  parseLsRefs,
  UploadRequestParser,
} from '../git/index.ts';
import { uploadPack } from '../git-process/commands.ts';
import type { Git } from '../git-process/git.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError, isCairnError } from '../lib/errors.ts';
import { writeChunk } from '../lib/streams.ts';
import type { Manifest, ParentState } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotLease } from '../repository/snapshot-cache.ts';
import type { Advertiser, ProtocolVersion } from './advertise-refs.ts';
import type { GitPlaces } from './git-places.ts';
import type { Output } from './output.ts';
import { isPublic } from './repository-access.ts';
import type { RequestBody } from './request-body.ts';

export interface ServeFetchContext {
  readonly git: Git;
  readonly places: GitPlaces;
  readonly advertiser: Advertiser;
  /** Milliseconds for which a look at the pointer is good enough for a fetch of refs it showed. */
  readonly recency: number;
}

export interface FetchRequestIn {
  readonly repository: Repository;
  readonly version: ProtocolVersion;
  /**
   * Lets its sender see a state, which is then there.
   * @throws CairnError when he may not, or when there is none
   */
  readonly admit: (state: ParentState | undefined) => ParentState;
  /** True when the store was asked for this repository moments ago, and for this very command. */
  readonly looked: boolean;
  readonly body: RequestBody;
  readonly output: Output;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A request is read whole up to this many bytes, to see what it wants; a longer one is passed on as it comes. */
const PARSED_BYTES = 1024 * 1024;

/** The parsers see no more than that, so they need no limit of their own. */
const UNLIMITED = { limits: { bytes: Number.POSITIVE_INFINITY } };

/** What could be learnt from the beginning of a request. */
type Request =
  | { readonly command: 'ls-refs'; readonly options: LsRefsOptions }
  | { readonly command: 'fetch'; readonly wants: readonly string[] | undefined }
  | { readonly command: 'nothing' }
  | { readonly command: 'unknown'; readonly name: string };

/**
 * Answers the POST of `git-upload-pack`: `ls-refs` from the manifest, a fetch by `git upload-pack` on a snapshot, both
 * directions streamed at once so that thousands of haves cannot fill a pipe nobody reads.
 *
 * @throws CairnError before anything is written: `not-found`, `invalid`, `unavailable`, `corrupt`, `busy`, and what
 *   `admit` throws
 */
export async function serveFetch(context: ServeFetchContext, request: FetchRequestIn): Promise<void> {
  const { repository, output, version, admit } = request;
  const look = new Look(repository, context.recency);
  const read = await readRequest(request.body, version, async () => admit(await look.recent()));
  if (read.command === 'nothing') return;
  if (read.command === 'unknown') {
    await output.write(encodeErrorPacket(`unknown command '${read.name}'`));
    return;
  }
  if (read.command === 'ls-refs') {
    const state = admit(request.looked ? await look.recent() : await look.fresh());
    await output.write(context.advertiser.lsRefs(state.manifest, read.options));
    return;
  }
  await runUploadPack(context, request, admit(await look.showing(read.wants)));
}

/** What one request sees of a repository. The store is asked at most once; what it said last will do if anyone may see it. */
class Look {
  private readonly repository: Repository;
  private readonly recency: number;
  private asked: Promise<ParentState | undefined> | undefined;

  constructor(repository: Repository, recency: number) {
    this.repository = repository;
    this.recency = recency;
  }

  /** The state as it is now. */
  fresh(): Promise<ParentState | undefined> {
    this.asked ??= this.repository.resolve();
    return this.asked;
  }

  /** The state seen a moment ago if it may be read by anyone, else a fresh look. */
  async recent(): Promise<ParentState | undefined> {
    const recent = await this.repository.peek(this.recency);
    return recent !== undefined && isPublic(recent.manifest) ? recent : this.fresh();
  }

  /** A state recent enough for these wants; a look at the store is spared when all of them are refs just shown. */
  async showing(wants: readonly string[] | undefined): Promise<ParentState | undefined> {
    const recent = wants === undefined ? undefined : await this.repository.peek(this.recency);
    if (wants === undefined || recent === undefined || !isPublic(recent.manifest)) return this.fresh();
    const shown = shownObjects(recent.manifest);
    return wants.every((oid) => shown.has(oid)) ? recent : this.fresh();
  }
}

const shownByManifest = new WeakMap<Manifest, ReadonlySet<string>>();

/** Every object id an advertisement of this manifest shows. */
function shownObjects(manifest: Manifest): ReadonlySet<string> {
  let shown = shownByManifest.get(manifest);
  if (shown === undefined) {
    shown = new Set([...manifest.refs.values(), ...manifest.peeled.values()]);
    shownByManifest.set(manifest, shown);
  }
  return shown;
}

async function runUploadPack(
  context: ServeFetchContext,
  request: FetchRequestIn,
  state: ParentState,
): Promise<void> {
  const { body, output, signal, repository } = request;
  const release = await context.places.acquire(String(repository), signal);
  let snapshot: SnapshotLease | undefined;
  try {
    snapshot = await repository.snapshot(state);
    signal.throwIfAborted();
    const git = context.git.start(uploadPack(snapshot.path, request.version), { signal });
    git.stderr.resume();
    const feeding = feed(body, git.stdin).catch((error: unknown) => {
      git.stop();
      return error;
    });
    let answered = false;
    try {
      for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
        answered = true;
        if (!(await output.write(chunk))) {
          git.stop();
          break;
        }
      }
    } finally {
      git.stdout.destroy();
    }
    const result = await git.ended;
    signal.throwIfAborted();
    const trouble = result.cancelled ? await feeding : undefined;
    if (isCairnError(trouble)) throw trouble;
    // git tells its client what is wrong in the stream, if it can: only silence, or a violent end, is left to be told.
    if (result.exitCode !== 0 && (!answered || result.signal !== null)) {
      throw new CairnError('unavailable', failureReason('upload-pack', result));
    }
  } finally {
    snapshot?.release();
    release();
  }
}

/** Copies the body to git. When git stops reading, it has what it needs: the rest stays unread. */
async function feed(body: RequestBody, stdin: Parameters<typeof writeChunk>[0]): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await writeChunk(stdin, chunk))) return;
  }
  stdin.end();
}

async function readRequest(
  body: RequestBody,
  version: ProtocolVersion,
  state: () => Promise<ParentState>,
): Promise<Request> {
  const read: Buffer[] = [];
  let size = 0;
  const nextChunk = async (): Promise<Buffer | undefined> => {
    const chunk = await body.next();
    if (chunk !== undefined) {
      read.push(chunk);
      size += chunk.length;
    }
    return chunk;
  };
  try {
    if (version === 2) return await readCommand(nextChunk, () => size);
    return await readUploadRequest(nextChunk, () => size, state);
  } finally {
    for (const chunk of read.reverse()) body.unread(chunk);
  }
}

async function readCommand(next: () => Promise<Buffer | undefined>, size: () => number): Promise<Request> {
  const parser = new CommandRequestParser(UNLIMITED);
  for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
    if (!parser.push(chunk)) {
      if (size() > PARSED_BYTES) return { command: 'fetch', wants: undefined };
      continue;
    }
    const { command, args } = parser.result;
    if (command === undefined) return { command: 'nothing' };
    if (command === 'ls-refs') return { command, options: parseLsRefs(args) };
    if (command === 'fetch') return { command, wants: parseFetch(args).wants };
    return { command: 'unknown', name: command };
  }
  if (size() === 0) return { command: 'nothing' };
  throw new CairnError('invalid', 'the request ended early');
}

async function readUploadRequest(
  next: () => Promise<Buffer | undefined>,
  size: () => number,
  state: () => Promise<ParentState>,
): Promise<Request> {
  const format = (await state()).manifest.objectFormat;
  const parser = new UploadRequestParser({ format, ...UNLIMITED });
  for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
    parser.push(chunk);
    if (size() > PARSED_BYTES) return { command: 'fetch', wants: undefined };
  }
  if (size() === 0) return { command: 'nothing' };
  return { command: 'fetch', wants: parser.result.wants };
}
