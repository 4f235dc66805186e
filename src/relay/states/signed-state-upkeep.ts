import type { VerifiedEvent } from '../../nostr/event.ts';
import type { StateStamp } from '../../policy/state-precedence.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import type { Verdict } from '../publication.ts';
import { goThrough, type UpkeepTask } from '../upkeep.ts';

export interface SignedStateUpkeepContext {
  readonly heldIn: (id: RepositoryId) => Promise<readonly StateStamp[]>;
  readonly signedEvents: Pick<SignedEvents, 'load'>;
  readonly apply: (event: VerifiedEvent) => Promise<Verdict>;
}

/**
 * Applies held signed states again: a push with a token may have brought their objects, or set the refs they want. Looks
 * only at repositories in which this server has published pushes, once after each push.
 */
export class SignedStateUpkeep implements UpkeepTask {
  readonly name = 'held signed states';
  private readonly context: SignedStateUpkeepContext;
  private readonly pushed = new Map<string, RepositoryId>();

  constructor(context: SignedStateUpkeepContext) {
    this.context = context;
  }

  /** Notes a publish. */
  note(id: RepositoryId, manifest: GitManifest): void {
    if (manifest.causes.some(({ kind }) => kind === 'push')) this.pushed.set(formatRepositoryId(id), id);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { heldIn, signedEvents, apply } = this.context;
    const pushed = [...this.pushed];
    await goThrough(
      pushed,
      signal,
      ([name]) => name,
      async ([name, id]) => {
        // A push that comes from now on is noted anew.
        this.pushed.delete(name);
        try {
          // Oldest first: a newer state is decided on top of an older one.
          const states = [...(await heldIn(id))].sort((a, b) => a.at - b.at);
          await goThrough(
            states,
            signal,
            ({ id: eventId }) => eventId,
            async ({ id: eventId }) => {
              await apply(await signedEvents.load(id, eventId));
            },
          );
        } catch (error) {
          this.pushed.set(name, id);
          throw error;
        }
      },
    );
  }
}
