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
import { FetchLook } from './look.ts';
import type { Offload } from './offload.ts';
import { PatientOutput } from './patient-output.ts';
import { type JoinedPacks, planStoredAnswer } from './plan.ts';
import {
  boundedQuestion,
  formatIn,
  nameOfQuestion,
  QuestionMemory,
  readUploadPost,
  type WholeFetch,
} from './question.ts';
import type { ResponseCache } from './response-cache.ts';
import { type OpenPack, sendStoredAnswer } from './stored-pack.ts';
import { runUploadPack } from './upload-pack.ts';

/**
 * What a fetch was answered by: a stored pack; several joined to one; the object store itself; an answer recorded, or one
 * that was being made for somebody else; or `git upload-pack`, which may also have refused it.
 */
export type FetchAnswer = (typeof FETCH_ANSWERS)[number];

export const FETCH_ANSWERS = [
  'stored',
  'spliced',
  'elsewhere',
  'cached',
  'followed',
  'git',
  'refused',
  'broken',
] as const;

/** Hears of every fetch. */
export interface FetchObserver {
  answered(by: FetchAnswer): void;
}

export interface ServeFetchContext {
  readonly git: Git;
  readonly places: FairSemaphore;
  /** Where answers are put aside whose clients read slowly, and long questions. */
  readonly room: SpoolRoom;
  /** For questions that are read whole before they are answered. */
  readonly questionMemory: ByteBudget;
  readonly advertiser: Advertiser;
  readonly cache: ArtifactCache;
  readonly answers: ResponseCache;
  /** Left out where nothing is to go on that nobody waits for. */
  readonly proofs?: CheckedConcatenations;
  /** Milliseconds for which a look at the pointer is good enough for a fetch of refs it showed. */
  readonly recency: number;
  readonly observer: FetchObserver;
  /** Left out where all clients are served by this server. */
  readonly offload?: Offload;
}

export interface FetchRequestIn {
  readonly repository: GitRepository;
  readonly version: ProtocolVersion;
  /**
   * Lets its sender see a state, which is then there.
   * @throws CairnError when he may not, or when there is none
   */
  readonly admit: (state: PublishedGitState | undefined) => PublishedGitState;
  /** True when the store was asked for this repository moments ago, and for this very command. */
  readonly looked: boolean;
  /** The network address it comes from: room for what is slow is shared out by it. */
  readonly caller: string;
  readonly body: RequestBody;
  readonly output: Output;
  /** Told why git refused the request; its client has been told, too. */
  readonly onRefused: (reason: string) => void;
  /** Told what went wrong in the middle of an answer, in which the client has been told of it. */
  readonly onBroken: (error: unknown) => void;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/**
 * Answers the POST of `git-upload-pack`: `ls-refs` from the manifest; a fetch of everything, where packs are stored that
 * are just that, by sending these; every other one by `git upload-pack` on a snapshot, or as that has answered before.
 *
 * @throws CairnError before anything is written: `not-found`, `invalid` (RequestRefusal for a question that is too large),
 *   `unavailable`, `corrupt`, `busy`, and what `admit` throws
 */
export async function serveFetch(context: ServeFetchContext, incoming: FetchRequestIn): Promise<void> {
  const memory = new QuestionMemory(context.questionMemory);
  const body = new RequestBody(boundedQuestion(incoming.body));
  try {
    await answerPost(context, { ...incoming, body }, memory);
  } finally {
    memory.forget();
  }
}

async function answerPost(
  context: ServeFetchContext,
  request: FetchRequestIn,
  memory: QuestionMemory,
): Promise<void> {
  const { repository, output, version, admit } = request;
  const look = new FetchLook(repository, context.recency);
  const format = async () => admit(await look.recent()).manifest.objectFormat;
  const post = await readUploadPost(request.body, version, format, memory);
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
    checkFormat(post.objectFormat, state);
    await context.advertiser.lsRefs(state.manifest, post.options, output);
    return;
  }
  const { whole } = post;
  const state = admit(await look.showing(whole?.question.wants));
  if (whole !== undefined) {
    // Before version 2 git takes no notice of what the client says.
    if (version === 2) checkFormat(formatIn(whole.question), state);
    context.observer.answered(await answerFetch(context, request, state, whole));
    return;
  }
  // Git is started, and has a place, only when all of a long question is here.
  const spool = context.room.open(request.caller);
  try {
    await putAside(request.body, spool);
    const body = new RequestBody(spool.read());
    context.observer.answered(await runGit(context, request, state, { ...request, body }));
  } finally {
    await spool.drop();
  }
}

/** @throws RequestRefusal in git's words when the client takes the repository for one of another object format */
function checkFormat(asked: string | undefined, { manifest: { objectFormat } }: PublishedGitState): void {
  if (asked === undefined || asked === objectFormat) return;
  throw new RequestRefusal(`mismatched object format: server ${objectFormat}; client ${asked}`);
}

/** @throws CairnError `busy` when there is no room for it */
async function putAside(body: RequestBody, spool: Spool): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await spool.append(chunk))) {
      throw new CairnError('busy', 'there is no room for so long a request now, try again in a moment');
    }
  }
  spool.end();
}

async function answerFetch(
  context: ServeFetchContext,
  request: FetchRequestIn,
  state: PublishedGitState,
  whole: WholeFetch,
): Promise<FetchAnswer> {
  const { repository, output, signal } = request;
  const { manifest } = state;
  const elsewhere = await context.offload?.packfileAnswer(repository.id, manifest, whole.question);
  if (elsewhere !== undefined) {
    await output.write(elsewhere);
    return 'elsewhere';
  }
  // A client that would have gone elsewhere takes what others take just as well.
  const question = { ...whole.question, packfileUris: [] };
  const stored = await planStoredAnswer(manifest, question, joinedPacks(context, repository.id, manifest));
  if (stored !== undefined) {
    const open: OpenPack = (pack) => context.cache.stream(repository.id, 'pack', pack);
    const trouble = await sendStoredAnswer(stored, manifest.objectFormat, open, output, signal);
    if (trouble !== undefined) request.onBroken(trouble);
    return stored.parts.length === 1 ? 'stored' : 'spliced';
  }
  const name = nameOfQuestion(question);
  if (name === undefined) return runGit(context, request, state, request);
  const asked = { repository: String(repository), manifest: state.digest, request: name };
  let made: FetchAnswer = 'git';
  const by = await context.answers.serve(asked, output, signal, async (sink, left) => {
    // Who follows may outlive who asked first, and with him his connection: git reads the request from memory.
    const body = new RequestBody(fromMemory(whole.bytes));
    made = await runGit(context, request, state, { body, output: sink, signal: left });
    // A refusal is sent to whoever asks now, but is not worth being kept.
    return made === 'git' ? 'whole' : 'flawed';
  });
  return by === 'produced' ? made : by;
}

function joinedPacks(
  { proofs }: ServeFetchContext,
  id: RepositoryId,
  manifest: GitManifest,
): JoinedPacks | undefined {
  if (proofs === undefined) return undefined;
  return {
    find: (wants) => proofs.find(id, manifest, wants),
    noteExact: (entry, wants) => proofs.noteExact(id, entry, wants),
  };
}

function objectsIn({ packs }: GitManifest): number {
  return packs.reduce((sum, { objects }) => sum + objects, 0);
}

async function* fromMemory(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

async function runGit(
  { git, places, room }: ServeFetchContext,
  { repository, version, caller, onRefused, onBroken }: FetchRequestIn,
  state: PublishedGitState,
  streams: Pick<FetchRequestIn, 'body' | 'output' | 'signal'>,
): Promise<'git' | 'refused' | 'broken'> {
  const { body, signal } = streams;
  const output = new PatientOutput({
    output: streams.output,
    room,
    caller,
    contended: () => places.contended,
  });
  try {
    // Before there is a place: what is still being downloaded, perhaps for a client who has gone, keeps no other from git.
    const snapshot = await repository.snapshot(state);
    let ended: Awaited<ReturnType<typeof runUploadPack>>;
    try {
      const release = await places.acquire(String(repository), signal);
      try {
        const run = {
          gitDir: snapshot.path,
          objects: objectsIn(state.manifest),
          version,
          body,
          output,
          signal,
        };
        ended = await runUploadPack(git, run);
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
