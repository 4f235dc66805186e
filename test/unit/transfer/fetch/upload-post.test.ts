import { describe, expect, it } from 'vitest';
import { delimiterPacket, flushPacket } from '../../../../src/git/index.ts';
import { ByteBudget } from '../../../../src/lib/byte-budget.ts';
import type { ProtocolVersion } from '../../../../src/transfer/fetch/advertise-refs.ts';
import {
  fetchQueryDigest,
  RequestMemory,
  readUploadPost,
} from '../../../../src/transfer/fetch/upload-post.ts';
import { RequestBody } from '../../../../src/transfer/request-body.ts';
import { lines } from '../../../helpers/upload-requests.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));

function v2(args: readonly string[], capabilities: readonly string[] = []): Buffer {
  const head = lines('command=fetch', ...capabilities);
  return Buffer.concat([head, delimiterPacket, lines(...args), flushPacket]);
}

function v0(wants: readonly string[], ...then: string[]): Buffer {
  return Buffer.concat([lines(...wants), flushPacket, lines(...then)]);
}

/** Reads a body that comes in small pieces, and checks that all of it can be read again. */
async function read(bytes: Buffer, version: ProtocolVersion, size = 7) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const body = new RequestBody(pieces());
  const memory = new RequestMemory(new ByteBudget(2 ** 22));
  const post = await readUploadPost(body, version, async () => 'sha1', memory);
  const again: Buffer[] = [];
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) again.push(chunk);
  expect(Buffer.concat(again).equals(bytes)).toBe(true);
  return post;
}

async function question(bytes: Buffer, version: ProtocolVersion) {
  const post = await read(bytes, version);
  if (post.command !== 'fetch' || post.whole === undefined) throw new Error('no question');
  expect(Buffer.concat(post.whole.bytes).equals(bytes)).toBe(true);
  return post.whole.query;
}

const nameOf = async (bytes: Buffer, version: ProtocolVersion = 2) =>
  fetchQueryDigest(await question(bytes, version));

describe('a fetch', () => {
  it('is parsed equally in every version', async () => {
    const newer = await question(v2([`want ${A}`, 'ofs-delta', 'no-progress', 'deepen 3', 'done']), 2);
    const older = await question(v0([`want ${A} no-progress ofs-delta agent=git/2`, 'deepen 3'], 'done'), 0);
    expect({ ...older, version: 2 }).toEqual(newer);
    expect(newer).toMatchObject({ wants: [A], deepen: 3, done: true, words: ['no-progress', 'ofs-delta'] });
  });

  it('that is too long is not read completely (issue 11, point 11)', async () => {
    const wants = Array.from({ length: 30_000 }, () => `want ${A}`);
    expect(await read(v2(wants), 2, 65_536)).toEqual({ command: 'fetch', whole: undefined });
    expect(await read(v0(wants), 0, 65_536)).toEqual({ command: 'fetch', whole: undefined });
  });
});

describe('the cache key of a request', () => {
  it('is independent of order, repetition and client', async () => {
    const name = await nameOf(
      v2([`want ${A}`, `want ${B}`, `have ${C}`, 'thin-pack', 'done'], ['agent=git/2.39']),
    );
    for (const other of [
      v2([`want ${B}`, `want ${A}`, `have ${C}`, 'thin-pack', 'done']),
      v2(
        ['thin-pack', `have ${C}`, `have ${C}`, `want ${A}`, `want ${B}`, `want ${A}`, 'done'],
        ['session-id=x'],
      ),
      v2(['done', `want ${A}`, 'thin-pack', `want ${B}`, `have ${C}`], ['server-option=x', 'agent=jgit']),
    ]) {
      expect(await nameOf(other)).toBe(name);
    }
  });

  it('differs for every other request', async () => {
    const asked = [
      v2([`want ${A}`, 'done']),
      v2([`want ${A}`]),
      v2([`want ${B}`, 'done']),
      v2([`want ${A}`, `want ${B}`, 'done']),
      v2([`want ${A}`, `have ${B}`, 'done']),
      v2([`want ${A}`, `shallow ${B}`, 'done']),
      v2([`want ${A}`, 'deepen 1', 'done']),
      v2([`want ${A}`, 'deepen 2', 'done']),
      v2([`want ${A}`, 'deepen 2', 'deepen-relative', 'done']),
      v2([`want ${A}`, 'deepen-since 5', 'done']),
      v2([`want ${A}`, 'deepen-not refs/heads/x', 'done']),
      v2([`want ${A}`, 'filter blob:none', 'done']),
      v2([`want ${A}`, 'include-tag', 'done']),
      v2([`want ${A}`, 'done'], ['object-format=sha256']),
      v2(['want-ref refs/heads/main', 'done']),
    ];
    const names = await Promise.all(asked.map((bytes) => nameOf(bytes)));
    names.push(
      await nameOf(v0([`want ${A}`], 'done'), 0),
      await nameOf(v0([`want ${A} side-band`], 'done'), 0),
    );
    expect(new Set(names).size).toBe(asked.length + 2);
    expect(names).not.toContain(undefined);
  });

  it('is absent if the order of haves matters', async () => {
    expect(await nameOf(v0([`want ${A}`], `have ${B}`, 'done'), 0)).toBeUndefined();
  });
});
