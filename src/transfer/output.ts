/** The destination of a response. The first write starts it; headers, if the transport has any, are set before. */
export interface Output {
  /**
   * Writes, and waits until there is room for more.
   * @returns false if the client has gone
   */
  write(chunk: Uint8Array): Promise<boolean>;
  /**
   * Waits until no chunk that was written is needed any more: its memory may be used again. Absent: nobody knows when.
   * @returns false if the client has gone
   */
  taken?(): Promise<boolean>;
}
