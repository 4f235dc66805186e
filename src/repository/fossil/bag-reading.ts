import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { contentSizeOf, deflatePayload } from '../../fossil/compression.ts';
import { publicError } from '../../lib/errors.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import type { Bag, BagEntry } from './bag.ts';
import { isVisible } from './bag-state.ts';
import type { ContentMaker } from './content-maker.ts';
import { placeOf, verifiedContent } from './expand.ts';
import type { PackSession } from './pack-reader.ts';

/** Reads artifacts of a bag that may be too large for memory. What it gives can be read until it is disposed of. For one artifact. */
export class BagReading implements AsyncDisposable {
  private readonly bag: Bag;
  private readonly session: PackSession;
  private readonly maker: ContentMaker;

  constructor(bag: Bag) {
    this.bag = bag;
    this.session = bag.session();
    this.maker = bag.maker();
  }

  /** As `Bag.content`. */
  async content(name: ArtifactName): Promise<Bytes> {
    const slot = this.bag.slotOf(name);
    if (!isVisible(this.bag.bitsOf(slot))) throw publicError('not-found', `there is no artifact ${name}`);
    return this.bag.expand(this.session, slot, this.maker);
  }

  /** As `Bag.stored`. */
  async stored(entry: BagEntry): Promise<Bytes> {
    const { view } = this.bag;
    const slot = view.table.slotAt(entry.ordinal);
    if (this.bag.isSentWhole(slot)) return this.deflated(await this.content(entry.name));
    return this.session.bytes(placeOf(view, slot));
  }

  /** What a payload of this bag holds: a content, or a delta. */
  async inflated(payload: Bytes): Promise<Bytes> {
    return this.maker.inflated('payload', payload, await contentSizeOf(payload));
  }

  /** The payload of a content. */
  async deflated(content: Bytes): Promise<Bytes> {
    return content instanceof FileBytes ? this.maker.deflated('deflated', content) : deflatePayload(content);
  }

  /** As `Bag.unversionedContent`. */
  async unversionedContent(hash: ArtifactName): Promise<Bytes> {
    const place = this.bag.view.contents.get(hash);
    if (place === undefined) throw publicError('not-found', `there is no unversioned content ${hash}`);
    return verifiedContent(this.maker, hash, await this.session.bytes(place), place.size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.maker[Symbol.asyncDispose]();
    } finally {
      await this.session.close();
    }
  }
}
