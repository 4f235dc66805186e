/** Bytes of memory that several users share. Whoever takes some gives it back. */
export class ByteBudget {
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  /** Bytes that nobody has taken. */
  get free(): number {
    return this.left;
  }

  /** Takes bytes; false, and nothing taken, when there are not so many. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.left += bytes;
  }
}
