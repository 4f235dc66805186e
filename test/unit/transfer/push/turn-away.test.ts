import { describe, expect, it } from 'vitest';
import { RefusalPauses } from '../../../../src/transfer/push/refusal-pauses.ts';
import { boundedPushes } from '../../../../src/transfer/push/stranger-push.ts';
import { turnedAway } from '../../../../src/transfer/push/turn-away.ts';
import { RequestBody } from '../../../../src/transfer/request-body.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';

const ADDRESS = '192.0.2.1';
const LIMITS = { bytes: 1_000, objects: 100, refs: 1_000, slots: 1 };
const ZERO = '0'.repeat(40);
const TIP = '1'.repeat(40);

function spent() {
  const clock = new InstantClock();
  const context = boundedPushes(LIMITS, clock);
  for (let push = 0; push < 120; push++) context.strangerPushes?.traffic.enter(ADDRESS, 0);
  return context;
}

const line = (ref: string, zero = ZERO, tip = TIP) => {
  const text = `${zero} ${tip} ${ref}\0 report-status\n`;
  return `${(text.length + 4).toString(16).padStart(4, '0')}${text}0000PACK`;
};

function body(text: string, piece = text.length): RequestBody {
  async function* chunks() {
    for (let at = 0; at < text.length; at += piece) yield Buffer.from(text.slice(at, at + piece));
  }
  return new RequestBody(chunks());
}

async function rest(of: RequestBody): Promise<string> {
  let text = '';
  for (let chunk = await of.next(); chunk !== undefined; chunk = await of.next()) text += chunk.toString();
  return text;
}

const PULL_REQUEST = line(`refs/nostr/${'a'.repeat(64)}`);

describe('a push from an address without allowance (issue 11, point 8)', () => {
  it.each([1, 7, 1_000])('is recognized by its first line, in pieces of %i bytes', async (piece) => {
    const pushed = body(PULL_REQUEST, piece);
    const away = await turnedAway(spent(), {
      authority: { kind: 'signed-state' },
      address: ADDRESS,
      body: pushed,
    });
    expect(away).toMatchObject({ format: 'sha1', problem: { kind: 'busy' } });
    expect(await rest(pushed)).toBe(PULL_REQUEST);
  });

  it('is recognized with SHA-256 as well', async () => {
    const wide = line(`refs/nostr/${'a'.repeat(64)}`, '0'.repeat(64), '1'.repeat(64));
    const push = { authority: { kind: 'signed-state' }, address: ADDRESS, body: body(wide) } as const;
    expect(await turnedAway(spent(), push)).toMatchObject({ format: 'sha256' });
  });

  it.each([
    ['to a branch, which may carry out a signed state', line('refs/heads/main')],
    ['that is shallow', `0034shallow ${TIP}${PULL_REQUEST}`],
    ['that is empty', ''],
    ['that is junk', 'x'.repeat(500)],
  ])('is examined normally %s', async (_what, text) => {
    const pushed = body(text);
    const push = { authority: { kind: 'signed-state' }, address: ADDRESS, body: pushed } as const;
    expect(await turnedAway(spent(), push)).toBeUndefined();
    expect(await rest(pushed)).toBe(text);
  });

  it('is examined normally with a key, from another address, or if strangers may push nothing', async () => {
    const push = { authority: { kind: 'signed-state' }, address: ADDRESS, body: body(PULL_REQUEST) } as const;
    const caller = { actor: 'a'.repeat(64), token: 'b'.repeat(64) };
    expect(
      await turnedAway(spent(), { ...push, authority: { kind: 'signed-state', caller } }),
    ).toBeUndefined();
    expect(await turnedAway(spent(), { ...push, authority: { kind: 'key', ...caller } })).toBeUndefined();
    expect(await turnedAway(spent(), { ...push, address: '192.0.2.2' })).toBeUndefined();
    expect(await turnedAway(boundedPushes(undefined, new InstantClock()), push)).toBeUndefined();
  });

  it('may still delete its own refs if only the number of refs is used up', async () => {
    const context = boundedPushes({ ...LIMITS, refs: 8 }, new InstantClock());
    context.strangerPushes?.traffic.enter(ADDRESS, 1);
    const push = (text: string) =>
      ({ authority: { kind: 'signed-state' }, address: ADDRESS, body: body(text) }) as const;
    expect(await turnedAway(context, push(PULL_REQUEST))).toMatchObject({ problem: { kind: 'busy' } });
    const deletion = line(`refs/nostr/${'a'.repeat(64)}`, TIP, ZERO);
    expect(await turnedAway(context, push(deletion))).toBeUndefined();
  });
});

describe('the pause before a refusal', () => {
  it('holds 8 pushes of an address and 128 in total, and others are answered at once', async () => {
    let waiting = 0;
    const sleep = (_milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        waiting++;
        signal?.addEventListener('abort', () => {
          waiting--;
          reject(signal.reason);
        });
      });
    const pauses = new RefusalPauses({ sleep });
    const clients: AbortController[] = [];
    const wait = (address: string) => {
      const client = new AbortController();
      clients.push(client);
      return pauses.wait(address, client.signal);
    };
    const held: Promise<unknown>[] = [];
    for (let number = 0; number < 8; number++) held.push(wait(ADDRESS));
    await wait(ADDRESS);
    expect(waiting).toBe(8);
    for (let number = 0; number < 120; number++) held.push(wait(`10.0.0.${number}`));
    await wait('10.0.1.1');
    expect(waiting).toBe(128);
    for (const client of clients) client.abort(new Error('gone'));
    expect((await Promise.allSettled(held)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(waiting).toBe(0);
  });
});
