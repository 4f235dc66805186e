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

/** The part of a budget that one user takes, beyond what each has in any case. */
export class BudgetShare {
  private readonly all: ByteBudget;
  private readonly always: number;
  private kept = 0;
  private taken = 0;

  /** @param always bytes that are not taken from the budget */
  constructor(all: ByteBudget, always: number) {
    this.all = all;
    this.always = always;
  }

  /** Counts bytes as kept; false when the budget has not so many left. */
  keep(bytes: number): boolean {
    const wanted = Math.max(0, this.kept + bytes - this.always) - this.taken;
    if (!this.all.take(wanted)) return false;
    this.kept += bytes;
    this.taken += wanted;
    return true;
  }

  /** Gives everything back. */
  forget(): void {
    this.all.give(this.taken);
    this.kept = 0;
    this.taken = 0;
  }
}
