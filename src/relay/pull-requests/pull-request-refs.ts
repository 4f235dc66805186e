/** Refs of pull requests, `refs/nostr/<event id>`, and whether they match their events. */
import { changedRefs, refsStartingWith } from '../../git/index.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type { GitManifest, GitState } from '../../repository/git/git-manifest.ts';
import type { EventReader } from '../events.ts';
import { tipOf } from './pull-request-tip.ts';

const PULL_REQUEST = /^refs\/nostr\/([0-9a-f]{64})$/;

/** How a ref compares to its event: `missing` when there is no event, or none that names a tip. */
export type RefStanding = 'missing' | 'wrong' | 'right';

export interface PullRequestRef {
  readonly name: string;
  readonly eventId: string;
  readonly standing: RefStanding;
}

/** The pull request refs of a state. */
export function pullRequestRefs(
  state: Pick<GitState, 'refs'>,
  events: Pick<EventReader, 'get'>,
): PullRequestRef[] {
  return [...refsStartingWith(state.refs, 'refs/nostr/')].flatMap(([name, oid]) => {
    const eventId = PULL_REQUEST.exec(name)?.[1];
    if (eventId === undefined) return [];
    const event = events.get(eventId);
    const tip = event === undefined ? undefined : tipOf(event);
    const standing = tip === undefined ? 'missing' : tip === oid ? 'right' : 'wrong';
    return { name, eventId, standing };
  });
}

/** Removes refs whose events name another tip, and given refs whose events have not arrived. */
export class PullRequestRemoval implements Change<GitManifest, void> {
  readonly since: number;
  private readonly due: ReadonlySet<string>;
  private readonly events: Pick<EventReader, 'get'>;

  /**
   * @param since see `Change.since`
   * @param due names of the refs that have waited long enough for their events
   */
  constructor(since: number, due: ReadonlySet<string>, events: Pick<EventReader, 'get'>) {
    this.since = since;
    this.due = due;
    this.events = events;
  }

  async evaluate(current: GitState | undefined): Promise<Evaluation<GitManifest, void>> {
    if (current === undefined) return { result: undefined };
    const gone = pullRequestRefs(current, this.events).flatMap(({ name, standing }) =>
      standing === 'wrong' || (standing === 'missing' && this.due.has(name)) ? name : [],
    );
    if (gone.length === 0) return { result: undefined };
    const changes = gone.map((name) => ({ name, oid: undefined }));
    return {
      next: { ...current, ...changedRefs(current, changes) },
      cause: { kind: 'withdraw', actor: null, evidence: null, refs: gone },
      result: undefined,
    };
  }
}
