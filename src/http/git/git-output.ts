import type { ServerResponse } from 'node:http';
import { ResponseFrames } from '../../git/index.ts';
import type { Pace } from '../../lib/pace.ts';
import { isWritable, roomIn } from '../../lib/streams.ts';
import type { Output } from '../../transfer/output.ts';

/**
 * The headers that `git http-backend` sends with every response, in its order; Content-Type follows them. git's own tests
 * compare them as text.
 */
export const NO_CACHE: Readonly<Record<string, string>> = {
  Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache, max-age=0, must-revalidate',
};

/** Starts a successful git response. */
export function startGitResponse(response: ServerResponse, contentType: string): void {
  // Set explicitly, because otherwise Node adds its own Keep-Alive header.
  const connection = response.shouldKeepAlive ? { Connection: 'keep-alive' } : {};
  response.writeHead(200, { ...NO_CACHE, 'Content-Type': contentType, ...connection });
}

/** Maximum bytes of one write, so that the pace of the client is known within a large chunk. */
const PIECE = 64 * 1024;

const WRITTEN = Promise.resolve(true);

/** The body of a git response. The headers are sent with the first bytes: until then an error can have a status. */
export class GitOutput implements Output {
  private readonly response: ServerResponse;
  private readonly contentType: string;
  private readonly pace: Pace;
  /** Bytes written to the response. */
  private handed = 0;
  private readonly frames = new ResponseFrames();
  /** Called when the system has everything that was written. */
  private whenEmpty: (() => void) | undefined;
  private readonly onTaken = () => {
    if (this.response.writableLength === 0) this.whenEmpty?.();
  };

  /** @param pace minimum pace at which the client has to receive */
  constructor(response: ServerResponse, contentType: string, pace: Pace) {
    this.response = response;
    this.contentType = contentType;
    this.pace = pace;
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    if (!this.response.headersSent) startGitResponse(this.response, this.contentType);
    this.frames.push(chunk);
    for (let at = 0; at < chunk.length; at += PIECE) {
      if (!(await this.writePiece(chunk.subarray(at, at + PIECE)))) return false;
    }
    return true;
  }

  /**
   * Reports an error at the end of a response that has started, in a form that git shows.
   * @returns false if the response has not started, or if no error can be reported at this point of it
   */
  async tell(reason: string): Promise<boolean> {
    const packet = this.response.headersSent ? this.frames.errorPacket(reason) : undefined;
    return packet !== undefined && (await this.write(packet));
  }

  /** Ends the response, which is empty if nothing was written. */
  end(): void {
    if (!this.response.headersSent) startGitResponse(this.response, this.contentType);
    this.response.end();
  }

  /** Waits until the system has everything that was written. */
  taken(): Promise<boolean> {
    const { response } = this;
    if (!isWritable(response)) return Promise.resolve(false);
    if (response.writableLength === 0) return WRITTEN;
    return this.pace.during(this.emptied(), () => this.handed - response.writableLength);
  }

  private writePiece(piece: Uint8Array): Promise<boolean> {
    this.handed += piece.length;
    const { response } = this;
    // If there is room, there is no need to wait.
    if (isWritable(response) && response.write(piece, this.onTaken)) return WRITTEN;
    return this.pace.during(roomIn(response), () => this.handed - response.writableLength);
  }

  private emptied(): Promise<boolean> {
    const { response } = this;
    return new Promise((resolve) => {
      const settle = () => {
        response.off('close', settle);
        this.whenEmpty = undefined;
        resolve(isWritable(response));
      };
      response.once('close', settle);
      this.whenEmpty = settle;
    });
  }
}
