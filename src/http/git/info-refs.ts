import { CairnError } from '../../lib/errors.ts';
import { emptyState, type GitManifest, type GitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { accessError, isPublic, pushAccess } from '../../transfer/repository-access.ts';
import { queryOf } from '../request-target.ts';
import { authorityOf, readerOf } from './git-access.ts';
import { GitOutput } from './git-output.ts';
import {
  type GitContext,
  type GitRequest,
  protocolVersion,
  senderOf,
  tellingWhatBreaks,
} from './git-request.ts';

/** Answers `info/refs`: the advertisement for a fetch or a push. */
export async function infoRefs(context: GitContext, request: GitRequest): Promise<void> {
  const service = queryOf(request.incoming).get('service');
  if (service === null) {
    throw new CairnError(
      'forbidden',
      'this server supports only the smart HTTP protocol, of git 1.6.6 and newer',
    );
  }
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
    throw new CairnError('invalid', `unknown service ${JSON.stringify(service)}`);
  }
  const version = protocolVersion(request.incoming);
  const output = new GitOutput(
    request.response,
    `application/x-${service}-advertisement`,
    request.client.taking,
  );
  const { repository, incoming } = request;
  if (service === 'git-receive-pack') {
    const state = await stateToPushTo(context, request);
    await tellingWhatBreaks(request, output, () => context.advertiser.refs(service, version, state, output));
    output.end();
    return;
  }
  // The v2 capabilities of a repository never change, so a repository known to be public needs no store request.
  const known = version === 2 ? await knownPublic(context, repository) : undefined;
  const admit = readerOf(context, senderOf(request, 'advertise'));
  const state = known ?? admit(await repository.resolve('on-demand')).manifest;
  context.connections.remember(incoming, repository, service, known === undefined);
  if (version === 2) await output.write(v2Capabilities(context, state));
  else {
    await tellingWhatBreaks(request, output, () => context.advertiser.refs(service, version, state, output));
  }
  output.end();
}

function v2Capabilities({ advertiser, fetch }: GitContext, state: GitState): Buffer {
  return advertiser.v2Capabilities(state.objectFormat, fetch.offload?.capabilities(state));
}

/** The state to advertise for a push, if it is allowed. If anyone may push, a missing repository appears as an empty one. */
async function stateToPushTo(context: GitContext, request: GitRequest): Promise<GitState> {
  const { repository, incoming } = request;
  const authority = authorityOf(context, senderOf(request, 'advertise'));
  const state = (await repository.resolve('on-demand'))?.manifest;
  const access = pushAccess(repository.id, authority, state);
  if (!access.allow) throw accessError(access);
  context.connections.remember(incoming, repository, 'git-receive-pack', true);
  return state ?? emptyState(repository.id.identifier, 'sha1', context.push.random.hex(16));
}

/** The last state this process observed of a repository, if it was public and still is as far as this server knows. */
async function knownPublic(
  { staysPublic }: GitContext,
  repository: GitRepository,
): Promise<GitManifest | undefined> {
  const manifest = (await repository.peek(Number.POSITIVE_INFINITY, 'on-demand'))?.manifest;
  if (manifest === undefined || !isPublic(manifest)) return undefined;
  return staysPublic(repository.id, manifest) ? manifest : undefined;
}
