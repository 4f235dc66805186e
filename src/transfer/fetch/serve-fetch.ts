import { encodeErrorPacket, RequestRefusal } from '../../git/index.ts';
import type { Git } from '../../git-process/git.ts';
import type { ByteBudget } from '../../lib/byte-budget.ts';
import { CairnError } from '../../lib/errors.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import type { GitManifest, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { CheckedConcatenations } from '../concatenation/checked-concatenations.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import type { Output } from '../output.ts';
import { RequestBody } from '../request-body.ts';
import type { Spool, SpoolRoom } from '../spool.ts';
import type { Advertiser, ProtocolVersion } from './advertise-refs.ts';
import { runFittingUploadPack } from './fitting-upload-pack.ts';
import { ObservedState } from './observed-state.ts';
import type { Offload } from './offload.ts';
import { PatientOutput } from './patient-output.ts';
import { type Concatenations, planStoredResponse } from './plan.ts';
import type { ResponseCache } from './response-cache.ts';
import { type OpenPack, sendStoredResponse } from './stored-pack.ts';
import { runUploadPack } from './upload-pack.ts';
import {
  boundedUploadRequest,
  fetchQueryDigest,
  formatIn,
  RequestMemory,
  readUploadPost,
  type WholeFetch,
} from './upload-post.ts';

/**
 * How a fetch was answered: by a stored pack, a concatenation of several, a URL of the object store, a recorded response, a
 * recording in progress, or `git upload-pack`, which may also have refused it or failed.
 */
export type FetchResult = (typeof FETCH_RESULTS)[number];

export const FETCH_RESULTS = [
  'stored',
  'spliced',
  'elsewhere',
  'cached',
  'followed',
  'git',
  'refused',
  'broken',
] as const;

/** Is told of every fetch. */
export interface FetchObserver {
  answered(by: FetchResult): void;
}

export interface ServeFetchContext {
  readonly git: Git;
  readonly slots: FairSemaphore;
  /** For spools: responses to slow clients, and long requests. */
  readonly room: SpoolRoom;
  /** For requests that are read completely before they are answered. */
  readonly requestMemory: ByteBudget;
  readonly advertiser: Advertiser;
  readonly cache: ArtifactCache;
  readonly responses: ResponseCache;
  /** Absent if nothing may run in the background. */
  readonly concatenations?: CheckedConcatenations;
  /** Age in milliseconds up to which an observed state suffices for a fetch of refs it contains. */
  readonly recency: number;
  readonly observer: FetchObserver;
  /** Absent if clients get no URLs of the object store. */
  readonly offload?: Offload;
}

export interface FetchRequestIn {
  readonly repository: GitRepository;
  readonly version: ProtocolVersion;
  /**
   * Checks that the client may read a state, and that there is one.
   * @throws CairnError if it may not, or if there is none
   */
  readonly admit: (state: PublishedGitState | undefined) => PublishedGitState;
  /** True if the store was asked for this repository a moment ago, for the same command. */
  readonly looked: boolean;
  /** The network address of the client. Spool room is shared out by address. */
  readonly caller: string;
  readonly body: RequestBody;
  readonly output: Output;
  /** Is called with the reason if git refuses the request. The client gets the reason, too. */
  readonly onRefused: (reason: string) => void;
  /** Is called with an error in the middle of a response. The response reports it to the client. */
  readonly onBroken: (error: unknown) => void;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/**
 * Answers the POST of `git-upload-pack`. `ls-refs` is answered from the manifest, a full clone by stored packs if they fit
 * exactly, every other fetch by `git upload-pack` on a snapshot or from the response cache.
 *
 * @throws CairnError before anything is written: `not-found`, `invalid` (RequestRefusal for a request that is too large),
 *   `unavailable`, `corrupt`, `busy`, and what `admit` throws
 */
export async function serveFetch(context: ServeFetchContext, incoming: FetchRequestIn): Promise<void> {
  const memory = new RequestMemory(context.requestMemory);
  const body = new RequestBody(boundedUploadRequest(incoming.body));
  try {
    await answerPost(context, { ...incoming, body }, memory);
  } finally {
    memory.forget();
  }
}

async function answerPost(
  context: ServeFetchContext,
  request: FetchRequestIn,
  memory: RequestMemory,
): Promise<void> {
  const { repository, output, version, admit } = request;
  const observed = new ObservedState(repository, context.recency);
  const format = async () => admit(await observed.recent()).manifest.objectFormat;
  const post = await readUploadPost(request.body, version, format, memory);
  if (post.command === 'nothing') return;
  if (post.command === 'unknown' && post.name === 'bundle-uri' && context.offload !== undefined) {
    const { manifest } = admit(await observed.recent());
    await output.write(await context.offload.bundleList(repository.id, manifest));
    return;
  }
  if (post.command === 'unknown') {
    await output.write(encodeErrorPacket(`unknown command '${post.name}'`));
    return;
  }
  if (post.command === 'ls-refs') {
    const state = admit(request.looked ? await observed.recent() : await observed.fresh());
    checkFormat(post.objectFormat, state);
    await context.advertiser.lsRefs(state.manifest, post.options, output, state.digest);
    return;
  }
  const { whole } = post;
  const state = admit(await observed.showing(whole?.query.wants));
  if (whole !== undefined) {
    // Before version 2, git ignores the object format that the client states.
    if (version === 2) checkFormat(formatIn(whole.query), state);
    context.observer.answered(await answerFetch(context, request, state, whole));
    return;
  }
  // A long request is read completely before git takes a slot and starts.
  const spool = context.room.open(request.caller);
  try {
    await putAside(request.body, spool);
    const body = new RequestBody(spool.read());
    context.observer.answered(await runGit(context, request, state, request, body));
  } finally {
    await spool.drop();
  }
}

/** @throws RequestRefusal in git's words if the client states another object format */
function checkFormat(asked: string | undefined, { manifest: { objectFormat } }: PublishedGitState): void {
  if (asked === undefined || asked === objectFormat) return;
  throw new RequestRefusal(`mismatched object format: server ${objectFormat}; client ${asked}`);
}

/** Spools the request. @throws CairnError `busy` if there is no room for it */
async function putAside(body: RequestBody, spool: Spool): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await spool.append(chunk))) {
      throw new CairnError('busy', 'there is no memory for so large a request now, try again in a moment');
    }
  }
  spool.end();
}

async function answerFetch(
  context: ServeFetchContext,
  request: FetchRequestIn,
  state: PublishedGitState,
  whole: WholeFetch,
): Promise<FetchResult> {
  const { repository, output, signal } = request;
  const { manifest } = state;
  const elsewhere = await context.offload?.packfileUriResponse(repository.id, manifest, whole.query);
  if (elsewhere !== undefined) {
    await output.write(elsewhere);
    return 'elsewhere';
  }
  // A client that offered `packfile-uris` accepts a usual response, too.
  const query = { ...whole.query, packfileUris: [] };
  const stored = await planStoredResponse(
    manifest,
    query,
    concatenationsOf(context, repository.id, manifest),
  );
  if (stored !== undefined) {
    const open: OpenPack = (pack) => context.cache.stream(repository.id, 'pack', pack);
    const trouble = await sendStoredResponse(stored, manifest.objectFormat, open, output, signal);
    if (trouble !== undefined) request.onBroken(trouble);
    return stored.parts.length === 1 ? 'stored' : 'spliced';
  }
  const name = fetchQueryDigest(query);
  if (name === undefined) return runGit(context, request, state, request, whole.bytes);
  const asked = { repository: String(repository), manifest: state.digest, request: name };
  let made: FetchResult = 'git';
  const by = await context.responses.serve(asked, output, signal, async (sink, left) => {
    // Followers may outlive the first client and its connection, so git reads the request from memory.
    made = await runGit(context, request, state, { output: sink, signal: left }, whole.bytes);
    // A refusal is sent to the clients that wait now, but is not recorded.
    return made === 'git' ? 'whole' : 'flawed';
  });
  return by === 'produced' ? made : by;
}

function concatenationsOf(
  { concatenations }: ServeFetchContext,
  id: RepositoryId,
  manifest: GitManifest,
): Concatenations | undefined {
  if (concatenations === undefined) return undefined;
  return {
    find: (wants) => concatenations.find(id, manifest, wants),
    noteExact: (entry, wants) => concatenations.noteExact(id, entry, wants),
  };
}

function objectsIn({ packs }: GitManifest): number {
  return packs.reduce((sum, { objects }) => sum + objects, 0);
}

async function runGit(
  { git, slots, room }: ServeFetchContext,
  { repository, version, caller, onRefused, onBroken }: FetchRequestIn,
  state: PublishedGitState,
  streams: Pick<FetchRequestIn, 'output' | 'signal'>,
  asked: readonly Buffer[] | RequestBody,
): Promise<'git' | 'refused' | 'broken'> {
  const { signal } = streams;
  const output = new PatientOutput({
    output: streams.output,
    room,
    caller,
    contended: () => slots.contended,
  });
  try {
    // The snapshot comes before the slot: a download must not keep other requests from running git.
    const snapshot = await repository.snapshot(state);
    let ended: Awaited<ReturnType<typeof runUploadPack>>;
    try {
      const release = await slots.acquire(String(repository), signal);
      try {
        const run = {
          gitDir: snapshot.path,
          objects: objectsIn(state.manifest),
          version,
          output,
          signal,
        };
        // What is too long for memory is read by git once, and then gone.
        ended = await (asked instanceof RequestBody
          ? runUploadPack(git, { ...run, body: asked })
          : runFittingUploadPack(git, run, asked));
      } finally {
        release();
      }
    } finally {
      snapshot.release();
    }
    await output.finish();
    if (ended.end === 'whole') return 'git';
    if (ended.end === 'refused') onRefused(ended.reason);
    else onBroken(ended.trouble);
    return ended.end;
  } finally {
    await output.abandon();
  }
}
