import type { Context } from 'hono';
import type { ReflessFolders } from '../../../browse/downloads/refless-folder.ts';
import type { RepositoryView } from '../../../browse/repository-view.ts';
import type { RepositoryViews } from '../../../browse/repository-views.ts';
import { sha256 } from '../../../lib/digest.ts';
import type { ResponseCache } from '../../../transfer/fetch/response-cache.ts';
import type { Output } from '../../../transfer/output.ts';
import { atMost } from '../../../transfer/part-of-output.ts';
import type { ByteRange } from '../../byte-range.ts';
import type { FoundRepository } from '../../find-repository.ts';
import { requestContextOf } from '../../request-context.ts';
import { streamedBody } from '../../streamed-body.ts';

/**
 * Large answers, which are made once for all who ask: they are written to disk at the speed of git, and read from there by each
 * visitor at their own speed. So a slow visitor holds no git process.
 */
export class KeptDownloads {
  readonly refless: ReflessFolders;
  private readonly views: RepositoryViews;
  private readonly cache: ResponseCache;

  constructor(parts: {
    readonly views: RepositoryViews;
    readonly cache: ResponseCache;
    readonly refless: ReflessFolders;
  }) {
    this.views = parts.views;
    this.cache = parts.cache;
    this.refless = parts.refless;
  }

  /**
   * The body of an answer.
   * @param c the request of the visitor
   * @param found the repository; the caller has decided that the visitor may read it
   * @param key everything that the bytes depend on: object ids, and the operation
   * @param make writes all bytes
   * @param range the bytes that are wanted; absent for all
   * @throws CairnError of `make` before its first byte, `busy` when too many downloads wait
   */
  body(
    c: Context,
    { id, repository, published }: FoundRepository,
    key: readonly string[],
    make: (view: RepositoryView, output: Output) => Promise<void>,
    range?: ByteRange,
  ): Promise<ReadableStream<Uint8Array>> {
    const digest = sha256(JSON.stringify(key));
    // The bytes do not depend on the state of the repository, so a later state does not make them leave the disk.
    const request = {
      repository: `${id.owner}/${id.identifier} ${digest}`,
      manifest: digest,
      request: digest,
    };
    const write = (output: Output, gone: AbortSignal) =>
      this.cache.serve(
        request,
        range === undefined ? output : atMost(output, range.length),
        gone,
        (sink, waited) => this.views.download(repository, published, waited, (view) => make(view, sink)),
        range?.start,
      );
    return streamedBody(c.req.raw.signal, write, requestContextOf(c).breakOff);
  }
}
