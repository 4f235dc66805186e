/** Signed events as files: of threads (`event`), and of what moved the refs (`receipt`). */
import type { Context } from 'hono';
import { isDigest, sha256 } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { JSON_HEADERS } from '../page-headers.ts';
import { isKnown } from '../validators.ts';
import type { NostrRequest } from './nostr-page.ts';

/** Headers of a patch: a text that nothing runs. */
const TEXT_HEADERS = { ...JSON_HEADERS, 'Content-Type': 'text/plain; charset=utf-8' };

/**
 * Answers `event/<id>.json`, and `event/<id>.patch` for a patch.
 * @throws CairnError `not-found`
 */
export function answerEvent(c: Context, { sources, found, reader, segments }: NostrRequest): Response {
  const [, id = '', form] = /^([0-9a-f]{64})\.(json|patch)$/.exec(segments.join('/')) ?? [];
  const event = isDigest(id) ? sources.discussions.event(found.id, id, reader) : undefined;
  if (event === undefined) throw new CairnError('not-found', 'there is no such event');
  if (form === 'json') return eventAnswer(c, event);
  if (event.kind !== kinds.patch) throw new CairnError('not-found', 'this event is no patch');
  return answer(c, event.content, TEXT_HEADERS);
}

/**
 * Answers `receipt/<publish>.json` and `receipt/<publish>/<event>.json`.
 * @throws CairnError `not-found`
 */
export async function answerReceipt(c: Context, request: NostrRequest): Promise<Response> {
  const { sources, found, segments } = request;
  const [, digest = '', id] = /^([0-9a-f]{64})(?:\/([0-9a-f]{64}))?\.json$/.exec(segments.join('/')) ?? [];
  if (!isDigest(digest)) throw new CairnError('not-found', 'there is no such receipt');
  const { repository, published } = found;
  const event =
    id === undefined
      ? await sources.history.receipt(repository, published, digest)
      : await sources.history.evidence(repository, published, digest, id);
  return eventAnswer(c, event);
}

function eventAnswer(c: Context, event: NostrEvent): Response {
  return answer(c, encodeEvent(event), JSON_HEADERS);
}

function answer(c: Context, body: string, headers: Readonly<Record<string, string>>): Response {
  const etag = `"${sha256(body).slice(0, 32)}"`;
  if (isKnown(c, etag)) return c.body(null, 304, { ...headers, ETag: etag });
  return c.body(body, 200, { ...headers, ETag: etag });
}
