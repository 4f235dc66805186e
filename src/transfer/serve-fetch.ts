import { encodeErrorPacket } from '../git/index.ts';
import type { Git } from '../git-process/git.ts';
import type { ArtifactCache } from '../repository/artifact-cache.ts';
import type { ParentState } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotLease } from '../repository/snapshot-cache.ts';
import type { Advertiser, ProtocolVersion } from './advertise-refs.ts';
import { FetchLook } from './fetch-look.ts';
import { planStoredAnswer } from './fetch-plan.ts';
import { readUploadPost } from './fetch-question.ts';
import type { GitPlaces } from './git-places.ts';
import type { Offload } from './offload.ts';
import type { Output } from './output.ts';
import type { RequestBody } from './request-body.ts';
import { runUploadPack } from './run-upload-pack.ts';
import { sendStoredAnswer } from './stored-pack.ts';

/** What a fetch was answered by: a stored pack, several joined to one, the object store itself, or `git upload-pack`. */
export type FetchAnswer = 'stored' | 'spliced' | 'elsewhere' | 'git';

/** Hears of every fetch. */
export interface FetchObserver {
  answered(by: FetchAnswer): void;
  /** What went wrong in the middle of an answer, when its client was told in the answer itself. */
  brokenOff(repository: string, error: unknown): void;
}

export interface ServeFetchContext {
  readonly git: Git;
  readonly places: GitPlaces;
  readonly advertiser: Advertiser;
  readonly cache: ArtifactCache;
  /** Milliseconds for which a look at the pointer is good enough for a fetch of refs it showed. */
  readonly recency: number;
  readonly observer: FetchObserver;
  /** Left out where all clients are served by this server. */
  readonly offload?: Offload;
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

/**
 * Answers the POST of `git-upload-pack`: `ls-refs` from the manifest; a fetch of everything, where packs are stored that
 * are just that, by sending these; every other one by `git upload-pack` on a snapshot.
 *
 * @throws CairnError before anything is written: `not-found`, `invalid`, `unavailable`, `corrupt`, `busy`, and what
 *   `admit` throws
 */
export async function serveFetch(context: ServeFetchContext, request: FetchRequestIn): Promise<void> {
  const { repository, output, version, admit } = request;
  const look = new FetchLook(repository, context.recency);
  const format = async () => admit(await look.recent()).manifest.objectFormat;
  const post = await readUploadPost(request.body, version, format);
  if (post.command === 'nothing') return;
  if (post.command === 'unknown' && post.name === 'bundle-uri' && context.offload !== undefined) {
    const { manifest } = admit(await look.recent());
    await output.write(await context.offload.bundleList(repository.id, manifest));
    return;
  }
  if (post.command === 'unknown') {
    await output.write(encodeErrorPacket(`unknown command '${post.name}'`));
    return;
  }
  if (post.command === 'ls-refs') {
    const state = admit(request.looked ? await look.recent() : await look.fresh());
    await context.advertiser.lsRefs(state.manifest, post.options, output);
    return;
  }
  const state = admit(await look.showing(post.question?.wants));
  const elsewhere =
    post.question && (await context.offload?.packfileAnswer(repository.id, state.manifest, post.question));
  if (elsewhere !== undefined) {
    context.observer.answered('elsewhere');
    await output.write(elsewhere);
    return;
  }
  // A client that would have gone elsewhere takes what others take just as well.
  const question = post.question && { ...post.question, packfileUris: [] };
  const stored = question && planStoredAnswer(state.manifest, question, () => undefined);
  if (stored === undefined) {
    context.observer.answered('git');
    return answerByGit(context, request, state);
  }
  context.observer.answered(stored.parts.length === 1 ? 'stored' : 'spliced');
  const open = (pack: Parameters<ArtifactCache['stream']>[2]) =>
    context.cache.stream(repository.id, 'pack', pack);
  const trouble = await sendStoredAnswer(stored, state.manifest.objectFormat, open, output, request.signal);
  if (trouble !== undefined) context.observer.brokenOff(String(repository), trouble);
}

async function answerByGit(
  { git, places }: ServeFetchContext,
  { repository, version, body, output, signal }: FetchRequestIn,
  state: ParentState,
): Promise<void> {
  const release = await places.acquire(String(repository), signal);
  let snapshot: SnapshotLease | undefined;
  try {
    snapshot = await repository.snapshot(state);
    signal.throwIfAborted();
    await runUploadPack(git, { gitDir: snapshot.path, version, body, output, signal });
  } finally {
    snapshot?.release();
    release();
  }
}
