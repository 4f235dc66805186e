import type { Reply } from './reply.ts';
import type { Grants } from './round.ts';
import type { RoundRights } from './round-context.ts';
import { RoundRefusal } from './round-refusal.ts';
import type { RoundRequest } from './round-request.ts';

/**
 * Which parts of a request are allowed. Rights are checked first: a sender without read access does not learn whether a project code is right.
 * @param reply gets a `message` if the request is served in part
 * @returns Throws RoundRefusal with the texts of stock Fossil
 */
export function grantsOf(
  request: RoundRequest,
  rights: RoundRights,
  projectCode: string,
  reply: Reply,
): Grants {
  const asksForPrivate = request.pragmas.some(({ pragma }) => pragma === 'send-private');
  if (request.clone !== undefined && !rights.read) {
    throw new RoundRefusal('not authorized to clone', projectCode);
  }
  if (asksToRead(request) && !rights.read) throw new RoundRefusal('not authorized to read');
  if (request.push && !rights.write && !(request.pull && rights.read)) {
    throw new RoundRefusal('not authorized to write');
  }
  if (request.files.length > 0 && !(request.push && rights.write)) {
    throw new RoundRefusal('not authorized to write');
  }
  if (asksForPrivate && !rights.privateArtifacts) {
    throw new RoundRefusal('not authorized to sync private content');
  }
  if (request.files.some(({ isPrivate }) => isPrivate) && !rights.privateArtifacts) {
    throw new RoundRefusal('not authorized to sync private content');
  }
  if (request.unversionedFiles.length > 0 && !(rights.write && rights.unversioned)) {
    throw new RoundRefusal('Write permissions for unversioned files missing');
  }
  for (const code of request.projectCodes) {
    if (code !== projectCode) throw new RoundRefusal('wrong project');
  }
  if (request.push && !rights.write) {
    reply.add({ card: 'message', text: 'pull only - not authorized to push' });
  }
  return {
    pull: request.pull,
    push: request.push && rights.write,
    clone: request.clone !== undefined,
    withPrivate: asksForPrivate && rights.privateArtifacts,
  };
}

function asksToRead({ pull, pragmas, unversionedGimmes, configurations }: RoundRequest): boolean {
  if (pull || unversionedGimmes.length > 0 || configurations.length > 0) return true;
  return pragmas.some(({ pragma }) => pragma === 'uv-hash');
}
