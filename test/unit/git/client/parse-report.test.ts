import { describe, expect, it } from 'vitest';
import { type PushReport, ReportParser } from '../../../../src/git/client/parse-report.ts';
import { PacketReader } from '../../../../src/git/protocol/pkt-line.ts';
import { packets } from '../chunks.ts';

function parse(...lines: (string | null)[]): PushReport {
  const reader = new PacketReader();
  reader.push(packets(...lines));
  const parser = new ReportParser();
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) parser.push(packet);
  return parser.result;
}

describe('the report of a push', () => {
  it('has a result for each ref', () => {
    const report = parse('unpack ok\n', 'ok refs/heads/a\n', 'ng refs/heads/b fetch first\n', null);
    expect(report.unpack).toBe('ok');
    expect([...report.refs]).toEqual([
      ['refs/heads/a', undefined],
      ['refs/heads/b', 'fetch first'],
    ]);
  });

  it('gets a reason if the remote gives none, and loses option lines', () => {
    const report = parse(
      'unpack ok\n',
      'ok refs/heads/a\n',
      'option refname refs/x/a\n',
      'ng refs/heads/b\n',
      null,
    );
    expect(report.refs.get('refs/heads/b')).toBe('no reason given');
  });

  it('is shown without control characters', () => {
    const report = parse('unpack \u001b[2Jboom\n', 'ng refs/heads/a \u0007bell\n', null);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(report.unpack + report.refs.get('refs/heads/a')).not.toMatch(/[\u0000-\u001f]/);
  });

  it.each([
    ['no end', ['unpack ok\n', 'ok refs/heads/a\n']],
    ['nothing', [null]],
    ['no unpack line', ['ok refs/heads/a\n', null]],
    ['two unpack lines', ['unpack ok\n', 'unpack ok\n', null]],
    ['HTML', ['<html>\n', null]],
  ])('is refused with %s', (_, lines) => {
    expect(() => parse(...lines)).toThrow(/does not report a push as git does/);
  });
});
