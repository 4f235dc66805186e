import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UploadRequestParser } from '../../../../src/git/protocol/upload-request.ts';
import { divisions, packets } from '../chunks.ts';
import { RealRepository } from '../real-git.ts';

const limits = { bytes: 1 << 20 };
const [one, two, three] = ['1'.repeat(40), 'a2'.repeat(20), '3'.repeat(40)];

function newParser(changed = limits) {
  return new UploadRequestParser({ format: 'sha1', limits: changed });
}

describe('a request of protocol v0 or v1', () => {
  const wants = packets(
    `want ${one} multi_ack_detailed side-band-64k agent=git/2.39.5\n`,
    `want ${two.toUpperCase()}\n`,
    `shallow ${three}\n`,
    'deepen 3\n',
    'filter blob:none\n',
    null,
  );
  const haves = packets(`have ${two}\n`, `have ${three}`, null, `have ${one}\n`, null, 'done\n');

  test('is the same for any division of its bytes', () => {
    for (const chunks of divisions(Buffer.concat([wants, haves]))) {
      const parser = newParser();
      let given = 0;
      for (const chunk of chunks) {
        given += chunk.length;
        expect(parser.push(chunk)).toBe(given >= wants.length);
      }
      parser.finish();
      const { capabilities, ...request } = parser.result;
      expect(request).toEqual({
        wants: [one, two],
        shallow: [three],
        deepen: 3,
        deepenNot: [],
        filter: 'blob:none',
        haves: [two, three, one],
        done: true,
      });
      expect(capabilities.toString()).toBe('multi_ack_detailed side-band-64k agent=git/2.39.5');
    }
  });

  test('may end after a round: the client goes on in its next request', () => {
    const parser = newParser();
    expect(parser.push(Buffer.concat([wants, packets(`have ${two}`, null)]))).toBe(true);
    parser.finish();
    expect(parser.result).toMatchObject({ haves: [two], done: false });
  });

  test('may want nothing', () => {
    const parser = newParser();
    expect(parser.push(Buffer.from('0000'))).toBe(true);
    expect(parser.result).toMatchObject({ wants: [], haves: [], done: false });
  });

  test('that is cut within the wants or within a packet has ended early', () => {
    for (let length = 0; length < wants.length; length += 1) {
      const parser = newParser();
      expect(parser.push(wants.subarray(0, length))).toBe(false);
      expect(() => parser.finish()).toThrow('the request ended early');
      expect(() => parser.result).toThrow('the request ended early');
    }
    const parser = newParser();
    parser.push(Buffer.concat([wants, haves.subarray(0, 20)]));
    expect(() => parser.finish()).toThrow('the request ended early');
  });

  test('ends at done: what follows is not kept', () => {
    const parser = newParser({ bytes: wants.length + haves.length });
    parser.push(Buffer.concat([wants, haves]));
    expect(parser.push(Buffer.alloc(100_000))).toBe(true);
    parser.finish();
    expect(parser.result.done).toBe(true);
  });

  test.each([
    ['a word of protocol v2', packets('command=fetch', null)],
    ['a want that is no id', packets('want main', null)],
    ['a want of another format', packets(`want ${'1'.repeat(64)}`, null)],
    ['depth and date', packets(`want ${one}`, 'deepen 1', 'deepen-since 5', null)],
    ['a have before the flush', packets(`want ${one}`, `have ${two}`, null)],
    ['a want after the flush', packets(`want ${one}`, null, `want ${two}`)],
    ['a have that is no id', packets(`want ${one}`, null, 'have x')],
    ['a delimiter', Buffer.concat([packets(`want ${one}`), Buffer.from('0001')])],
    ['no packet at all', Buffer.from('{"a":1}')],
  ])('with %s is refused', (_, bytes) => {
    expect(() => newParser().push(bytes)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('has a limited length, and 5,000 haves are read', () => {
    expect(() => newParser({ bytes: wants.length }).push(Buffer.concat([wants, haves]))).toThrow(
      expect.objectContaining({ kind: 'too-large' }),
    );
    const many = Array.from({ length: 5000 }, (_, index) => `have ${String(index).padStart(40, '0')}`);
    const parser = newParser();
    expect(parser.push(packets(`want ${one}`, null, ...many, 'done'))).toBe(true);
    expect(parser.result.haves).toHaveLength(5000);
  });
});

test.each(['0', '1'])('a request of git clone in protocol v%s is read', (version) => {
  using repository = new RealRepository();
  using other = new RealRepository();
  repository.populate();
  const record = join(other.path, 'sent');
  const options = ['--quiet', '--bare', '--no-local', '-u', `tee '${record}' | git-upload-pack`];
  other.git(['-c', `protocol.version=${version}`, 'clone', ...options, repository.path, 'cloned']);
  const parser = newParser();
  expect(parser.push(readFileSync(record))).toBe(true);
  parser.finish();
  const { wants, haves, done, capabilities } = parser.result;
  expect(new Set(wants)).toEqual(new Set(repository.refs().refs.map(([, oid]) => oid)));
  expect({ haves, done }).toEqual({ haves: [], done: true });
  expect(capabilities.has('side-band-64k')).toBe(true);
});
