import { describe, expect, it } from 'vitest';
import { Outbox, Outgoing } from '../../../../src/relay/client/outbox.ts';
import { Subscriptions } from '../../../../src/relay/client/subscriptions.ts';
import type { KeptEvent } from '../../../../src/relay/events.ts';
import { plainEvent } from '../plain-events.ts';

describe('new events that wait behind stored ones', () => {
  it('take no memory any more when a stored one cannot be read', () => {
    const limits = { subscriptions: 9, bytes: 9_000, bytesOfAddress: 9_000 };
    const subscriptions = new Subscriptions(limits, { bytes: 0 });
    const outbox = new Outbox(() => true, subscriptions, { hidings: () => 0, visible: () => true });
    const subscription = subscriptions.add('sub', [], 1);
    if (typeof subscription === 'string') throw new Error(subscription);
    outbox.begin(subscription);
    outbox.deliverNew(subscription, new Outgoing(plainEvent()));
    expect(outbox.bytes).toBeGreaterThan(0);
    const unreadable: KeptEvent = {
      event: undefined,
      get json(): string {
        throw new Error('the disk is gone');
      },
    };
    expect(() => outbox.answer(subscription, [unreadable], 'EOSE', 0)).toThrow('the disk is gone');
    outbox.drop(subscription);
    expect({ bytes: outbox.bytes, waiting: outbox.waiting }).toEqual({ bytes: 0, waiting: 0 });
  });
});
