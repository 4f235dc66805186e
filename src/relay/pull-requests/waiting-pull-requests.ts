import type { Clock } from '../../lib/clock.ts';
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';

/** How long a pull request waits for its tip, in seconds (GRASP-01). */
export const PULL_REQUEST_SECONDS = 30 * 60;

/** How many pull requests may wait: in all, by one key, for one repository, and from one network address. */
const MOST = { all: 4_096, key: 32, repository: 128, address: 64 } as const;
/** Bytes of their events: in all, and from one address. */
const MOST_BYTES = { all: 32 * 2 ** 20, address: 4 * 2 ** 20 } as const;

/** A pull request whose tip is not here. */
export interface WaitingPullRequest {
  readonly event: NostrEvent;
  readonly tip: string;
  /** The repositories here that it is for. */
  readonly repositories: readonly RepositoryId[];
  /** The sender's address; undefined when another server has taken the event. */
  readonly address: string | undefined;
  /** Bytes of its event. */
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** The pull requests that wait for their tips, as far as this process knows. All its dimensions are bounded. */
export class WaitingPullRequests {
  private readonly clock: Clock;
  private readonly byId = new Map<string, WaitingPullRequest>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get size(): number {
    return this.byId.size;
  }

  has(eventId: string): boolean {
    return this.byId.has(eventId);
  }

  /**
   * Checks the limits for one more pull request.
   * @returns which limit is reached, as part of a sentence; undefined when there is room
   */
  problem(
    event: NostrEvent,
    repositories: readonly RepositoryId[],
    address: string | undefined,
  ): string | undefined {
    this.dropOutdated();
    if (this.byId.has(event.id)) return undefined;
    const names = new Set(repositories.map(formatRepositoryId));
    const bytes = sizeOf(event);
    const counted = { all: 0, key: 0, address: 0 };
    const counts = new Map<string, number>();
    const taken = { all: bytes, address: bytes };
    for (const other of this.byId.values()) {
      counted.all++;
      taken.all += other.bytes;
      if (other.event.pubkey === event.pubkey) counted.key++;
      if (address !== undefined && other.address === address) {
        counted.address++;
        taken.address += other.bytes;
      }
      for (const name of other.repositories.map(formatRepositoryId)) {
        if (names.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    if (counted.key >= MOST.key) return 'of your key';
    if (counted.address >= MOST.address || taken.address > MOST_BYTES.address) return 'from your address';
    if ([...counts.values()].some((count) => count >= MOST.repository)) return 'for this repository';
    return counted.all >= MOST.all || taken.all > MOST_BYTES.all ? 'here' : undefined;
  }

  add(waiting: Omit<WaitingPullRequest, 'since' | 'bytes'>): void {
    const { event } = waiting;
    if (this.byId.has(event.id)) return;
    // The other server has checked its limits; this bounds what many servers take together.
    if (this.byId.size >= 2 * MOST.all) return;
    this.byId.set(event.id, { ...waiting, bytes: sizeOf(event), since: this.clock.monotonic() });
  }

  delete(eventId: string): void {
    this.byId.delete(eventId);
  }

  /** Those that wait for one repository. */
  of(id: RepositoryId): WaitingPullRequest[] {
    if (this.byId.size === 0) return [];
    const name = formatRepositoryId(id);
    return [...this.byId.values()].filter(({ repositories }) =>
      repositories.some((other) => formatRepositoryId(other) === name),
    );
  }

  /** Those that still wait, oldest first. */
  all(): WaitingPullRequest[] {
    this.dropOutdated();
    return [...this.byId.values()];
  }

  private dropOutdated(): void {
    const before = this.clock.monotonic() - PULL_REQUEST_SECONDS * 1000;
    for (const [id, { since }] of this.byId) {
      if (since > before) return;
      this.byId.delete(id);
    }
  }
}

function sizeOf(event: NostrEvent): number {
  return Buffer.byteLength(encodeEvent(event));
}
