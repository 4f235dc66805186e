/** Heartbeats for which a message that has begun may lack its end while no other has come. */
const UNFINISHED_BEATS = 2;

/** Heartbeats by which a client may fall behind {@link LEAST_RATE} in reading what waits for it. */
const UNREAD_BEATS = 4;

/** Bytes a second that a client has to read while something waits for it. */
const LEAST_RATE = 512;

/** Bytes of a control frame of a client besides its payload (RFC 6455, section 5.2). */
const CONTROL_FRAME = 6;

/** What a client of the relay holds for longer, or more, than it may. */
export type Overdue = 'unfinished' | 'unread';

/**
 * Sees which clients of the relay hold memory without end: with a message that never ends, or with answers that they do not
 * read. Signs of life in between do not count: a client may send these for ever.
 */
export class RelayPatience {
  private readonly heartbeat: number;
  private readonly mostUnfinished: number;
  private unfinishedBytes = 0;
  private messages = 0;
  private unfinishedBeats = 0;
  private handed = 0;
  private read = 0;
  private behind = 0;

  /** @param heartbeat milliseconds between beats @param maxPayload bytes of the longest message that is read */
  constructor(heartbeat: number, maxPayload: number) {
    this.heartbeat = heartbeat;
    // Each byte of a message may come in a fragment of its own: what these cost is bounded by their headers, too.
    this.mostUnfinished = 2 * maxPayload + 128 * 1024;
  }

  /** Bytes have come. @returns false when one message takes more than any can need */
  received(bytes: number): boolean {
    this.unfinishedBytes += bytes;
    return this.unfinishedBytes <= this.mostUnfinished;
  }

  /** A message has come to its end. */
  message(): void {
    this.unfinishedBytes = 0;
    this.messages++;
  }

  /** A ping or pong has come. @param payload its bytes */
  control(payload: number): void {
    this.unfinishedBytes -= CONTROL_FRAME + payload;
  }

  /** Bytes were given to the connection. */
  sending(bytes: number): void {
    this.handed += bytes;
  }

  /** To be called at each heartbeat. @param waiting bytes that the client has not taken yet @returns what it is to be cut off for */
  beat(waiting: number): Overdue | undefined {
    const unfinished = this.messages === 0 && this.unfinishedBytes > 0;
    this.messages = 0;
    this.unfinishedBeats = unfinished ? this.unfinishedBeats + 1 : 0;
    const read = Math.max(0, this.handed - waiting);
    const owed = (LEAST_RATE * this.heartbeat) / 1000;
    this.behind = waiting === 0 ? 0 : Math.max(0, this.behind + owed - Math.max(0, read - this.read));
    this.read = read;
    if (this.unfinishedBeats > UNFINISHED_BEATS) return 'unfinished';
    return this.behind > UNREAD_BEATS * owed ? 'unread' : undefined;
  }
}
