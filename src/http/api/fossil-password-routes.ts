/** Passwords of Fossil repositories over HTTP: JSON, for keys that sign each request (NIP-98). */
import type { Context, Hono } from 'hono';
import { type ProjectPasswords, passwordScope } from '../../fossil-sync/login/project-passwords.ts';
import { keysWithRights, projectFacts } from '../../fossil-sync/login/project-rights.ts';
import { CairnError } from '../../lib/errors.ts';
import { parsePublicKey } from '../../nostr/public-key.ts';
import { fossilUrl } from '../../nostr/repository-url.ts';
import { decideAccess } from '../../policy/push-access.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import { RevokeKeyPasswords, SetPasswordSeries } from '../../repository/fossil/configure-fossil.ts';
import type { FossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { accessError } from '../../transfer/repository-access.ts';
import type { HttpEnv } from '../http-env.ts';
import { parseFossilPasswordPath } from './fossil-password-path.ts';
import { type ApiServer, postRoute } from './post-route.ts';
import { type SignedRequestContext, signerOfRequest } from './signed-request.ts';

export interface FossilPasswordRoutesContext extends SignedRequestContext {
  readonly repositories: { get(id: RepositoryId): FossilRepository };
  readonly passwords: ProjectPasswords;
  readonly access: AccessMode;
  /** Public base URL of the service, without a slash at its end. */
  readonly base: string;
}

const WISHES = 'the body may only contain {"revoke": true}, and "key": "<npub or hex>" beside it';

const PATH = '/api/v1/repositories/:owner/:identifier/fossil-password';

export function fossilPasswordRoutes(context: FossilPasswordRoutesContext, server: ApiServer): Hono<HttpEnv> {
  return postRoute(PATH, 'a password', server, async (c, body) => answer(context, c, await body()));
}

/** @throws CairnError `unauthenticated`, `forbidden`, `not-found`: the same for private and for missing repositories */
async function answer(
  context: FossilPasswordRoutesContext,
  c: Context<HttpEnv>,
  body: Buffer,
): Promise<object> {
  const { base, passwords, repositories, clock } = context;
  const id = parseFossilPasswordPath(c.env.path);
  const request = { url: `${base}${c.env.path}`, method: 'POST', body };
  const { actor } = signerOfRequest(context, c.env.incoming.headers.authorization, request);
  const { revoke, key } = wishOf(body);
  const repository = repositories.get(id);
  const state = (await repository.resolve())?.manifest;
  const facts = state === undefined || state.lifecycle === 'withdrawn' ? undefined : projectFacts(id, state);
  const reading = decideAccess('read', actor, facts);
  if (!reading.allow || state === undefined || facts === undefined) {
    throw reading.allow ? new CairnError('not-found', 'there is no such repository') : accessError(reading);
  }
  if (revoke) {
    if (context.access === 'read-only') throw new CairnError('forbidden', 'this server is read-only');
    const writing = decideAccess('push', actor, facts);
    if (!writing.allow) throw accessError(writing);
    if (key !== undefined) return { revoked: true, key, ...(await revokeKey(repository, state, key, actor)) };
    const series = await revokeAll(repository, state, actor);
    return { revoked: true, passwordSeries: series };
  }
  if (!keysWithRights(facts).includes(actor)) {
    throw new CairnError(
      'forbidden',
      'your key has no rights of its own in this repository: clone it without a password',
    );
  }
  const now = Math.floor(clock.now() / 1000);
  return {
    ...passwords.issue(passwordScope(id, state), actor, now),
    url: fossilUrl(base, id.owner, id.identifier),
    private: state.policy.private,
  };
}

async function revokeAll(repository: FossilRepository, state: FossilState, actor: string): Promise<number> {
  const series = state.passwordSeries + 1;
  await repository.publisher.join(new SetPasswordSeries(series, actor, repository.mark()));
  return series;
}

async function revokeKey(
  repository: FossilRepository,
  state: FossilState,
  key: string,
  actor: string,
): Promise<{ readonly keySeries: number }> {
  if (!keysWithRights(projectFacts(repository.id, state)).includes(key)) {
    throw new CairnError(
      'invalid',
      'this key has no rights of its own in this repository, so it has no password',
    );
  }
  const keySeries = (state.keySeries?.[key] ?? 0) + 1;
  await repository.publisher.join(new RevokeKeyPasswords(key, keySeries, actor, repository.mark()));
  return { keySeries };
}

/** What a request asks for. */
interface Wish {
  /** Whether passwords end, instead of one being issued. */
  readonly revoke: boolean;
  /** Whose passwords end; all of them if absent. */
  readonly key?: string;
}

/** An empty body asks for a password. */
function wishOf(body: Buffer): Wish {
  if (body.length === 0) return { revoke: false };
  let said: unknown;
  try {
    said = JSON.parse(body.toString('utf8'));
  } catch {
    throw new CairnError('invalid', 'the body is not JSON');
  }
  const isWish = typeof said === 'object' && said !== null && !Array.isArray(said);
  const {
    revoke = false,
    key,
    ...others
  } = (isWish ? said : { none: true }) as Readonly<Record<string, unknown>>;
  if (typeof revoke !== 'boolean' || Object.keys(others).length > 0) {
    throw new CairnError('invalid', WISHES);
  }
  if (key === undefined) return { revoke };
  const named = typeof key === 'string' ? parsePublicKey(key) : undefined;
  if (named === undefined || !revoke) throw new CairnError('invalid', WISHES);
  return { revoke, key: named };
}
