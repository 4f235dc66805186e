import type { VerifiedEvent } from '../../nostr/event.ts';
import type { StateStamp } from '../../policy/state-precedence.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import type { Verdict } from '../publication.ts';
import { goThrough, type UpkeepTask } from '../upkeep.ts';

export interface SignedStateUpkeepContext {
  readonly waiting: (id: RepositoryId) => Promise<readonly StateStamp[]>;
  readonly signedEvents: Pick<SignedEvents, 'load'>;
  readonly order: (event: VerifiedEvent) => Promise<Verdict>;
}

/**
 * Looks again at orders that wait: a push that was authorized by a key may have brought their objects, or done what they
 * ask for. Only repositories this server has published pushes in are looked at, each once after them.
 */
export class SignedStateUpkeep implements UpkeepTask {
  readonly name = 'waiting orders';
  private readonly context: SignedStateUpkeepContext;
  private readonly pushed = new Map<string, RepositoryId>();

  constructor(context: SignedStateUpkeepContext) {
    this.context = context;
  }

  /** Takes note of a publish. */
  note(id: RepositoryId, manifest: GitManifest): void {
    if (manifest.causes.some(({ kind }) => kind === 'push')) this.pushed.set(formatRepositoryId(id), id);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { waiting, signedEvents, order } = this.context;
    await goThrough(
      this.pushed,
      signal,
      ([name]) => name,
      async ([name, id]) => {
        // The oldest first: a newer one is measured by what it leaves.
        const orders = [...(await waiting(id))].sort((a, b) => a.at - b.at);
        await goThrough(
          orders,
          signal,
          ({ id: eventId }) => eventId,
          async ({ id: eventId }) => {
            await order(await signedEvents.load(id, eventId));
          },
        );
        if (!signal.aborted) this.pushed.delete(name);
      },
    );
  }
}
