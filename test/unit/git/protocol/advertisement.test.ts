import { describe, expect, test } from 'vitest';
import { zeroId } from '../../../../src/git/object-id.ts';
import {
  encodeServiceHeader,
  encodeV0Advertisement,
  encodeV2Capabilities,
  type Service,
} from '../../../../src/git/protocol/advertisement.ts';
import { PacketReader, textOf } from '../../../../src/git/protocol/pkt-line.ts';
import { packets } from '../chunks.ts';
import { RealRepository } from '../real-git.ts';

/** The capability list in git's own answer, which depends on its version and configuration. */
function capabilitiesIn(advertisement: Buffer): string {
  const text = advertisement.toString();
  return text.slice(text.indexOf('\0') + 1, text.indexOf('\n', text.indexOf('\0')));
}

function linesOf(bytes: Buffer): string[] {
  const reader = new PacketReader();
  reader.push(bytes);
  const lines: string[] = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    if (packet.kind === 'data') lines.push(textOf(packet.payload));
  }
  return lines;
}

describe.each(['sha1', 'sha256'] as const)('refs in protocol v0 and v1, %s', (format) => {
  test.each([
    ['git-upload-pack', 0],
    ['git-upload-pack', 1],
    ['git-receive-pack', 0],
    ['git-receive-pack', 1],
  ] as const)('%s v%i equal those of git, byte for byte', (service: Service, version) => {
    using repository = new RealRepository(format);
    repository.populate();
    const expected = repository.git([service.slice(4), '--advertise-refs', '.'], {
      protocol: String(version),
    });
    const { refs, peeled } = repository.refs();
    const target = 'refs/heads/main';
    const head = { target, oid: new Map(refs).get(target) };
    const capabilities = capabilitiesIn(expected);
    const ours = encodeV0Advertisement({ service, version, format, refs, peeled, head, capabilities });
    expect(ours.toString()).toBe(expected.toString());
    expect(peeled.size).toBe(2);
  });

  const empty = {
    version: 0,
    format,
    refs: [],
    peeled: new Map(),
    head: { target: 'refs/heads/main' },
  } as const;

  test('an empty repository is advertised to a pushing client as git does it', () => {
    using repository = new RealRepository(format);
    const expected = repository.git(['receive-pack', '--advertise-refs', '.']);
    const capabilities = capabilitiesIn(expected);
    const ours = encodeV0Advertisement({ ...empty, service: 'git-receive-pack', capabilities });
    expect(ours.toString()).toBe(expected.toString());
  });

  test('an empty repository is advertised to a fetching client in the same form, with its object format', () => {
    const ours = encodeV0Advertisement({ ...empty, service: 'git-upload-pack', capabilities: 'a b' });
    expect(ours).toEqual(packets(`${zeroId(format)} capabilities^{}\0a b\n`, null));
  });

  test('an unborn HEAD is not listed, and the first ref has the capabilities', () => {
    using repository = new RealRepository(format);
    repository.populate();
    repository.git(['symbolic-ref', 'HEAD', 'refs/heads/unborn']);
    const expected = repository.git(['upload-pack', '--advertise-refs', '.']);
    const ours = encodeV0Advertisement({
      service: 'git-upload-pack',
      version: 0,
      format,
      ...repository.refs(),
      head: { target: 'refs/heads/unborn' },
      capabilities: capabilitiesIn(expected),
    });
    expect(ours.toString()).toBe(expected.toString());
  });
});

test('the lines before refs over HTTP', () => {
  expect(encodeServiceHeader('git-upload-pack').toString()).toBe('001e# service=git-upload-pack\n0000');
  expect(encodeServiceHeader('git-receive-pack').toString()).toBe('001f# service=git-receive-pack\n0000');
});

test('the capabilities of protocol v2 are written as git writes them', () => {
  using repository = new RealRepository();
  const expected = repository.git(['upload-pack', '--advertise-refs', '.'], { protocol: '2' });
  const [version, ...lines] = linesOf(expected);
  expect(version).toBe('version 2');
  expect(encodeV2Capabilities(lines).toString()).toBe(expected.toString());
  expect(encodeV2Capabilities([])).toEqual(packets('version 2\n', null));
});
