/** What announcements and withdrawals need to know of a kind of repository. */
import type { Announcement } from '../../nostr/announcement.ts';
import type { CauseOf, Manifest, RepositoryState, StateOf } from '../../repository/manifest.ts';
import { OtherKindError } from '../../repository/other-kind.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

/** A state of a kind. What all kinds have in common is said again, since the compiler does not see it through the kind. */
export type AnnouncedState<M extends Manifest> = StateOf<M> & RepositoryState;

/** @typeParam M manifest of the kind */
export interface AnnouncedKind<M extends Manifest> {
  /** Its name, as in the `vcs` tag of announcements. */
  readonly name: string;
  get(id: RepositoryId): Repository<M>;
  /** The state of a new repository, before anything but its announcement is there. @param incarnation 32 random hex digits */
  begin(id: RepositoryId, announcement: Announcement, incarnation: string): AnnouncedState<M>;
  /** Why an announcement does not fit a repository that is there; undefined if it does. */
  misfit(current: AnnouncedState<M>, announcement: Announcement): string | undefined;
  /** The state without its data. */
  emptied(current: AnnouncedState<M>): AnnouncedState<M>;
  /** The cause of a publish. @param emptied the state that lost its data by it, if one did */
  cause(
    kind: 'announce' | 'withdraw',
    actor: string | null,
    evidence: string | null,
    emptied?: AnnouncedState<M>,
  ): CauseOf<M>;
}

/** Work on a repository of any kind. */
export type OfAnyKind<R> = <M extends Manifest>(kind: AnnouncedKind<M>) => R;

/** The kinds of repositories that can be announced here. */
export class AnnouncedKinds {
  private readonly kinds: ReadonlyMap<string, WithKind>;
  private readonly first: WithKind;

  /** @param first the kind of announcements that name none */
  constructor(first: WithKind, ...others: readonly WithKind[]) {
    this.first = first;
    this.kinds = new Map([first, ...others].map((kind) => [kind.name, kind]));
  }

  /** Works on the kind of a name. @returns undefined if there is no such kind here */
  named<R>(name: string | undefined, work: OfAnyKind<R>): R | undefined {
    const kind = name === undefined ? this.first : this.kinds.get(name);
    return kind?.run(work);
  }

  /**
   * Works on the kind that a repository is of; where there is none, on the first kind. Reads what is published: one request,
   * and another one for a repository that is not of the first kind.
   * @throws OtherKindError if it is of a kind that is not known here
   */
  async of<R>(id: RepositoryId, work: OfAnyKind<R | Promise<R>>): Promise<R> {
    try {
      await this.first.run((kind) => kind.get(id).resolveOwnKind('on-demand'));
      return this.first.run(work);
    } catch (error) {
      const other = error instanceof OtherKindError ? this.kinds.get(error.found) : undefined;
      if (other === undefined) throw error;
      return other.run(work);
    }
  }

  /** What is published of a repository, whatever its kind. */
  async resolve(id: RepositoryId): Promise<{ readonly manifest: Manifest & RepositoryState } | undefined> {
    return this.of(id, (kind) => published(kind, id));
  }

  toString(): string {
    return [...this.kinds.keys()].join(', ');
  }
}

async function published<M extends Manifest>(
  kind: AnnouncedKind<M>,
  id: RepositoryId,
): Promise<{ readonly manifest: Manifest & RepositoryState } | undefined> {
  return kind.get(id).resolve();
}

/** A kind whose type of manifest only it knows. */
export interface WithKind {
  readonly name: string;
  run<R>(work: OfAnyKind<R>): R;
}

/** Hides the type of a kind's manifests, so that kinds can be listed together. */
export function withKind<M extends Manifest>(kind: AnnouncedKind<M>): WithKind {
  return { name: kind.name, run: (work) => work(kind) };
}
