import { FairSlices } from '../lib/fair-slices.ts';
import type { Random } from '../lib/random.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { isExpired } from '../nostr/expiration.ts';
import { Callers, perMinute } from './client/caller-rates.ts';
import { Connection, type ConnectionContext, type RelaySocket } from './client/connection.ts';
import { Outgoing } from './client/outbox.ts';
import type { Events } from './events.ts';

export interface RelayContext extends Omit<ConnectionContext, 'slices'> {
  readonly events: ConnectionContext['events'] & Pick<Events, 'onEvent'>;
  readonly random: Random;
  /** If not given, the relay makes its own. */
  readonly slices?: FairSlices;
}

/** Bytes of a challenge: enough that none repeats and none can be guessed. */
const CHALLENGE_BYTES = 16;

/** The Nostr relay: all connected clients, and the delivery of new events to them. */
export class Relay {
  private readonly context: RelayContext & ConnectionContext;
  private readonly callers: Callers;
  private readonly connections = new Map<Connection, () => void>();
  private readonly stopListening: () => void;
  private stopping = false;

  constructor(context: RelayContext) {
    this.context = {
      ...context,
      slices: context.slices ?? new FairSlices({ now: () => context.clock.monotonic() }),
    };
    const { perAddress, perMinute: most } = context.limits;
    const stored = { events: perMinute(most.events), bytes: perMinute(most.bytes) };
    this.callers = new Callers({ ...perAddress, stored }, context.clock);
    this.stopListening = context.events.onEvent((event, { hidden }) => {
      if (!hidden) this.deliver(event);
    });
  }

  /** Clients connected now. */
  get size(): number {
    return this.connections.size;
  }

  /**
   * Why a client at this address cannot connect now, as text for a person; undefined when it can. Call it before
   * {@link connect}.
   */
  refusal(address: string): string | undefined {
    const { connections, connectionsPerAddress } = this.context.limits;
    if (this.stopping) return 'the server is stopping';
    if (this.connections.size >= connections) return `all ${connections} connections are taken`;
    if (this.callers.connectionsFrom(address) >= connectionsPerAddress) {
      return `there are ${connectionsPerAddress} connections from your address already`;
    }
    return undefined;
  }

  /**
   * Opens a connection. When it has ended, call {@link disconnect}.
   * @param address of the client; all clients at one address share limits
   */
  connect(socket: RelaySocket, address: string): Connection {
    const caller = this.callers.enter(address);
    const challenge = this.context.random.hex(CHALLENGE_BYTES);
    const connection = new Connection(this.context, socket, caller, challenge);
    this.connections.set(connection, () => {
      caller.connections--;
    });
    return connection;
  }

  /** Forgets a connection that has ended, from either side. */
  disconnect(connection: Connection): void {
    connection.close();
    this.connections.get(connection)?.();
    this.connections.delete(connection);
  }

  /** Refuses new clients, answers every event received so far, and ends all connections. */
  async close(): Promise<void> {
    this.stopping = true;
    this.stopListening();
    await Promise.all(
      [...this.connections.keys()].map((connection) => connection.finish('the server is stopping')),
    );
  }

  private deliver(event: NostrEvent): void {
    const { clock, log } = this.context;
    if (isExpired(event, Math.floor(clock.now() / 1000))) return;
    const outgoing = new Outgoing(event);
    for (const connection of this.connections.keys()) {
      try {
        connection.deliver(outgoing);
      } catch (error) {
        log.error({ err: error, event: event.id }, 'an event was not delivered to a subscriber');
      }
    }
  }
}
