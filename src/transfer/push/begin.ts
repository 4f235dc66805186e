import type { ReceiveRequest, ReceiveRequestOptions } from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { BudgetShare } from '../../lib/byte-budget.ts';
import type { CairnError } from '../../lib/errors.ts';
import type { HeldState } from '../../policy/state-match.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { accessError, pushAccess } from '../repository-access.ts';
import type { RequestBody } from '../request-body.ts';
import type { HeldStateBook, PushAuthority } from './authority.ts';
import { readHead } from './head.ts';
import { type TurningAwayContext, turnedAway } from './turn-away.ts';

export interface BeginPushContext extends TurningAwayContext {
  readonly heldStates: HeldStateBook;
  readonly limits: ReceiveRequestOptions['limits'];
}

export interface BeginningPush {
  readonly repository: GitRepository;
  readonly authority: PushAuthority;
  /** True if this process advertised the refs for this push: then its cached state has all that the client builds on. */
  readonly advertised: boolean;
  /** The network address that it comes from. */
  readonly address: string;
  readonly body: RequestBody;
  /** The share of the push in the memory for all heads. */
  readonly headMemory: BudgetShare;
}

/** What is known when a push begins. */
export interface Begun {
  readonly published: PublishedGitState | undefined;
  /** True when the store was asked for the state after the push came. */
  readonly fresh: boolean;
  /** The signed states that the repository holds, if a signed state authorizes the push; otherwise empty. */
  readonly held: readonly HeldState[];
  /** Set if the push is refused without a look at the repository. */
  readonly turnedAway?: CairnError;
}

/**
 * Reads the published state and the head of the push.
 * @throws CairnError `unauthenticated` or `not-found` if the client may not read the repository; `invalid`, `too-large`
 *   (HeadTooLarge), `busy`, `unavailable`, `corrupt`
 */
export async function beginPush(
  context: BeginPushContext,
  push: BeginningPush,
): Promise<Begun & { readonly request: ReceiveRequest }> {
  const { repository, authority } = push;
  const { limits } = context;
  const away = await turnedAway(context, push);
  if (away !== undefined) {
    const request = await readHead(push.body, { format: away.format, limits }, push.headMemory);
    return { published: undefined, fresh: true, held: [], turnedAway: away.problem, request };
  }
  const [begun, held] = await allSettledOrThrow([
    look(push),
    authority.kind === 'signed-state' ? context.heldStates.heldIn(repository.id) : Promise.resolve([]),
  ]);
  const format = begun.published?.manifest.objectFormat ?? 'sha1';
  const request = await readHead(push.body, { format, limits }, push.headMemory);
  return { ...begun, held, request };
}

/** Reads the state of a repository that the sender may see. Whether the sender may write is decided for each ref. */
async function look({ repository, authority, advertised }: BeginningPush): Promise<Omit<Begun, 'held'>> {
  // The bases in a thin pack come from refs that the client was shown, perhaps by another server a moment ago.
  if (advertised) {
    const known = await repository.known();
    if (pushAccess(repository.id, authority, known?.manifest).allow)
      return { published: known, fresh: false };
  }
  const published = await repository.resolve();
  const access = pushAccess(repository.id, authority, published?.manifest);
  if (!access.allow && access.answer !== 'forbidden') throw accessError(access);
  return { published, fresh: true };
}
