/** Wakes everyone who waits for something to change. Whoever is woken looks for himself whether it was for him. */
export class Signal {
  private waiting: (() => void)[] = [];

  /** Resolves at the next ring. Look at what you wait for right before, with nothing awaited between. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  notify(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
