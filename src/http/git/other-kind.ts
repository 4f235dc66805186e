import { CairnError, isCairnError } from '../../lib/errors.ts';
import { fossilUrl } from '../../nostr/repository-url.ts';
import { decideAccess } from '../../policy/push-access.ts';
import { accessFacts } from '../../transfer/repository-access.ts';
import { identify } from './git-access.ts';
import { type GitContext, type GitRequest, senderOf } from './git-request.ts';

/**
 * What a git client is told that was refused because there is no such git repository: if it may read the Fossil repository of
 * that name, what that is and how to clone it. Everybody else hears the same as if there were none.
 * @param reason why the request was refused
 */
export async function explainKind(
  context: GitContext,
  request: GitRequest,
  reason: unknown,
): Promise<unknown> {
  const { fossil, base } = context;
  const { repository } = request;
  const isMissing = isCairnError(reason, 'not-found') || isCairnError(reason, 'unauthenticated');
  if (!isMissing || fossil === undefined || repository.otherKind !== 'fossil') return reason;
  const state = (await fossil.get(repository.id).resolve())?.manifest;
  const facts = accessFacts(repository.id, state);
  const mayRead = [undefined, actorOf(context, request)].some(
    (actor) => decideAccess('read', actor, facts).allow,
  );
  if (!mayRead) return reason;
  const { owner, identifier } = repository.id;
  return new CairnError(
    'not-found',
    `this is a Fossil repository: use "fossil clone ${fossilUrl(base, owner, identifier)}"`,
  );
}

/** The key that has signed the token of a request; undefined without a valid token. */
function actorOf(context: GitContext, request: GitRequest): string | undefined {
  try {
    return identify(context, senderOf(request, 'advertise'))?.actor;
  } catch (error) {
    if (isCairnError(error, 'unauthenticated')) return undefined;
    throw error;
  }
}
