import { describe, expect, it } from 'vitest';
import {
  encodeFetchV0,
  encodeFetchV2,
  encodeLsRefsRequest,
} from '../../../../src/git/client/fetch-request.ts';
import { emptyPack, encodePushHead } from '../../../../src/git/client/push-request.ts';
import { Capabilities, parseCapabilities } from '../../../../src/git/protocol/capabilities.ts';
import { CommandRequestParser, parseFetch, parseLsRefs } from '../../../../src/git/protocol/protocol-v2.ts';
import { ReceiveRequestParser } from '../../../../src/git/protocol/receive-request.ts';
import { UploadRequestParser } from '../../../../src/git/protocol/upload-request.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const ZERO = '0'.repeat(40);
const request = { wants: [A, B], haves: [B], progress: false, includeTag: true };

describe('requests of a client, as the server reads them', () => {
  it('ls-refs asks for prefixes, and for an unborn HEAD if it is offered', () => {
    const offered = new Capabilities(['agent=x', 'ls-refs=unborn', 'object-format=sha1']);
    const parser = new CommandRequestParser();
    expect(parser.push(encodeLsRefsRequest(offered, 'sha1', 'cairn/1', ['HEAD', 'refs/heads/']))).toBe(true);
    expect(parser.result.command).toBe('ls-refs');
    expect(parser.result.capabilities.value('object-format')).toBe('sha1');
    expect(parseLsRefs(parser.result.args)).toEqual({
      peel: true,
      symrefs: true,
      unborn: true,
      prefixes: ['HEAD', 'refs/heads/'],
    });
    const old = new CommandRequestParser();
    old.push(encodeLsRefsRequest(new Capabilities(['ls-refs']), 'sha1', 'cairn/1', []));
    expect(parseLsRefs(old.result.args).unborn).toBe(false);
    expect(old.result.capabilities.has('agent')).toBe(false);
  });

  it('fetch of v2 is one round, and never asks for a thin pack', () => {
    const parser = new CommandRequestParser();
    parser.push(
      encodeFetchV2(new Capabilities(['fetch=filter']), 'sha1', 'cairn/1', { ...request, filter: 'tree:0' }),
    );
    const { args } = parser.result;
    expect(args).toEqual([
      'ofs-delta',
      'no-progress',
      'include-tag',
      'filter tree:0',
      `want ${A}`,
      `want ${B}`,
      `have ${B}`,
      'done',
    ]);
    expect(() => parseFetch(args, 'sha1')).not.toThrow();
  });

  it('fetch of v0 asks for offered capabilities only', () => {
    const offered = parseCapabilities('multi_ack side-band-64k ofs-delta no-progress agent=x');
    const parser = new UploadRequestParser({ format: 'sha1' });
    expect(parser.push(encodeFetchV0(offered, 'sha1', 'cairn/1', request))).toBe(true);
    const { wants, haves, done, capabilities } = parser.result;
    expect({ wants, haves, done }).toEqual({ wants: [A, B], haves: [B], done: true });
    expect(capabilities.toString()).toBe('side-band-64k ofs-delta no-progress agent=cairn/1');
  });

  it('a push has its capabilities on the first command', () => {
    const commands = [
      { name: 'refs/heads/a', oldId: ZERO, newId: A },
      { name: 'refs/heads/b', oldId: B, newId: ZERO },
    ];
    const offered = parseCapabilities('report-status delete-refs side-band-64k atomic agent=x');
    const head = encodePushHead(commands, { offered, format: 'sha1', agent: 'cairn/1', atomic: true });
    const parser = new ReceiveRequestParser({
      format: 'sha1',
      limits: { bytes: 10_000, commands: 10, shallow: 0, pushOptions: 0 },
    });
    expect(parser.push(head)).toBe(true);
    expect(parser.result.commands).toMatchObject(commands);
    expect(parser.result.capabilities.toString()).toBe(
      'report-status side-band-64k delete-refs atomic agent=cairn/1',
    );
  });

  it('git accepts an empty pack', () => {
    for (const format of ['sha1', 'sha256'] as const) {
      const pack = emptyPack(format);
      expect(pack.subarray(0, 4).toString()).toBe('PACK');
      expect(pack.length).toBe(format === 'sha1' ? 32 : 44);
    }
  });
});
