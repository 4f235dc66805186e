import { expect, it } from 'vitest';
import { SingleFlight } from '../../../src/lib/single-flight.ts';

it('one task per key runs at a time, and all callers share its result', async () => {
  const flights = new SingleFlight<string, number>();
  let runs = 0;
  let land: (value: number) => void = () => undefined;
  const task = () => {
    runs++;
    return new Promise<number>((resolve) => {
      land = resolve;
    });
  };
  const waiting = [flights.run('a', task), flights.run('a', task)];
  expect(runs).toBe(1);
  const other = flights.run('b', () => Promise.resolve(9));
  expect(flights.size).toBe(2);
  land(7);
  expect(await Promise.all(waiting)).toEqual([7, 7]);
  expect(await other).toBe(9);
  const next = flights.run('a', task);
  land(8);
  expect(await next).toBe(8);
  expect(runs).toBe(2);
  expect(flights.size).toBe(0);
});

it('callers share an error too, and it is not remembered', async () => {
  const flights = new SingleFlight<string, number>();
  const fail = () => Promise.reject(new Error('lost'));
  const results = await Promise.allSettled([flights.run('a', fail), flights.run('a', fail)]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(await flights.run('a', () => Promise.resolve(1))).toBe(1);
});
