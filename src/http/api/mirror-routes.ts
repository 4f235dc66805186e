/** Mirrors of a repository over HTTP: JSON, for keys that may push to the repository, with each request signed (NIP-98). */
import { type Context, Hono } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import type { KeptMirrors } from '../../mirror/kept/kept-mirrors.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { accessError, pushAccess } from '../../transfer/repository-access.ts';
import { MethodNotAllowed } from '../errors/method-not-allowed.ts';
import type { HttpEnv } from '../http-env.ts';
import { slots } from '../middleware/slots.ts';
import { untilGone } from '../middleware/until-gone.ts';
import { jsonErrors, smallBody } from './json-api.ts';
import { type MirrorPath, parseMirrorPath } from './mirror-path.ts';
import type { ApiServer } from './post-route.ts';
import { type SignedRequestContext, signerOfRequest } from './signed-request.ts';

export interface MirrorRoutesContext extends SignedRequestContext {
  readonly repositories: Pick<Repositories, 'get'>;
  /** Undefined where this server keeps no mirrors. */
  readonly mirrors: KeptMirrors | undefined;
  readonly access: AccessMode;
  /** Public base URL of the service, without a slash at its end. */
  readonly base: string;
}

/** Where these routes are. */
const API = '/api/*';

/** A request that may be answered. */
interface Asked {
  readonly mirrors: KeptMirrors;
  readonly repository: GitRepository;
  readonly path: MirrorPath;
  readonly body: unknown;
  readonly actor: string;
}

export function mirrorRoutes(context: MirrorRoutesContext, server: ApiServer): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(API, untilGone, slots(server.requestSlots));
  app.get(API, async (c) => {
    const { mirrors, repository, path } = await admitted(context, c, Buffer.alloc(0));
    const { name, action } = path;
    if (action !== undefined) throw new MethodNotAllowed(`${action} is asked for with POST`, 'POST, OPTIONS');
    if (name === undefined) return c.json({ mirrors: await mirrors.list(repository) });
    return c.json(await mirrors.show(repository, name));
  });
  app.post(API, async (c) => {
    const body = await smallBody(c, server.expectations);
    const asked = await admitted(context, c, body);
    if (context.access === 'read-only') throw new CairnError('forbidden', 'this server is read-only');
    return c.json(await changed(asked));
  });
  app.all(API, () => {
    throw new MethodNotAllowed('mirrors are asked for with GET and POST', 'GET, HEAD, POST, OPTIONS');
  });
  app.onError(jsonErrors(server.log));
  return app;
}

async function changed({ mirrors, repository, path, body, actor }: Asked): Promise<object> {
  const { name, action } = path;
  if (name === undefined) return mirrors.add(repository, body, actor);
  switch (action) {
    case 'remove':
      await mirrors.remove(repository, name, actor);
      return { removed: name };
    case 'run':
      return mirrors.run(repository, name);
    case 'pause':
      return mirrors.pause(repository, name);
    case 'resume':
      return mirrors.resume(repository, name);
    case 'credential':
      return mirrors.setCredential(repository, name, body);
    case undefined:
      throw new MethodNotAllowed('a mirror is asked for with GET', 'GET, HEAD, OPTIONS');
  }
}

/** @throws CairnError `unauthenticated`, `forbidden`, `not-found`: as a push to this repository would get */
async function admitted(context: MirrorRoutesContext, c: Context<HttpEnv>, body: Buffer): Promise<Asked> {
  const { repositories, mirrors, base } = context;
  const { incoming } = c.env;
  const path = parseMirrorPath(c.env.path);
  const method = incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? 'GET');
  const request = { url: `${base}${c.env.path}`, method, body };
  const caller = signerOfRequest(context, incoming.headers.authorization, request);
  const repository = repositories.get(path.id);
  const state = (await repository.resolve('on-demand'))?.manifest;
  const access = pushAccess(repository.id, { kind: 'key', ...caller }, state);
  if (!access.allow) throw accessError(access);
  if (mirrors === undefined) throw new CairnError('not-found', 'this server keeps no mirrors');
  return { mirrors, repository, path, body: parsed(body), actor: caller.actor };
}

/** @returns undefined for an empty body */
function parsed(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new CairnError('invalid', 'the body is not JSON');
  }
}
