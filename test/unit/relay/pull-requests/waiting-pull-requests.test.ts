import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { WaitingPullRequests } from '../../../../src/relay/pull-requests/waiting-pull-requests.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';

const MIB = 2 ** 20;

function hex(number: number): string {
  return number.toString(16).padStart(64, '0');
}

/** A pull request of a key of its own. */
function request(number: number, bytes = 0): NostrEvent {
  const text = 'x'.repeat(bytes);
  return {
    id: hex(number),
    pubkey: hex(number),
    created_at: 1,
    kind: 1618,
    tags: [],
    content: text,
    sig: '',
  };
}

/** Lets pull requests wait for as long as they may. @returns how many do, and why no more */
function fill(
  waiting: WaitingPullRequests,
  first: number,
  bytes: number,
  addressOf: (number: number) => string,
): { readonly count: number; readonly problem: string } {
  for (let count = 0; ; count++) {
    const event = request(first + count, bytes);
    const repositories = [repositoryId(hex(first + count), 'project')];
    const problem = waiting.problem(event, repositories, addressOf(count));
    if (problem !== undefined) return { count, problem };
    waiting.add({ event, tip: '1'.repeat(40), repositories, address: addressOf(count) });
  }
}

describe('waiting pull requests (issue 11, point 8)', () => {
  it('are bounded by the bytes of one address, and other addresses can still wait', () => {
    const waiting = new WaitingPullRequests(new InstantClock());
    const one = fill(waiting, 0, MIB / 2, () => '192.0.2.1');
    expect(one.problem).toBe('from your address');
    expect(one.count).toBe(7);
    expect(waiting.problem(request(1_000), [], '192.0.2.2')).toBeUndefined();
  });

  it('are bounded by their bytes in total', () => {
    const waiting = new WaitingPullRequests(new InstantClock());
    const { count, problem } = fill(waiting, 0, MIB, (number) => `address ${number}`);
    expect(problem).toBe('here');
    expect(count).toBe(31);
  });

  it('are bounded in number in total, and leave after half an hour', () => {
    const clock = new InstantClock();
    const waiting = new WaitingPullRequests(clock);
    // As many as came to other servers, which are counted here as well.
    for (let number = 0; number < 4_096; number++) {
      const repositories = [repositoryId(hex(number), 'project')];
      waiting.add({ event: request(number), tip: '1'.repeat(40), repositories, address: undefined });
    }
    expect(waiting.problem(request(5_000), [], '192.0.2.1')).toBe('here');
    clock.advance(30 * 60_000 + 1);
    expect(waiting.problem(request(5_000), [], '192.0.2.1')).toBeUndefined();
  });
});
