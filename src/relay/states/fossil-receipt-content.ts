import { sha256 } from '../../lib/digest.ts';
import { formatAddress } from '../../nostr/address.ts';
import type { EventTemplate, Tag } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { FossilManifest } from '../../repository/fossil/fossil-manifest.ts';
import { encodeFossilManifest } from '../../repository/fossil/fossil-manifest-codec.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { ReceiptContent } from './receipts.ts';

/**
 * What receipts of Fossil repositories say, in place of refs: how many artifacts everybody sees who may read, and the digest of
 * the manifest, which names all packs. Artifacts are a set that only grows, so both tell whether two servers have the same.
 */
export class FossilReceiptContent implements ReceiptContent<FossilManifest> {
  changes({ causes }: FossilManifest): boolean {
    return causes.some(({ artifacts, unversioned }) => artifacts > 0 || unversioned > 0);
  }

  async template(id: RepositoryId, manifest: FossilManifest): Promise<EventTemplate> {
    const { owner, identifier } = id;
    const { causes, projectCode, artifacts, receiptAt } = manifest;
    const changing = causes.filter((cause) => cause.artifacts > 0 || cause.unversioned > 0);
    const actors = new Set(changing.flatMap(({ actor }) => actor ?? []));
    const tags: Tag[] = [
      ['d', identifier],
      ['vcs', 'fossil'],
      ['project', projectCode],
      ['artifacts', String(artifacts)],
      ['state', sha256(encodeFossilManifest(manifest))],
      ['a', formatAddress({ kind: kinds.repository, pubkey: owner, identifier })],
      ...[...actors].map((actor): Tag => ['p', actor]),
    ];
    return { kind: kinds.repositoryState, created_at: receiptAt, tags, content: '' };
  }

  /** Signed states are about refs, so none is applied to a Fossil repository. */
  applied(): readonly string[] {
    return [];
  }

  lastApplied(): undefined {
    return undefined;
  }
}
