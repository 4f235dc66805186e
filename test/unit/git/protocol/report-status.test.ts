import { describe, expect, test } from 'vitest';
import { CommitProof, mintCommitProof } from '../../../../src/git/commit-proof.ts';
import { type Capabilities, parseCapabilities } from '../../../../src/git/protocol/capabilities.ts';
import { PacketReader } from '../../../../src/git/protocol/pkt-line.ts';
import { encodeReport, type StatusReport } from '../../../../src/git/protocol/report-status.ts';
import { runToEnd } from '../../../../src/lib/cooperative.ts';
import { packets } from '../chunks.ts';

const asked = parseCapabilities('report-status side-band-64k');

const encode = (report: StatusReport, capabilities: Capabilities) =>
  runToEnd(encodeReport(report, capabilities));

describe('the report of a push', () => {
  const proof = mintCommitProof();
  const raw = Buffer.of(0x72, 0xe9, 0xff);
  const report = {
    unpack: 'ok',
    refs: [
      { ref: 'refs/heads/größe', status: 'ok', proof },
      { ref: 'refs/heads/b', status: 'ng', reason: 'fetch first' },
      { ref: raw, status: 'ng', reason: 'a ref name must be valid UTF-8' },
    ],
  } as const;

  test('names each ref in the client’s bytes, in either version', () => {
    const expected = packets(
      'unpack ok\n',
      'ok refs/heads/größe\n',
      'ng refs/heads/b fetch first\n',
      Buffer.concat([Buffer.from('ng '), raw, Buffer.from(' a ref name must be valid UTF-8\n')]),
      null,
    );
    expect(encode(report, asked)).toEqual(expected);
    expect(encode(report, parseCapabilities('report-status-v2'))).toEqual(expected);
  });

  test('is not sent to a client that did not ask for it', () => {
    expect(encode(report, parseCapabilities('side-band-64k'))).toHaveLength(0);
  });

  test('keeps each reason on one line', () => {
    const refs = [
      { ref: 'refs/heads/a', status: 'ng', reason: ' one\n\x1b[31mtwo\u0000\u2028three\u202e \ud800 ' },
    ] as const;
    expect(encode({ unpack: 'index-pack failed:\nbad object', refs }, asked)).toEqual(
      packets('unpack index-pack failed: bad object\n', 'ng refs/heads/a one two three\n', null),
    );
  });

  test('cuts a reason to 1000 bytes, between characters', () => {
    const refs = [{ ref: 'refs/heads/a', status: 'ng', reason: `x${'ä'.repeat(2000)}` }] as const;
    expect(encode({ unpack: 'ok', refs }, asked)).toEqual(
      packets('unpack ok\n', `ng refs/heads/a x${'ä'.repeat(499)}\n`, null),
    );
  });

  test('includes a name that filled a whole packet', () => {
    const ref = Buffer.alloc(65516 - 82, 'x');
    const bytes = encode({ unpack: 'ok', refs: [{ ref, status: 'ng', reason: 'long '.repeat(200) }] }, asked);
    const reader = new PacketReader();
    reader.push(bytes);
    reader.next();
    const packet = reader.next();
    if (packet?.kind !== 'data') throw new Error('expected data');
    expect(packet.payload).toHaveLength(65516);
    expect(packet.payload.toString('latin1', ref.length + 3)).toMatch(/^( long){15} lo\n$/);
  });
});

describe('the proof for ok', () => {
  test('is refused if it was not made by the publisher, whatever its type says', () => {
    const forged: unknown = Object.create(CommitProof.prototype);
    for (const proof of [forged, {}, undefined, true]) {
      const refs = [{ ref: 'refs/heads/a', status: 'ok', proof: proof as CommitProof }] as const;
      expect(() => encode({ unpack: 'ok', refs }, asked)).toThrow('proof');
    }
    expect(CommitProof.isProof(mintCommitProof())).toBe(true);
  });
});
