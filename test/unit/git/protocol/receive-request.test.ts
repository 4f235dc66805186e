import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { zeroId } from '../../../../src/git/object-id.ts';
import { type ReceiveRequest, ReceiveRequestParser } from '../../../../src/git/protocol/receive-request.ts';
import { divisions, packets } from '../chunks.ts';
import { RealRepository } from '../real-git.ts';

const limits = { commands: 20_000, bytes: 8 << 20, shallow: 100, pushOptions: 10 };
const zero = zeroId('sha1');
const one = '1'.repeat(40);
const two = 'a2'.repeat(20);

function parserFor(changed: Partial<typeof limits> = {}, format: 'sha1' | 'sha256' = 'sha1') {
  return new ReceiveRequestParser({ format, limits: { ...limits, ...changed } });
}

function parse(bytes: Buffer, changed: Partial<typeof limits> = {}): ReceiveRequest {
  const parser = parserFor(changed);
  expect(parser.push(bytes)).toBe(true);
  parser.finish();
  return parser.result;
}

describe('the head of a push', () => {
  const bytes = packets(
    `shallow ${one}\n`,
    `shallow ${two.toUpperCase()}`,
    `${zero} ${one} refs/heads/new\0 report-status side-band-64k push-options object-format=sha1 agent=git/2.39.5`,
    `${one} ${two.toUpperCase()} refs/heads/größe\n`,
    `${two} ${zero} refs/tags/\u{1f600}`,
    null,
    'ci.skip\n',
    'reason=two words',
    null,
  );

  test('is the same for any division of the bytes, and the pack after it is left whole', () => {
    const pack = Buffer.from('PACK\0\0\0\x02and so on');
    for (const chunks of divisions(Buffer.concat([bytes, pack]))) {
      const parser = parserFor();
      const rest: Buffer[] = [];
      let complete = false;
      for (const chunk of chunks) {
        if (complete) rest.push(chunk);
        else if (parser.push(chunk)) {
          complete = true;
          rest.push(parser.takeRest());
        }
      }
      parser.finish();
      expect(Buffer.concat(rest).equals(pack)).toBe(true);
      const { capabilities, ...request } = parser.result;
      expect(request).toEqual({
        shallow: [one, two],
        commands: [
          { name: 'refs/heads/new', oldId: zero, newId: one },
          { name: 'refs/heads/größe', oldId: one, newId: two },
          { name: 'refs/tags/\u{1f600}', oldId: two, newId: zero },
        ],
        pushOptions: ['ci.skip', 'reason=two words'],
        probe: false,
        needsPack: true,
      });
      expect(capabilities.has('side-band-64k')).toBe(true);
      expect(capabilities.value('agent')).toBe('git/2.39.5');
    }
  });

  test('that is cut anywhere has ended early', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      const parser = parserFor();
      expect(parser.push(bytes.subarray(0, length))).toBe(false);
      expect(() => parser.finish()).toThrow('the request ended early');
      expect(() => parser.result).toThrow('the request ended early');
    }
  });

  test('has push options only if they were negotiated', () => {
    const request = parse(packets(`${zero} ${one} refs/heads/a\0report-status`, null, 'PACK'));
    expect(request.pushOptions).toEqual([]);
  });

  test('is the probe if the body is 0000 alone', () => {
    expect(parse(Buffer.from('0000'))).toMatchObject({ probe: true, needsPack: false, commands: [] });
  });

  test('with shallow lines and no commands is no probe, and changes nothing', () => {
    const request = parse(packets(`shallow ${one}`, null));
    expect(request).toMatchObject({ probe: false, needsPack: false, commands: [], shallow: [one] });
  });

  test('with deletes only has no pack', () => {
    expect(parse(packets(`${one} ${zero} refs/heads/a\0delete-refs`, null)).needsPack).toBe(false);
  });

  test('has SHA-256 ids in a SHA-256 repository if the client says so', () => {
    const [old, fresh] = [zeroId('sha256'), '3'.repeat(64)];
    const parser = parserFor({}, 'sha256');
    expect(parser.push(packets(`${old} ${fresh} refs/heads/a\0object-format=sha256`, null))).toBe(true);
    expect(parser.result.commands).toEqual([{ name: 'refs/heads/a', oldId: old, newId: fresh }]);
  });

  test('may have 10,000 commands', () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `${zero} ${one} refs/heads/branch-${index}`);
    const request = parse(packets(...lines, null));
    expect(request.commands).toHaveLength(10_000);
    expect(request.commands[9_999]).toEqual({ name: 'refs/heads/branch-9999', oldId: zero, newId: one });
    expect(request.commands.every((command) => command.problem === undefined)).toBe(true);
  });
});

describe('a fault of one ref affects that ref only', () => {
  test('a name that is not UTF-8 keeps its bytes', () => {
    const name = Buffer.concat([Buffer.from('refs/heads/caf'), Buffer.of(0xe9, 0x5c, 0x20)]);
    const line = Buffer.concat([Buffer.from(`${zero} ${one} `), name, Buffer.from('\0report-status')]);
    const bytes = packets(line, `${zero} ${one} refs/heads/good`, null);
    const request = parse(bytes);
    bytes.fill(0);
    expect(request.commands).toEqual([
      {
        name: 'refs/heads/caf\\xe9\\x5c\\x20',
        oldId: zero,
        newId: one,
        problem: 'a ref name must be valid UTF-8',
        rawName: name,
      },
      { name: 'refs/heads/good', oldId: zero, newId: one },
    ]);
  });

  test.each(['HEAD', '', 'refs/heads/a..b', 'refs/heads/a b', `refs/heads/${'x'.repeat(2000)}`])(
    'the name %o is refused with a reason',
    (name) => {
      const [command, good] = parse(
        packets(`${zero} ${one} ${name}`, `${zero} ${one} refs/heads/b`, null),
      ).commands;
      expect(command?.name).toBe(name);
      expect(command?.problem).toContain('a ref name must');
      expect(good?.problem).toBeUndefined();
    },
  );

  test('two commands for one ref are both refused, others are not', () => {
    const request = parse(
      packets(
        `${zero} ${one} refs/heads/a`,
        `${zero} ${one} refs/heads/b`,
        `${one} ${two} refs/heads/a`,
        `${one} ${two} bad`,
        `${one} ${two} bad`,
        null,
      ),
    );
    const problems = request.commands.map((command) => command.problem);
    const twice = 'multiple updates for ref refs/heads/a in one push';
    const bad = 'a ref name must start with "refs/"';
    expect(problems).toEqual([twice, undefined, twice, bad, bad]);
  });
});

describe('a fault of the request is thrown', () => {
  test.each([
    ['a push certificate', [`push-cert\0report-status`, 'certificate version 0.1\n', null], 'push-cert'],
    ['a short line', ['hello', null], 'expected old id, new id and ref, got "hello"'],
    ['ids alone', [`${zero} ${one}`, null], 'expected old id'],
    ['an id that is none', [`${zero} ${one.replace('1', 'g')} refs/heads/a`, null], 'expected old id'],
    ['a missing space', [`${zero}-${one} refs/heads/a`, null], 'expected old id'],
    ['a tab before the name', [`${zero} ${one}\trefs/heads/a`, null], 'expected old id'],
    ['an empty line', ['', null], 'expected old id'],
    [
      'SHA-256 from a client that did not say so',
      [`${zeroId('sha256')} ${one} refs/heads/a`, null],
      'expected old id',
    ],
    [
      'another object format',
      [`${zero} ${one} refs/heads/a\0object-format=sha256`, null],
      'object format sha1',
    ],
    ['a bad shallow line', ['shallow me', null], 'expected a commit id'],
  ])('%s', (_, contents, message) => {
    const parser = parserFor();
    expect(() => parser.push(packets(...contents))).toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(message) }),
    );
  });

  test.each(['0001', '0002', '0003', 'POST'])('the packet %s', (bytes) => {
    expect(() => parserFor().push(Buffer.from(bytes))).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('a client of a SHA-256 repository that names no format uses SHA-1', () => {
    expect(() => parserFor({}, 'sha256').push(packets(`${zero} ${one} refs/heads/a\0report-status`))).toThrow(
      'this repository has object format sha256, and the push has "sha1"',
    );
  });
});

describe('limits of a push', () => {
  const command = (index: number) => `${zero} ${one} refs/heads/${index}`;

  test.each([
    ['commands', { commands: 2 }, [command(1), command(2), command(3), null], 'at most 2 refs'],
    ['shallow', { shallow: 1 }, [`shallow ${one}`, `shallow ${two}`, null], 'at most 1 shallow commits'],
    [
      'push options',
      { pushOptions: 1 },
      [`${command(1)}\0push-options`, null, 'a', 'b', null],
      'at most 1 push options',
    ],
    ['bytes', { bytes: 290 }, [command(1), command(2), command(3), null], 'longer than 290 bytes'],
  ])('%s', (_, changed, contents, message) => {
    expect(() => parserFor(changed).push(packets(...contents))).toThrow(
      expect.objectContaining({ kind: 'too-large', message: expect.stringContaining(message) }),
    );
  });

  test('accept exactly the limit, and do not count the pack', () => {
    const bytes = packets(command(1), command(2), null);
    const parser = parserFor({ commands: 2, bytes: bytes.length });
    expect(parser.push(Buffer.concat([bytes, Buffer.alloc(10_000)]))).toBe(true);
    expect(parser.takeRest()).toHaveLength(10_000);
  });

  test('keep the form of the answer known if the request is refused midway', () => {
    const parser = parserFor({ commands: 1 });
    expect(() => parser.push(packets(`${command(1)}\0side-band-64k`, command(2)))).toThrow('at most 1 refs');
    expect(parser.capabilities.has('side-band-64k')).toBe(true);
  });
});

describe('a push of git', () => {
  /** The bytes `git push` with `args` sends into a fresh repository that takes push options. */
  function sentBy(repository: RealRepository, target: RealRepository, args: string[]): Buffer {
    const record = join(repository.path, 'sent');
    target.git(['config', 'receive.advertisePushOptions', 'true']);
    const tee = `tee '${record}' | git-receive-pack`;
    repository.git(['push', '--quiet', `--receive-pack=${tee}`, ...args]);
    return readFileSync(record);
  }

  test('is read: many refs, names beyond ASCII, push options, then a pack', () => {
    using repository = new RealRepository();
    using target = new RealRepository();
    repository.populate();
    const sent = sentBy(repository, target, ['-o', 'ci.skip', '-o', 'a b', target.path, 'refs/*:refs/*']);
    const parser = parserFor();
    expect(parser.push(sent)).toBe(true);
    const { commands, capabilities, pushOptions, needsPack } = parser.result;
    const expected = repository.refs().refs.map(([name, oid]) => ({ name, oldId: zero, newId: oid }));
    expect([...commands].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      expected.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    expect(pushOptions).toEqual(['ci.skip', 'a b']);
    expect(capabilities.has('report-status-v2')).toBe(true);
    expect(needsPack).toBe(true);
    expect(parser.takeRest().toString('latin1', 0, 4)).toBe('PACK');

    const deletion = parserFor();
    expect(deletion.push(sentBy(repository, target, [target.path, ':refs/heads/a/b']))).toBe(true);
    expect(deletion.result.commands.map(({ name, newId }) => [name, newId])).toEqual([
      ['refs/heads/a/b', zero],
    ]);
    expect(deletion.result.needsPack).toBe(false);
    expect(deletion.takeRest()).toHaveLength(0);
  });
});
