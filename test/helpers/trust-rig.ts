import { Git } from '../../src/git-process/git.ts';
import type { NostrEvent, VerifiedEvent } from '../../src/nostr/event.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { Admission } from '../../src/relay/admission.ts';
import { SignedEvents } from '../../src/relay/log/signed-events.ts';
import { type Authenticated, accept } from '../../src/relay/publication.ts';
import { HeldStates } from '../../src/relay/states/held-states.ts';
import { SignedStates } from '../../src/relay/states/signed-states.ts';
import type { RepositoryId } from '../../src/repository/repository-id.ts';
import { RelayRig, type RelayRigOptions, verified, verifier } from './relay-rig.ts';

/**
 * One server with everything that decides whose events count, from what a client sends to what repositories hold. No git
 * is run: without objects, a repository holds every state.
 */
export class TrustRig {
  readonly relay: RelayRig;
  readonly held: HeldStates;
  readonly signedStates: SignedStates;
  readonly admission: Admission;

  constructor(options: RelayRigOptions = {}, relay = new RelayRig(options)) {
    this.relay = relay;
    const { events, trust, directory, repositories: rig, service, announcements, withdrawals } = relay;
    const { store: control, clock, random, repositories, artifacts, cache } = rig;
    const log = createLogger('silent');
    const signedEvents = new SignedEvents(control, verifier);
    this.held = new HeldStates({ control, clock, random, events, signedEvents, verifier, trust, log });
    const observer = { started: () => undefined, ended: () => undefined };
    this.signedStates = new SignedStates({
      events,
      repositories,
      heldStates: this.held,
      signedEvents,
      service,
      git: new Git({ binary: '/nowhere/git', home: '/nowhere', observer }),
      trust,
      isPublic: (event) => directory.visible(event, new Set()),
      clock,
      artifacts,
      cache,
    });
    this.admission = new Admission({
      events,
      belonging: directory,
      announce: (event, sender) => announcements.announce(event, sender),
      signedState: (event, sender) => this.signedStates.take(event, sender),
      withdraw: (event, sender) => withdrawals.withdraw(event, sender),
      noRoom: () => undefined,
      pullRequest: async (event) => {
        await events.append([event]);
        return accept();
      },
      readOnly: false,
      clock,
      log,
    });
  }

  /** Another server over the same bucket, which knows the same events. */
  async another(seed: number): Promise<TrustRig> {
    const other = this.relay.another(seed);
    await other.events.append(this.relay.events.all.map((event) => event as VerifiedEvent));
    return new TrustRig({}, other);
  }

  /** @param sender keys shown on the connection */
  send(event: NostrEvent, sender: Authenticated) {
    return this.admission.publish(verified(event), sender);
  }

  /** Ids of the events that somebody who has shown these keys finds. */
  found(reader: Authenticated): string[] {
    const { events, directory } = this.relay;
    const visible = (event: NostrEvent) => directory.visible(event, reader);
    const all = events.query([{ tags: new Map() }], { limit: 10_000, now: 0, visible });
    return all.map(({ id }) => id);
  }

  async waiting(id: RepositoryId): Promise<string[]> {
    return (await this.held.heldIn(id)).map((signedState) => signedState.id);
  }
}
