/** Where an answer goes. The first write starts it; headers, if the transport has any, are decided before that. */
export interface Output {
  /**
   * Writes and waits for room.
   * @returns false when the client has gone: nothing more will reach it
   */
  write(chunk: Uint8Array): Promise<boolean>;
}
