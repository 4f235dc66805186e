/** What the thread that compresses and the server say to each other. */

/** Bytes that are compressed at once. Each request has as many, but for the last one: where they end decides what comes out. */
export const STEP = 256 * 1024;

/**
 * How archives are compressed. The same input gives the same bytes on every machine, as long as this text stays the same: it is
 * part of what an archive is known by.
 */
export const ZSTANDARD_ENCODING = 'zstd 1.5.7, level 3, steps of 256 KiB';

/** The level of compression, the default of Zstandard. */
export const LEVEL = 3;

/** Bytes to compress, or the end of them. The thread gives their memory back. */
export type ZstandardRequest = Uint8Array<ArrayBuffer> | 'end';

export type ZstandardReply =
  | {
      /** What has come out since the last reply. */
      readonly compressed: Uint8Array;
      /** The memory of the request, to be used again. */
      readonly memory: ArrayBuffer | undefined;
    }
  | { readonly failure: string };
