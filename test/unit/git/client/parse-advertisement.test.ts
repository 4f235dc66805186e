import { describe, expect, it } from 'vitest';
import {
  AdvertisementParser,
  type ParsedAdvertisement,
} from '../../../../src/git/client/parse-advertisement.ts';
import { PacketReader } from '../../../../src/git/protocol/pkt-line.ts';
import { packets } from '../chunks.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const C = 'c'.repeat(40);

function parse(...lines: (string | Buffer | null)[]): ParsedAdvertisement {
  const reader = new PacketReader();
  reader.push(packets(...lines));
  const parser = new AdvertisementParser();
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    if (parser.push(packet)) return parser.result;
  }
  return parser.result;
}

describe('an advertisement of protocol v0', () => {
  it('lists refs, peeled tags and the branch of HEAD', () => {
    const { version, objectFormat, listed, capabilities } = parse(
      `${A} HEAD\0multi_ack side-band-64k symref=HEAD:refs/heads/main agent=git/2.39\n`,
      `${A} refs/heads/main\n`,
      `${B} refs/tags/v1\n`,
      `${A} refs/tags/v1^{}\n`,
      null,
    );
    expect(version).toBe(0);
    expect(objectFormat).toBe('sha1');
    expect(capabilities.has('side-band-64k')).toBe(true);
    expect([...(listed?.refs ?? [])]).toEqual([
      ['refs/heads/main', A],
      ['refs/tags/v1', B],
    ]);
    expect([...(listed?.peeled ?? [])]).toEqual([['refs/tags/v1', A]]);
    expect(listed?.head).toEqual({ target: 'refs/heads/main', oid: A });
  });

  it('takes the version line of v1', () => {
    expect(parse('version 1\n', `${A} refs/heads/main\0\n`, null).version).toBe(1);
  });

  it('is empty with capabilities^{}, and with a flush alone', () => {
    expect(parse(`${'0'.repeat(40)} capabilities^{}\0report-status\n`, null).listed?.refs.size).toBe(0);
    expect(parse(null).listed?.refs.size).toBe(0);
  });

  it('drops .have lines, and reads upper-case ids', () => {
    const { listed } = parse(`${A.toUpperCase()} refs/heads/main\0\n`, `${B} .have\n`, null);
    expect([...(listed?.refs ?? [])]).toEqual([['refs/heads/main', A]]);
  });

  it('guesses the branch of HEAD from its id if no symref is sent, preferring the usual names', () => {
    const guess = (...names: string[]) => {
      const refs = names.map((name) => `${A} ${name}\n`);
      return parse(`${A} HEAD\0\n`, ...refs, null).listed?.head?.target;
    };
    expect(guess('refs/heads/a', 'refs/heads/master')).toBe('refs/heads/master');
    expect(guess('refs/heads/a', 'refs/heads/b')).toBe('refs/heads/a');
    expect(guess('refs/tags/a')).toBeUndefined();
  });

  it('ignores symbolic refs other than HEAD', () => {
    const { listed } = parse(`${A} refs/heads/main\0symref=refs/remotes/o/HEAD:refs/heads/main\n`, null);
    expect(listed?.head).toBeUndefined();
  });

  it('reads the shallow lines of a shallow repository', () => {
    expect(parse(`${A} refs/heads/main\0\n`, `shallow ${B}\n`, null).listed?.refs.size).toBe(1);
  });

  it('accepts object ids of the format that it names', () => {
    const id = 'd'.repeat(64);
    const { objectFormat, listed } = parse(`${id} refs/heads/main\0object-format=sha256\n`, null);
    expect(objectFormat).toBe('sha256');
    expect(listed?.refs.get('refs/heads/main')).toBe(id);
    expect(() => parse(`${id} refs/heads/main\0\n`, null)).toThrow(/does not advertise refs as git does/);
  });

  it.each([
    ['no NUL in the first line', [`${A} refs/heads/main\n`, null]],
    ['no id', ['hello world\0\n', null]],
    ['a short id', [`${A.slice(1)} refs/heads/main\0\n`, null]],
    ['HTML', ['<!doctype html>\n', null]],
    ['garbage after the first line', [`${A} refs/heads/main\0\n`, 'garbage\n', null]],
    ['an unknown version', ['version 3\n', null]],
    ['an unknown object format', [`${A} refs/heads/main\0object-format=md5\n`, null]],
    ['no end', [`${A} refs/heads/main\0\n`]],
  ])('is refused with %s', (_, lines) => {
    expect(() => parse(...lines)).toThrow();
  });

  it('shows the text of an error packet without control characters', () => {
    expect(() => parse('ERR no \u001b[31msuch repository\n', null)).toThrow(/^remote: no .*such repository$/);
  });
});

describe('ref names that a remote lists', () => {
  it.each([
    ['refs/heads/../../etc/passwd', /\.\./],
    ['refs/heads/a\u0001b', /control characters/],
    ['refs/heads/a\0b', /control characters/],
    ['refs/heads/x.lock', /\.lock/],
    ['refs/heads/', /end with/],
    ['heads/main', /does not start with/],
    ['refs/heads/a b', /" "/],
  ])('%j is unusable', (name, reason) => {
    const { listed } = parse(`${A} refs/heads/main\0\n`, `${B} ${name}\n`, null);
    expect([...(listed?.refs.keys() ?? [])]).toEqual(['refs/heads/main']);
    expect(listed?.unusable.map((ref) => ref.reason)).toEqual([expect.stringMatching(reason)]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(listed?.unusable[0]?.shownName).not.toMatch(/[\u0000-\u001f]/);
  });

  it('follow the rules of git, not of Cairn: they need no folder, and may be long', () => {
    const long = `refs/heads/${'x'.repeat(2_000)}`;
    const { listed } = parse(`${A} refs/stash\0\n`, `${B} ${long}\n`, null);
    expect([...(listed?.refs.keys() ?? [])]).toEqual(['refs/stash', long]);
  });

  it('that are not UTF-8 are unusable', () => {
    const raw = Buffer.concat([Buffer.from(`${B} refs/heads/`), Buffer.of(0xff, 0xfe), Buffer.from('\n')]);
    expect(parse(`${A} refs/heads/main\0\n`, raw, null).listed?.unusable).toHaveLength(1);
  });
});

describe('an advertisement of protocol v2', () => {
  it('has capabilities and no refs', () => {
    const { version, capabilities, listed, objectFormat } = parse(
      'version 2\n',
      'agent=git/2.39\n',
      'ls-refs=unborn\n',
      'fetch=shallow filter\n',
      'object-format=sha256\n',
      null,
    );
    expect(version).toBe(2);
    expect(listed).toBeUndefined();
    expect(objectFormat).toBe('sha256');
    expect(capabilities.value('fetch')).toBe('shallow filter');
  });

  it('is refused if it contains a delimiter', () => {
    const parser = new AdvertisementParser();
    expect(() => parser.push({ kind: 'delimiter' })).toThrow(/delimiter/);
  });
});

describe('an answer to ls-refs', () => {
  it('gives ids, peeled ids, the target of HEAD, and an unborn HEAD', async () => {
    const { RefCollector } = await import('../../../../src/git/client/listed-refs.ts');
    const collector = new RefCollector('sha1');
    const lines = [
      `${A} HEAD symref-target:refs/heads/main`,
      `${A} refs/heads/main`,
      `${B} refs/tags/v1 peeled:${C}`,
    ];
    for (const line of lines) expect(collector.addLsRefs(Buffer.from(`${line}\n`))).toBe(true);
    const listed = collector.finish();
    expect(listed.head).toEqual({ target: 'refs/heads/main', oid: A });
    expect([...listed.peeled]).toEqual([['refs/tags/v1', C]]);

    const unborn = new RefCollector('sha1');
    expect(unborn.addLsRefs(Buffer.from('unborn HEAD symref-target:refs/heads/main\n'))).toBe(true);
    expect(unborn.finish().head).toEqual({ target: 'refs/heads/main', oid: undefined });
  });

  it.each(['', 'zzz refs/heads/main', A, `${A} `, `${A.slice(2)} refs/heads/main`])(
    '%j is refused',
    async (line) => {
      const { RefCollector } = await import('../../../../src/git/client/listed-refs.ts');
      expect(new RefCollector('sha1').addLsRefs(Buffer.from(line))).toBe(false);
    },
  );
});
