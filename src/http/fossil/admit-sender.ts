/** Who sends a request to the URL of a Fossil repository, and what there is for that sender. */
import { hasNonce } from '../../fossil/login.ts';
import { readCards } from '../../fossil/read-cards.ts';
import { FossilSyntaxError } from '../../fossil/syntax-error.ts';
import { type ProjectPasswords, passwordScope } from '../../fossil-sync/login/project-passwords.ts';
import { keysWithRights, projectFacts, projectRights } from '../../fossil-sync/login/project-rights.ts';
import { type Presented, readBasic, type SignIn, signIn } from '../../fossil-sync/login/sign-in.ts';
import type { Admission, SentLogin } from '../../fossil-sync/server/exchange.ts';
import { NO_RIGHTS } from '../../fossil-sync/server/round-context.ts';
import { RECALLED_MS, serveRecalled, serveRepository } from '../../fossil-sync/server/serve-repository.ts';
import type { StateSource } from '../../fossil-sync/server/served-repository.ts';
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { fossilUrl, gitUrl } from '../../nostr/repository-url.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import { AdoptProject } from '../../repository/fossil/configure-fossil.ts';
import { derivedProjectCode } from '../../repository/fossil/create-fossil.ts';
import type { PublishedFossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { OtherKindError } from '../../repository/other-kind.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { isPublic } from '../../transfer/repository-access.ts';

export interface AdmissionContext {
  readonly repositories: { get(id: RepositoryId): FossilRepository };
  /** To say of a git repository what it is. */
  readonly gitRepositories: { get(id: RepositoryId): Pick<GitRepository, 'resolve'> };
  readonly passwords: ProjectPasswords;
  readonly access: AccessMode;
  /** Public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly clock: Clock;
  readonly intake?: Partial<IntakeLimits>;
}

/** Cards at the beginning of a message among which the project is named. */
const LEADING_CARDS = 20;

/**
 * Decides who sent a request. A repository that the sender may not see gets the same answers as one that is not there, down to
 * the project code that a refused clone is told.
 * @param sent the message, and the login in it or in its cookie
 * @param authorization the value of the header, for clients that use HTTP Basic
 * @param from of which state; see `ExchangeHost.admit`
 * @returns undefined if the login is wrong
 * @throws CairnError with a text for the user: the password has expired, or it is another kind of repository
 */
export async function admitSender(
  context: AdmissionContext,
  id: RepositoryId,
  { login, message }: { readonly login: SentLogin | undefined; readonly message: Uint8Array },
  authorization: string | undefined,
  from: StateSource = 'store',
): Promise<Admission | undefined> {
  const repository = context.repositories.get(id);
  const recalled = from === 'memory' ? await repository.recall(RECALLED_MS) : undefined;
  if (from === 'memory' && !isInUse(recalled)) return undefined;
  const presented = login === undefined ? readBasic(authorization) : await presentedBy(login);
  const published = recalled ?? (await stateOf(context, id, repository));
  if (published === undefined) return presented === undefined ? stranger(id) : undefined;
  // Before anything is here, the client that brings a project knows better which one it is.
  const isEmpty = published.manifest.packs.length === 0;
  const claimed = isEmpty ? claimedProject(message) : undefined;
  const sender = identify(context, id, published, presented, claimed);
  if (sender.is === 'refused') return undefined;
  const key = sender.is === 'key' ? sender.key : undefined;
  const rights = projectRights(context.access, key, projectFacts(id, published.manifest));
  if (!rights.read) return stranger(id);
  const current =
    claimed !== undefined && claimed !== published.manifest.projectCode && rights.write
      ? await adopt(repository, claimed, key)
      : published;
  return {
    user: sender.is === 'key' ? sender.user : undefined,
    actor: key,
    rights,
    repository:
      recalled === undefined
        ? serveRepository(repository, await repository.bagOf(current), context.intake)
        : await serveRecalled(repository, recalled, context.intake),
    projectCode: current.manifest.projectCode,
  };
}

/** Whether artifacts can be added to a state as it is. The first ones may bring the project code. */
function isInUse(published: PublishedFossilState | undefined): published is PublishedFossilState {
  return published?.manifest.lifecycle === 'live' && published.manifest.packs.length > 0;
}

async function presentedBy({ card, bytes }: SentLogin): Promise<Presented> {
  return { kind: 'card', card, isOfMessage: await hasNonce(card, bytes) };
}

function stranger(id: RepositoryId): Admission {
  return {
    user: undefined,
    actor: undefined,
    rights: NO_RIGHTS,
    repository: undefined,
    projectCode: derivedProjectCode(id),
  };
}

/** @throws CairnError `invalid` for a git repository that everybody may see */
async function stateOf(
  { gitRepositories, base }: AdmissionContext,
  id: RepositoryId,
  repository: FossilRepository,
): Promise<PublishedFossilState | undefined> {
  try {
    const published = await repository.resolveOwnKind();
    return published?.manifest.lifecycle === 'withdrawn' ? undefined : published;
  } catch (error) {
    if (!(error instanceof OtherKindError)) throw error;
  }
  if (!isPublic((await gitRepositories.get(id).resolve('on-demand'))?.manifest)) return undefined;
  const url = gitUrl(base, id.owner, id.identifier);
  throw new CairnError('invalid', `this is a git repository: use "git clone ${url}"`);
}

/** @throws CairnError `unauthenticated` for a password that was right once, and for one that proves the wrong project */
function identify(
  { passwords, clock, base }: AdmissionContext,
  id: RepositoryId,
  { manifest }: PublishedFossilState,
  presented: Presented | undefined,
  claimed: string | undefined,
): SignIn {
  const url = fossilUrl(base, id.owner, id.identifier);
  const { projectCode } = manifest;
  const options = {
    passwords,
    scope: passwordScope(id, manifest),
    keys: keysWithRights(projectFacts(id, manifest)),
    now: Math.floor(clock.now() / 1000),
  };
  const sender = signIn(presented, { ...options, projectCode: claimed ?? projectCode });
  if (sender.is !== 'refused') return sender;
  if (sender.why !== 'wrong') {
    const what = sender.why === 'expired' ? 'has expired' : 'was revoked';
    throw new CairnError(
      'unauthenticated',
      `login failed: this password ${what}. Print a new one with "cairn fossil password ${url}"`,
    );
  }
  const told = derivedProjectCode(id);
  // The code of a private project is not for strangers, so a clone that shows no password in its first request signs with another.
  if (told !== projectCode && signIn(presented, { ...options, projectCode: told }).is === 'key') {
    throw new CairnError(
      'unauthenticated',
      `a clone of this private project must send the password in its first request: fossil clone -B USER:PASSWORD ${url}`,
    );
  }
  return sender;
}

/** The code in the first push or pull card of a message. */
function claimedProject(message: Uint8Array): string | undefined {
  try {
    let count = 0;
    for (const card of readCards(message, { cards: LEADING_CARDS })) {
      if ((card.card === 'push' || card.card === 'pull') && /^[0-9a-f]{40}$/.test(card.projectCode)) {
        return card.projectCode;
      }
      count++;
      if (count === LEADING_CARDS) return undefined;
    }
  } catch (error) {
    // The reader of the message reports the error.
    if (!(error instanceof FossilSyntaxError)) throw error;
  }
  return undefined;
}

async function adopt(
  repository: FossilRepository,
  projectCode: string,
  key: string | undefined,
): Promise<PublishedFossilState> {
  await repository.publisher.join(new AdoptProject(projectCode, key ?? null, repository.mark()));
  const published = await repository.resolve();
  if (published === undefined) throw new CairnError('not-found', 'there is no such repository');
  return published;
}
