/** Number of heartbeats for which a started message may stay unfinished while no other has come. */
const UNFINISHED_BEATS = 2;

/** Number of heartbeats by which a client may fall behind {@link LEAST_RATE} in reading. */
const UNREAD_BEATS = 4;

/** Minimum bytes a second that a client has to read while messages wait for it. */
const LEAST_RATE = 512;

/** Bytes of a client's control frame without its payload (RFC 6455, section 5.2). */
const CONTROL_FRAME = 6;

/** The reason why a client of the relay is disconnected: an unfinished message, or unread messages. */
export type Overdue = 'unfinished' | 'unread';

/**
 * Detects clients of the relay that hold memory without end: with a message that never ends, or with messages that they do not
 * read. Pings and pongs do not count, because a client can send them forever.
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
    // Each byte of a message may come in its own fragment, so fragment headers count as well.
    this.mostUnfinished = 2 * maxPayload + 128 * 1024;
  }

  /** Counts received bytes. @returns false if one message takes more than any can need */
  received(bytes: number): boolean {
    this.unfinishedBytes += bytes;
    return this.unfinishedBytes <= this.mostUnfinished;
  }

  /** Notes the end of a message. */
  message(): void {
    this.unfinishedBytes = 0;
    this.messages++;
  }

  /** Notes a ping or pong. @param payload its bytes */
  control(payload: number): void {
    this.unfinishedBytes -= CONTROL_FRAME + payload;
  }

  /** Counts bytes that were written to the connection. */
  sending(bytes: number): void {
    this.handed += bytes;
  }

  /** Call it at each heartbeat. @param waiting bytes not yet received by the client @returns why to disconnect it */
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
