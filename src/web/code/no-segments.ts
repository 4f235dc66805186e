import { CairnError } from '../../lib/errors.ts';

/** For pages whose URL ends with their word. @throws CairnError `not-found` if there is more */
export function noSegments(segments: readonly Buffer[]): void {
  if (segments.length > 0) throw new CairnError('not-found', 'there is no such page');
}
