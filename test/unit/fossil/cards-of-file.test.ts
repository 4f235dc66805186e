import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../src/fossil/cards.ts';
import { type CardLimits, readCards } from '../../../src/fossil/read-cards.ts';
import { readCardsOfFile } from '../../../src/fossil/read-cards-of-file.ts';
import { writeCards } from '../../../src/fossil/write-cards.ts';
import { type Bytes, type FileBytes, inMemory } from '../../../src/lib/file-bytes.ts';
import { inFile } from '../../helpers/bytes-in-file.ts';
import { noise } from '../../helpers/noise.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

/** All cards with payloads in memory, and then why there are no more. */
async function readAll(cards: Iterable<Card> | AsyncIterable<Card<FileBytes>>): Promise<unknown[]> {
  const all: unknown[] = [];
  try {
    for await (const card of cards as AsyncIterable<Card<Bytes>>) {
      const plain: Record<string, unknown> = { ...card };
      for (const key of ['payload', 'content']) {
        const bytes = plain[key];
        if (bytes !== undefined) plain[key] = Buffer.from(await inMemory(bytes as Bytes)).toString('base64');
      }
      all.push(plain);
    }
  } catch (error) {
    all.push(String(error));
  }
  return all;
}

async function expectSame(message: Uint8Array, limits: Partial<CardLimits> = {}): Promise<void> {
  const expected = await readAll(readCards(message, limits));
  await inFile(message, async (bytes) => {
    expect(await readAll(readCardsOfFile(bytes, limits))).toEqual(expected);
  });
}

function randomCard(random: SeededRandom): Card {
  const size = random.pick([0, 1, 500, 20_000, 262_000, 300_000, 700_000]);
  const payload = noise(Math.floor(size * random.fraction()), random.below(1000));
  const name = nameOf(payload, random.pick(['sha1', 'sha3-256']));
  const time = random.below(1e9);
  return random.pick<() => Card>([
    () => ({ card: 'file', name, payload, isPrivate: random.below(2) === 0 }),
    () => ({ card: 'cfile', name, source: name, size: 7, payload, isPrivate: random.below(2) === 0 }),
    () => ({
      card: 'uvfile',
      name: 'a file',
      time,
      hash: name,
      size: payload.length,
      flags: 0,
      content: payload,
    }),
    () => ({ card: 'config', name: 'group', content: payload }),
    () => ({ card: 'xrow', table: 't', key: 'k', time, content: payload }),
    () => ({ card: 'igot', name, isPrivate: false }),
    () => ({ card: 'comment', text: 'c'.repeat(random.below(15_000)) }),
  ])();
}

describe('cards of a message in a file', () => {
  it('are those of the same message in memory', async () => {
    const random = new SeededRandom(5);
    for (let round = 0; round < 12; round++) {
      const cards = Array.from({ length: random.below(40) }, () => randomCard(random));
      const message = writeCards(cards);
      await expectSame(message, { tables: round % 2 === 0 });
      // Cut somewhere: the same cards, then the same error.
      await expectSame(message.subarray(0, random.below(message.length + 1)), { tables: true });
    }
  });

  it.each<[string, Uint8Array, Partial<CardLimits>]>([
    ['a size larger than the message', Buffer.from(`file ${'a'.repeat(40)} 5000\nabc`), {}],
    [
      'a payload over the limit',
      Buffer.from(`file ${'a'.repeat(40)} 5000\n${'x'.repeat(5_000)}`),
      { payload: 4_999 },
    ],
    ['a long line', Buffer.from(`# ${'x'.repeat(20_000)}`), {}],
    ['empty lines', Buffer.alloc(1_500_000, '\n'), {}],
    ['too many cards', Buffer.from('# c\n'.repeat(90_000)), { cards: 80_000 }],
    ['a last line without an end', Buffer.from(`${'# c\n'.repeat(70_000)}pragma x`), {}],
    ['private before nothing', Buffer.from(`${'# c\n'.repeat(70_000)}private\n`), {}],
    ['nothing', Buffer.alloc(0), {}],
  ])('end as in memory: %s', async (_what, message, limits) => {
    await expectSame(message, limits);
  });

  it('tell what is left after one', async () => {
    const message = Buffer.from(`login u ${'0'.repeat(40)} ${'1'.repeat(40)}\npull a b\n`);
    await inFile(message, async (bytes) => {
      const reader = readCardsOfFile(bytes);
      expect(await reader.next()).toMatchObject({ card: 'login' });
      expect((await reader.rest.read()).toString()).toBe('pull a b\n');
    });
  });
});
