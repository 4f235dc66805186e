import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';
import type { Reply } from './reply.ts';
import type { RoundContext } from './round-context.ts';
import type { RoundRequest } from './round-request.ts';
import type { ServedRepository } from './served-repository.ts';

/** What the rights of the sender make of what it asks for. */
export interface Grants {
  readonly pull: boolean;
  readonly push: boolean;
  readonly clone: boolean;
  /** The client asked for private artifacts, and may have them. */
  readonly withPrivate: boolean;
}

/** One request while it is answered. */
export interface Round {
  readonly repository: ServedRepository;
  readonly request: RoundRequest;
  readonly grants: Grants;
  readonly reply: Reply;
  readonly context: RoundContext;
  /** What is published: with what the request brought, once that is taken in. */
  bag: Bag;
}

/** The entry of an artifact, unless the sender of the request must not see it. */
export function visibleEntry({ bag, grants }: Round, name: ArtifactName): BagEntry | undefined {
  const entry = bag.find(name);
  return entry !== undefined && isVisible(bag, entry, grants.withPrivate) ? entry : undefined;
}

/** Whether an entry may be shown. @param bag the published artifacts now, whatever the entry is of */
export function isVisible(bag: Bag, { name, isPrivate }: BagEntry, withPrivate: boolean): boolean {
  return (!isPrivate || withPrivate) && !bag.isShunned(name);
}
