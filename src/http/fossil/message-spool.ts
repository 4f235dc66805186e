import { type ContentType, MessageDecoder } from '../../fossil/framing.ts';
import type { ScratchFile, ScratchFiles } from '../../lib/scratch-files.ts';

/** Decodes a body while it comes, and writes its message into a file. */
export class MessageSpool {
  private readonly file: ScratchFile;
  private readonly decoder: MessageDecoder;

  private constructor(type: ContentType, bytes: number, file: ScratchFile) {
    this.file = file;
    this.decoder = new MessageDecoder(type, bytes, (piece) => file.append(piece));
  }

  /** @param bytes of the message at most */
  static async open(type: ContentType, bytes: number, scratch: ScratchFiles): Promise<MessageSpool> {
    return new MessageSpool(type, bytes, await scratch.open());
  }

  /** @throws FossilSyntaxError as `decodeMessage`; CairnError `busy` or `unavailable` if there is no room */
  add(chunk: Buffer): Promise<void> {
    return this.decoder.write(chunk);
  }

  /** The message, once all of the body has come. Its receiver closes it. @throws as {@link add} */
  async end(): Promise<ScratchFile> {
    await this.decoder.end();
    return this.file;
  }

  /** Drops what has come. */
  async close(): Promise<void> {
    this.decoder.destroy();
    await this.file.close();
  }
}
