import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { delimiterPacket } from '../../../../src/git/protocol/pkt-line.ts';
import { CommandRequestParser, parseFetch, parseLsRefs } from '../../../../src/git/protocol/protocol-v2.ts';
import { divisions, packets } from '../chunks.ts';
import { RealRepository } from '../real-git.ts';

const limits = { bytes: 1 << 20 };
const one = '1'.repeat(40);

describe('a request', () => {
  const bytes = Buffer.concat([
    packets('command=fetch\n', 'agent=git/2.39.5', 'server-option=a b\n', 'object-format=sha1'),
    delimiterPacket,
    packets(`want ${one}\n`, 'done', null),
  ]);

  test('is the same for any division of its bytes, and what follows is left', () => {
    for (const chunks of divisions(bytes)) {
      const parser = new CommandRequestParser({ limits });
      const answers = chunks.map((chunk) => parser.push(chunk));
      expect(answers.lastIndexOf(false)).toBe(answers.length - 2);
      expect(answers.at(-1)).toBe(true);
      parser.finish();
      const { command, capabilities, args } = parser.result;
      expect(command).toBe('fetch');
      expect(capabilities.value('agent')).toBe('git/2.39.5');
      expect(capabilities.value('server-option')).toBe('a b');
      expect(capabilities.has('command')).toBe(false);
      expect(args).toEqual([`want ${one}`, 'done']);
      expect(parser.takeRest()).toHaveLength(0);
    }
    const parser = new CommandRequestParser({ limits });
    expect(parser.push(Buffer.concat([bytes, Buffer.from('next')]))).toBe(true);
    expect(parser.takeRest().toString()).toBe('next');
  });

  test('that is cut anywhere has ended early', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      const parser = new CommandRequestParser({ limits });
      expect(parser.push(bytes.subarray(0, length))).toBe(false);
      expect(() => parser.finish()).toThrow('the request ended early');
    }
  });

  test('may end without a delimiter, and name its command after the capabilities', () => {
    const parser = new CommandRequestParser({ limits });
    expect(parser.push(packets('agent=x', 'command=ls-refs', null))).toBe(true);
    expect(parser.result).toMatchObject({ command: 'ls-refs', args: [] });
  });

  test('may be empty: the client has finished', () => {
    const parser = new CommandRequestParser({ limits });
    expect(parser.push(Buffer.from('0000'))).toBe(true);
    expect(parser.result).toMatchObject({ command: undefined, args: [] });
  });

  test.each([
    ['two commands', packets('command=fetch', 'command=ls-refs', null)],
    ['no command', packets('agent=x', null)],
    ['no command before arguments', Buffer.concat([delimiterPacket, packets(null)])],
    ['two delimiters', Buffer.concat([packets('command=fetch'), delimiterPacket, delimiterPacket])],
    ['a response end', Buffer.from('0002')],
    ['no packet at all', Buffer.from('GET / HTTP/1.1')],
  ])('with %s is refused', (_, request) => {
    const parser = new CommandRequestParser({ limits });
    expect(() => parser.push(request)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('has a limited length', () => {
    const parser = new CommandRequestParser({ limits: { bytes: 100 } });
    expect(() => parser.push(bytes)).toThrow(expect.objectContaining({ kind: 'too-large' }));
    expect(new CommandRequestParser().push(bytes)).toBe(true);
  });
});

test('a request of git clone is read: ls-refs, then fetch', () => {
  using repository = new RealRepository();
  using other = new RealRepository();
  repository.populate();
  const record = join(other.path, 'sent');
  const tee = `tee '${record}' | git-upload-pack`;
  const options = [
    '--quiet',
    '--bare',
    '--no-local',
    '--filter=blob:none',
    '--depth=1',
    '--no-single-branch',
  ];
  repository.git(['config', 'uploadpack.allowFilter', 'true']);
  other.git(['-c', 'protocol.version=2', 'clone', ...options, '-u', tee, repository.path, 'cloned']);

  const listing = new CommandRequestParser({ limits });
  expect(listing.push(readFileSync(record))).toBe(true);
  expect(listing.result.command).toBe('ls-refs');
  expect(listing.result.capabilities.value('object-format')).toBe('sha1');
  expect(parseLsRefs(listing.result.args)).toMatchObject({ peel: true, symrefs: true, unborn: true });

  const fetching = new CommandRequestParser({ limits });
  expect(fetching.push(listing.takeRest())).toBe(true);
  expect(fetching.result.command).toBe('fetch');
  const request = parseFetch(fetching.result.args, 'sha1');
  const tips = new Set(repository.refs().refs.map(([, oid]) => oid));
  expect(new Set(request.wants)).toEqual(tips);
  expect(request).toMatchObject({ done: true, deepen: 1, filter: 'blob:none', ofsDelta: true, haves: [] });
});
