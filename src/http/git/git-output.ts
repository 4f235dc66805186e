import type { ServerResponse } from 'node:http';
import { ResponseFrames } from '../../git/index.ts';
import type { Pace } from '../../lib/pace.ts';
import { isWritable, roomIn } from '../../lib/streams.ts';
import type { Output } from '../../transfer/output.ts';

/**
 * The headers that `git http-backend` sends with every answer, in its order; its Content-Type comes after them. Git's own
 * tests compare them all, as text.
 */
export const NO_CACHE: Readonly<Record<string, string>> = {
  Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache, max-age=0, must-revalidate',
};

/** Starts a successful git answer. */
export function startGitAnswer(response: ServerResponse, contentType: string): void {
  // Said explicitly, or Node would add a Keep-Alive header of its own.
  const connection = response.shouldKeepAlive ? { Connection: 'keep-alive' } : {};
  response.writeHead(200, { ...NO_CACHE, 'Content-Type': contentType, ...connection });
}

/** Bytes written at once, so that it is seen how many a client takes of a large chunk. */
const PIECE = 64 * 1024;

const WRITTEN = Promise.resolve(true);

/** The body of a git answer. Headers go out with the first bytes: until then an error can still have a status. */
export class GitOutput implements Output {
  private readonly response: ServerResponse;
  private readonly contentType: string;
  private readonly pace: Pace;
  /** Bytes handed to the response. */
  private handed = 0;
  private readonly frames = new ResponseFrames();

  /** @param pace how fast the client has to take what is waiting */
  constructor(response: ServerResponse, contentType: string, pace: Pace) {
    this.response = response;
    this.contentType = contentType;
    this.pace = pace;
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    if (!this.response.headersSent) startGitAnswer(this.response, this.contentType);
    this.frames.push(chunk);
    for (let at = 0; at < chunk.length; at += PIECE) {
      if (!(await this.writePiece(chunk.subarray(at, at + PIECE)))) return false;
    }
    return true;
  }

  /**
   * Ends an answer that has begun with the reason why it goes no further, in the form that git shows.
   * @returns false when none has begun, or when it stands where no reason can be said
   */
  async tell(reason: string): Promise<boolean> {
    const packet = this.response.headersSent ? this.frames.errorPacket(reason) : undefined;
    return packet !== undefined && (await this.write(packet));
  }

  /** Ends the answer, empty if nothing was written. */
  end(): void {
    if (!this.response.headersSent) startGitAnswer(this.response, this.contentType);
    this.response.end();
  }

  private writePiece(piece: Uint8Array): Promise<boolean> {
    this.handed += piece.length;
    const { response } = this;
    // Nobody is waited for where there is room.
    if (isWritable(response) && response.write(piece)) return WRITTEN;
    return this.pace.during(roomIn(response), () => this.handed - response.writableLength);
  }
}
