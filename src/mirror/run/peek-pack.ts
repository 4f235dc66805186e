import { packHeaderLength, parsePackHeader } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { prefixed } from '../remote/prefixed.ts';

/** A pack whose first bytes were read. */
export interface PeekedPack {
  /** Number of objects that its header states. */
  readonly objects: number;
  /** All bytes of it. A caller that does not read them to the end must end the iteration. */
  readonly pack: AsyncIterable<Buffer>;
}

/**
 * Waits for the header of a pack. From then on its bytes follow without long pauses, because the objects are selected.
 * @throws CairnError `corrupt` when it is no pack; what reading it throws
 */
export async function peekPack(chunks: AsyncIterable<Buffer>): Promise<PeekedPack> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  try {
    while (head.length < packHeaderLength) {
      const step = await iterator.next();
      if (step.done) throw new CairnError('corrupt', 'the source sent an incomplete pack');
      head = Buffer.concat([head, step.value]);
    }
    const header = parsePackHeader(head);
    if (header === undefined) throw new CairnError('corrupt', 'the source sent no pack');
    return { objects: header.objects, pack: prefixed(head, iterator) };
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
}
