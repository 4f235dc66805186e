/** Wakes everyone who waits for a change. Each of them then checks whether the change concerns it. */
export class Signal {
  private waiting: (() => void)[] = [];

  /** Resolves at the next {@link notify}. Check your condition directly before, with no `await` in between. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  notify(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
