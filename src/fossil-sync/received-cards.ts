import type { CompressedFileCard, FileCard, UnversionedFileCard } from '../fossil/cards.ts';
import type { Bytes } from '../lib/file-bytes.ts';
import type { ReceivedArtifact, ReceivedUnversioned } from '../repository/fossil/prepared-artifacts.ts';

/** An artifact that a card brought, as the intake of a repository takes it. */
export function receivedArtifact<P extends Bytes>(
  card: FileCard<P> | CompressedFileCard<P>,
): ReceivedArtifact<P> {
  const { name, source, payload, isPrivate } = card;
  const from = source === undefined ? {} : { source };
  if (card.card === 'file') return { name, ...from, payload, form: 'plain', isPrivate };
  return { name, ...from, payload, form: 'stored', size: card.size, isPrivate };
}

/** An unversioned file that a card brought, as the intake of a repository takes it. */
export function receivedUnversioned<P extends Bytes>(card: UnversionedFileCard<P>): ReceivedUnversioned<P> {
  const { name, time, hash, size, content } = card;
  return { name, time, hash, size, ...(content === undefined ? {} : { content }) };
}
