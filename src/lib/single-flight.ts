/** Runs one task for each key at a time. Callers that arrive while it runs share its result or its error. */
export class SingleFlight<K, V> {
  private readonly flights = new Map<K, Promise<V>>();

  /** How many tasks run. */
  get size(): number {
    return this.flights.size;
  }

  run(key: K, task: () => Promise<V>): Promise<V> {
    const running = this.flights.get(key);
    if (running !== undefined) return running;
    const flight = task().finally(() => this.flights.delete(key));
    this.flights.set(key, flight);
    return flight;
  }
}
