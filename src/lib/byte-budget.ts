/** Bytes of memory that several users share. A user gives back what it has taken. */
export class ByteBudget {
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  /** Bytes that are not taken. */
  get free(): number {
    return this.left;
  }

  /** Takes bytes. If fewer are left, takes nothing and returns false. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.left += bytes;
  }
}

/** One user's part of a budget. A first part, which every user has, is not taken from the budget. */
export class BudgetShare {
  private readonly all: ByteBudget;
  private readonly always: number;
  private kept = 0;
  private taken = 0;

  /** @param always bytes that every user has without taking from the budget */
  constructor(all: ByteBudget, always: number) {
    this.all = all;
    this.always = always;
  }

  /** Takes bytes; false when the budget has too few left. */
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
