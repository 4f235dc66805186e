import { encodePacket, type Packet, PacketReader, type Service, textOf } from '../../git/index.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';

/** Bytes of an advertisement that are read at most: 64 MiB are about 900,000 refs. */
export const maxAdvertisementBytes = 64 * 1024 * 1024;

/**
 * A body that must not be longer than {@link maxAdvertisementBytes}.
 * @throws CairnError `too-large` by reading what comes after them
 */
export function boundedAdvertisement(
  body: AsyncIterable<Buffer>,
  most = maxAdvertisementBytes,
): AsyncIterable<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  let left = most;
  const bounded: AsyncIterator<Buffer> = {
    async next() {
      const step = await chunks.next();
      if (step.done) return step;
      left -= step.value.length;
      if (left >= 0) return step;
      await chunks.return?.();
      throw new CairnError('too-large', `the remote advertises more than ${formatSize(most)} of refs`);
    },
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => bounded };
}

/**
 * The body of an advertisement without the packets that only HTTP has: `# service=<name>` and a flush. In protocol version 2
 * servers may leave them out, as `git http-backend` does.
 * @throws CairnError `corrupt` when the body begins in another way; it is ended then
 */
export async function withoutServiceHeader(
  body: AsyncIterable<Buffer>,
  service: Service,
): Promise<AsyncIterable<Buffer>> {
  const chunks = body[Symbol.asyncIterator]();
  const reader = new PacketReader();
  try {
    const first = await nextPacket(reader, chunks);
    const text = first?.kind === 'data' ? textOf(first.payload) : '';
    if (first?.kind === 'data' && text === 'version 2') {
      return followedBy(Buffer.concat([encodePacket(first.payload), reader.takeRest()]), chunks);
    }
    const second = text === `# service=${service}` ? await nextPacket(reader, chunks) : undefined;
    if (second?.kind === 'flush') return followedBy(reader.takeRest(), chunks);
    throw notGit(service);
  } catch (error) {
    await chunks.return?.();
    throw isCairnError(error, 'invalid') ? notGit(service, error) : error;
  }
}

async function nextPacket(reader: PacketReader, chunks: AsyncIterator<Buffer>): Promise<Packet | undefined> {
  for (;;) {
    const packet = reader.next();
    if (packet !== undefined) return packet;
    const step = await chunks.next();
    if (step.done) return undefined;
    reader.push(step.value);
  }
}

function notGit(service: Service, cause?: unknown): CairnError {
  const text = `the remote does not begin its answer as ${service} does`;
  return new CairnError('corrupt', text, { cause, publicText: text });
}

function followedBy(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  let begun = first.length === 0;
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      if (begun) return chunks.next();
      begun = true;
      return { done: false, value: first };
    },
    async return() {
      begun = true;
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
