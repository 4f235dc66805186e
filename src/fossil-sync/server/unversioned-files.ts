import { UV_DELETED } from '../../fossil/cards.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import { catalogueHash } from '../../fossil/unversioned.ts';
import { BagReading } from '../../repository/fossil/bag-reading.ts';
import { LARGE_CONTENT } from '../../repository/fossil/content-maker.ts';
import { faultFires } from '../faults.ts';
import type { Round } from './round.ts';

/** Tells what unversioned files are here, unless the client has the same: then both made the same hash of them. */
export async function announceUnversioned({ bag, reply, context }: Round, hash: string): Promise<void> {
  const { rights } = context;
  if (!rights.read) return;
  const files = await bag.unversioned();
  if (catalogueHash(files.values()) === hash) return;
  reply.add(pragmaCard({ pragma: rights.write && rights.unversioned ? 'uv-push-ok' : 'uv-pull-only' }));
  for (const file of files.values()) reply.add({ card: 'uvigot', ...file });
}

/**
 * Sends unversioned files. Those that do not fit are announced again, so that the client asks for them in its next round. A card
 * without content (flag 4) would end that: stock clients keep an empty file then, with the hash of the whole one.
 */
export async function sendUnversioned({ bag, request, reply, context }: Round): Promise<void> {
  if (!context.rights.read || request.unversionedGimmes.length === 0) return;
  const files = await bag.unversioned();
  for (const name of new Set(request.unversionedGimmes)) {
    const file = files.get(name);
    if (file === undefined || faultFires(context.faults, 'server.ignore-unversioned-gimme')) continue;
    context.signal?.throwIfAborted();
    if (file.hash === undefined) {
      reply.add({ card: 'uvfile', ...file, size: 0, flags: UV_DELETED });
    } else if (reply.filesSent > 0 && reply.isFull) {
      reply.add({ card: 'uvigot', ...file });
    } else {
      const isLarge = file.size > LARGE_CONTENT;
      const content = isLarge
        ? await reply.hold(new BagReading(bag)).unversionedContent(file.hash)
        : await bag.unversionedContent(file.hash);
      reply.add({ card: 'uvfile', ...file, flags: 0, content });
    }
  }
}
