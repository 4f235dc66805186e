import { describe, expect, it } from 'vitest';
import { type ArtifactName, parseArtifactName } from '../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../src/fossil/cards.ts';
import { type CardLimits, readCards } from '../../../src/fossil/read-cards.ts';
import { FossilSyntaxError } from '../../../src/fossil/syntax-error.ts';
import { CardWriter, writeCards } from '../../../src/fossil/write-cards.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const SHA1 = name('a'.repeat(40));
const SHA3 = name('b'.repeat(64));
const PAYLOAD = Buffer.from([0, 10, 255, 32, 10, 35]);

/** Every card, and exactly how it travels. */
const WIRE: readonly (readonly [Card, string | Buffer])[] = [
  [
    { card: 'login', user: 'a b', nonce: 'c'.repeat(40), signature: 'd'.repeat(40) },
    `login a\\sb ${'c'.repeat(40)} ${'d'.repeat(40)}\n`,
  ],
  [{ card: 'push', serverCode: 'x', projectCode: 'e'.repeat(40) }, `push x ${'e'.repeat(40)}\n`],
  [
    { card: 'pull', serverCode: 'f'.repeat(40), projectCode: 'e'.repeat(40) },
    `pull ${'f'.repeat(40)} ${'e'.repeat(40)}\n`,
  ],
  [{ card: 'clone', version: 1, position: undefined }, 'clone\n'],
  [{ card: 'clone', version: 3, position: 1 }, 'clone 3 1\n'],
  [{ card: 'clone_seqno', position: 0 }, 'clone_seqno 0\n'],
  [{ card: 'file', name: SHA3, payload: PAYLOAD, isPrivate: false }, line(`file ${SHA3} 6`, PAYLOAD)],
  [{ card: 'file', name: SHA3, payload: Buffer.alloc(0), isPrivate: false }, `file ${SHA3} 0\n`],
  [
    { card: 'file', name: SHA1, source: SHA3, payload: PAYLOAD, isPrivate: true },
    line(`private\nfile ${SHA1} ${SHA3} 6`, PAYLOAD),
  ],
  [
    { card: 'cfile', name: SHA1, size: 99, payload: PAYLOAD, isPrivate: false },
    line(`cfile ${SHA1} 99 6`, PAYLOAD),
  ],
  [
    { card: 'cfile', name: SHA1, source: SHA3, size: 99, payload: PAYLOAD, isPrivate: true },
    line(`private\ncfile ${SHA1} ${SHA3} 99 6`, PAYLOAD),
  ],
  [{ card: 'igot', name: SHA1, isPrivate: false }, `igot ${SHA1}\n`],
  [{ card: 'igot', name: SHA1, isPrivate: true }, `igot ${SHA1} 1\n`],
  [{ card: 'gimme', name: SHA1 }, `gimme ${SHA1}\n`],
  [
    { card: 'uvfile', name: 'ä.txt', time: 4_102_444_800, hash: SHA1, size: 6, flags: 0, content: PAYLOAD },
    line(`uvfile ä.txt 4102444800 ${SHA1} 6 0`, PAYLOAD),
  ],
  [{ card: 'uvfile', name: 'a', time: 5, hash: undefined, size: 0, flags: 1 }, 'uvfile a 5 - 0 1\n'],
  [{ card: 'uvfile', name: 'a', time: 5, hash: SHA1, size: 6, flags: 4 }, `uvfile a 5 ${SHA1} 6 4\n`],
  [{ card: 'uvigot', name: 'a', time: 5, hash: SHA3, size: 6 }, `uvigot a 5 ${SHA3} 6\n`],
  [{ card: 'uvigot', name: 'a', time: 5, hash: undefined, size: 0 }, 'uvigot a 5 - 0\n'],
  [{ card: 'uvgimme', name: 'a/b' }, 'uvgimme a/b\n'],
  [{ card: 'cookie', value: 'abc+/=' }, 'cookie abc+/=\n'],
  [{ card: 'reqconfig', name: '/all' }, 'reqconfig /all\n'],
  [
    { card: 'config', name: '/config', content: PAYLOAD },
    Buffer.concat([line('config /config 6', PAYLOAD), Buffer.from('\n')]),
  ],
  [{ card: 'pragma', name: 'send-private', args: [] }, 'pragma send-private\n'],
  [{ card: 'pragma', name: 'ci-lock-fail', args: ['a b', '5'] }, 'pragma ci-lock-fail a\\sb 5\n'],
  [{ card: 'message', text: 'pull only' }, 'message pull\\sonly\n'],
  [{ card: 'error', text: 'C:\\new\nline' }, 'error C:\\\\new\\nline\n'],
  [{ card: 'error', text: '' }, 'error \n'],
  [
    { card: 'comment', text: 'timestamp 2026-11-29T16:42:44 errors 0' },
    '# timestamp 2026-11-29T16:42:44 errors 0\n',
  ],
  [{ card: 'unknown', line: 'frobnicate 1  2' }, 'frobnicate 1  2\n'],
];

const TABLE_WIRE: readonly (readonly [Card, string | Buffer])[] = [
  [
    { card: 'schema', table: 'x_a', version: 1, hash: SHA1, time: 5, content: PAYLOAD },
    line(`schema x_a 1 ${SHA1} 5 6`, PAYLOAD),
  ],
  [{ card: 'xigot', table: 'x_a', key: SHA1, time: 5 }, `xigot x_a ${SHA1} 5\n`],
  [{ card: 'xgimme', table: 'x_a', key: SHA1 }, `xgimme x_a ${SHA1}\n`],
  [
    { card: 'xrow', table: 'x_a', key: SHA1, time: 5, content: PAYLOAD },
    line(`xrow x_a ${SHA1} 5 6`, PAYLOAD),
  ],
  [
    { card: 'xdelete', table: 'x_a', key: SHA1, time: 5, content: PAYLOAD },
    line(`xdelete x_a ${SHA1} 5 6`, PAYLOAD),
  ],
];

describe('every card', () => {
  it.each([...WIRE, ...TABLE_WIRE])('is written and read back: %j', (card, wire) => {
    expect(writeCards([card]).toString('latin1')).toBe(Buffer.from(wire).toString('latin1'));
    expect(plain(readCards(Buffer.from(wire), { tables: true }))).toEqual([plainCard(card)]);
  });

  it('is read back from one message with all cards, whose size is known before it is joined', () => {
    const cards = WIRE.map(([card]) => card).filter((card) => card.card !== 'unknown');
    const writer = new CardWriter();
    for (const card of cards) writer.add(card);
    const { size } = writer;
    const message = writer.bytes();
    expect(message.byteLength).toBe(size);
    expect(plain(readCards(message))).toEqual(cards.map(plainCard));
  });
});

describe('lines of a message', () => {
  it('may be empty, end the message without a line feed, and contain extra white space', () => {
    const text = `\n  \nigot  ${SHA1} \r\n#\n# note\n\tgimme\t${SHA3}`;
    expect(plain(read(text))).toEqual([
      { card: 'igot', name: SHA1, isPrivate: false },
      { card: 'comment', text: '' },
      { card: 'comment', text: 'note' },
      { card: 'gimme', name: SHA3 },
    ]);
  });

  it('with unencoded spaces are read as one text', () => {
    expect(plain(read('error not authorized\\sto clone\n'))).toEqual([
      { card: 'error', text: 'not authorized to clone' },
    ]);
  });

  it('of unknown cards and of the table extension are skipped', () => {
    expect(plain(read(`frob\nxigot x_a ${SHA1} 5\nigot ${SHA1}\n`)).map(({ card }) => card)).toEqual([
      'unknown',
      'unknown',
      'igot',
    ]);
  });

  it('are read right after a payload, even if the payload looks like cards', () => {
    const payload = Buffer.from(`igot ${SHA1}\nlogin a b c\n`);
    const message = Buffer.concat([
      line(`file ${SHA1} ${payload.length}`, payload),
      Buffer.from(`gimme ${SHA3}`),
    ]);
    expect(plain(readCards(message)).map(({ card }) => card)).toEqual(['file', 'gimme']);
  });

  it('give the bytes that the nonce of a login signs', () => {
    const reader = read(`# first\nlogin a ${'c'.repeat(40)} ${'d'.repeat(40)}\npull x y\n`);
    expect(reader.next()?.card).toBe('comment');
    expect(reader.next()?.card).toBe('login');
    expect(Buffer.from(reader.rest).toString()).toBe('pull x y\n');
    expect(reader.offset).toBe(98);
  });
});

describe('a clone card', () => {
  it.each([
    ['clone', 1, undefined],
    ['clone 3', 1, undefined],
    ['clone x 1', 1, undefined],
    ['clone 3 0', 3, 0],
    ['clone 3 -1', 3, undefined],
    ['clone 3 x', 3, undefined],
    ['clone 3 99999999999999999999', 3, undefined],
  ])('that says %j is read as Fossil reads it', (text, version, position) => {
    expect(plain(read(`${text}\n`))).toEqual([{ card: 'clone', version, position }]);
  });
});

describe('a message is refused', () => {
  it.each([
    ['igot\n', /igot card in line 1: it takes 1 to 2 arguments, not 0/],
    [`\n\nigot ${SHA1} 1 1\n`, /igot card in line 3: it takes 1 to 2 arguments, not 3/],
    [`igot ${SHA1} 2\n`, /1 for private/],
    [`igot ${'A'.repeat(40)}\n`, /"A{40}" is not the name of an artifact/],
    [`igot ${'a'.repeat(39)}\n`, /not the name of an artifact/],
    [`gimme ${'g'.repeat(64)}\n`, /not the name of an artifact/],
    ['push x\n', /it takes 2 arguments, not 1/],
    ['pull x y z\n', /it takes 2 arguments, not 3/],
    ['clone 3 1 1\n', /0 to 2 arguments/],
    ['clone_seqno x\n', /"x" is not a number/],
    [`file ${SHA1} -1\n`, /"-1" is not a number/],
    [`file ${SHA1} 1e3\n`, /not a number/],
    [`file ${SHA1} 7\nabc`, /file card in line 1: its payload is cut short: 3 of 7 bytes are there/],
    [`file ${SHA1} x 3\nabc`, /not the name of an artifact/],
    [`cfile ${SHA1} 3\nabc`, /3 to 4 arguments/],
    [`cfile ${SHA1} 9 ${2 ** 40}\nabc`, /at most 134217728 are taken/],
    [`file ${SHA1} ${'9'.repeat(30)}\nabc`, /not a number/],
    [`uvfile a 5 - 3 1\nabc`, /a deleted file has the size 0/],
    [`uvfile a 5 ${SHA1} 3 1\nabc`, /a deleted file has the flag 1/],
    ['uvfile a 5 - 0 0\n', /a deleted file has the flag 1/],
    [`uvfile \xff 5 - 0 1\n`, /not UTF-8/],
    [`login a b c\nlogin a b c\n`, /login card in line 2: multiple login cards/],
    ['private x\n', /private card in line 1: it takes 0 arguments/],
    [`private\nigot ${SHA1}\n`, /no file follows/],
    [`${'x'.repeat(20_000)}\n`, /line 1 is longer than 16384 bytes/],
    ['x'.repeat(20_000), /line 1 is longer than 16384 bytes/],
    ['\n'.repeat(1_000_001), /at most 1000000 bytes of empty lines/],
    [' \r\n'.repeat(400_000), /at most 1000000 bytes of empty lines/],
  ])('for %j', (text, problem) => {
    expect(() => [...readCards(Buffer.from(text, 'latin1'))]).toThrow(FossilSyntaxError);
    expect(() => [...readCards(Buffer.from(text, 'latin1'))]).toThrow(problem);
  });

  it('with more cards than the limit, before they are kept, and not with exactly the limit', () => {
    const message = Buffer.from(`igot ${SHA1}\n`.repeat(11));
    expect([...readCards(message, { cards: 11 })]).toHaveLength(11);
    expect(() => [...readCards(message, { cards: 10 })]).toThrow(/at most 10 cards/);
    const error = caught(message, { cards: 10 });
    expect(error).toMatchObject({ kind: 'too-large' });
  });

  it('with a million igots', () => {
    const message = Buffer.from(`igot ${SHA1}\n`.repeat(1_000_000));
    expect(caught(message, {})).toMatchObject({ kind: 'too-large' });
  });

  it('if it is cut within a payload, and yields only whole cards if it is cut anywhere', () => {
    const cards = WIRE.map(([card]) => card).filter((card) => card.card !== 'unknown');
    const message = writeCards(cards);
    const whole = cards.map(plainCard);
    for (let cut = 0; cut < message.length; cut++) {
      const got: unknown[] = [];
      try {
        for (const card of readCards(message.subarray(0, cut))) got.push(plainCard(card));
      } catch (error) {
        expect(error, `cut at ${cut}`).toBeInstanceOf(FossilSyntaxError);
      }
      // The line that the cut is in may be a shorter one of the same form.
      expect(got.slice(0, -1), `cut at ${cut}`).toEqual(whole.slice(0, Math.max(0, got.length - 1)));
    }
  });
});

describe('a writer', () => {
  it('refuses cards that cannot be written', () => {
    expect(() => writeCards([{ card: 'cookie', value: 'a b' }])).toThrow(/cookie card cannot have "a b"/);
    expect(() => writeCards([{ card: 'cookie', value: '' }])).toThrow(/cannot have ""/);
    expect(() => writeCards([{ card: 'comment', text: 'a\nigot b' }])).toThrow(/line feed/);
    expect(() => writeCards([{ card: 'login', user: '', nonce: 'a', signature: 'b' }])).toThrow(
      /cannot have ""/,
    );
  });
});

describe('random bytes', () => {
  it('are read as cards or refused, and nothing else happens', () => {
    const seed = testSeed(14);
    const random = new SeededRandom(seed);
    const parts = WIRE.map(([, wire]) => Buffer.from(wire));
    for (let round = 0; round < 3_000; round++) {
      const message = Buffer.concat(Array.from({ length: 1 + random.below(5) }, () => random.pick(parts)));
      for (let flips = random.below(4); flips > 0; flips--)
        message[random.below(message.length)] = random.below(256);
      const text = `seed ${seed}, round ${round}: ${message.toString('latin1')}`;
      let cards: Card[] | undefined;
      try {
        cards = [...readCards(message)];
      } catch (error) {
        expect(error, text).toBeInstanceOf(FossilSyntaxError);
        continue;
      }
      for (const card of cards) {
        if ('name' in card && (card.card === 'file' || card.card === 'igot')) {
          expect(parseArtifactName(card.name), text).toBeDefined();
        }
      }
    }
  });
});

function name(text: string): ArtifactName {
  const parsed = parseArtifactName(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function line(text: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${text}\n`), payload]);
}

function read(text: string) {
  return readCards(Buffer.from(text));
}

/** The error of a message that is refused. */
function caught(message: Uint8Array, limits: Partial<CardLimits>): unknown {
  try {
    for (const card of readCards(message, limits)) expect(card.card).toBe('igot');
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Payloads as hex: views of a message and buffers of their own are the same then. */
function plainCard(card: Card): { readonly card: string } {
  const entries = Object.entries(card).map(([key, value]: [string, unknown]) => [
    key,
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ]);
  return { card: card.card, ...(Object.fromEntries(entries) as object) };
}

function plain(cards: Iterable<Card>): { readonly card: string }[] {
  return [...cards].map(plainCard);
}
