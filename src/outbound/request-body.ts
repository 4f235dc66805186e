/** Bytes of a request: all of it at once, or read at the pace of the network. */
export type RequestBody = Buffer | AsyncIterable<Buffer>;
