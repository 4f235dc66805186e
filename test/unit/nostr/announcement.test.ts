import { describe, expect, test } from 'vitest';
import { parseAnnouncement, type RepositoryFacts } from '../../../src/nostr/announcement.ts';
import { announcementTemplate, foreignTags } from '../../../src/nostr/announcement-template.ts';
import type { Tag } from '../../../src/nostr/event.ts';
import { namesThisService } from '../../../src/nostr/named-service.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { gitUrl, graspUrl } from '../../../src/nostr/repository-url.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { alice, bob, carol, dave } from './authors.ts';

const announce = (...tags: Tag[]) => alice.sign({ kind: 30_617, at: 7, tags: [['d', 'project'], ...tags] });
const facts = (...tags: Tag[]) => {
  const result = parseAnnouncement(announce(...tags));
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};

describe('an announcement', () => {
  test('needs nothing but an identifier', () => {
    const event = announce();
    expect(parseAnnouncement(event)).toEqual({
      ok: true,
      value: {
        id: event.id,
        owner: alice.publicKey,
        at: 7,
        identifier: 'project',
        clone: [],
        web: [],
        relays: [],
        maintainers: [],
        hashtags: [],
        protection: [],
        private: false,
        readers: [],
      },
    });
  });

  test('is read with all fields', () => {
    expect(
      facts(
        ['name', 'The Project'],
        ['description', 'does things'],
        ['clone', 'https://a', 'https://b'],
        ['web', 'https://w'],
        ['relays', 'wss://a', 'wss://b'],
        ['maintainers', bob.publicKey, carol.publicKey],
        ['r', 'b'.repeat(40), 'euc'],
        ['t', 'git'],
        ['t', 'nostr'],
        ['protect', 'refs/heads/main', 'push:owner', 'no-force-push'],
        ['protect', 'refs/tags/**', 'no-delete'],
        ['private', 'true'],
        ['reader', dave.publicKey],
        ['object-format', 'sha256'],
      ),
    ).toMatchObject({
      name: 'The Project',
      description: 'does things',
      clone: ['https://a', 'https://b'],
      web: ['https://w'],
      relays: ['wss://a', 'wss://b'],
      maintainers: [bob.publicKey, carol.publicKey],
      earliestUniqueCommit: 'b'.repeat(40),
      hashtags: ['git', 'nostr'],
      protection: [
        { pattern: 'refs/heads/main', rules: ['push:owner', 'no-force-push'] },
        { pattern: 'refs/tags/**', rules: ['no-delete'] },
      ],
      private: true,
      readers: [dave.publicKey],
      objectFormat: 'sha256',
    });
  });

  test('is read equally with one tag for each value', () => {
    const spread = facts(
      ['clone', 'https://a'],
      ['clone', 'https://b'],
      ['web', 'https://w'],
      ['relays', 'wss://a'],
      ['relays', 'wss://b'],
      ['maintainers', bob.publicKey],
      ['maintainers', carol.publicKey],
      ['reader', dave.publicKey],
      ['reader', bob.publicKey],
    );
    const { id: _id, ...together } = facts(
      ['clone', 'https://a', 'https://b'],
      ['web', 'https://w'],
      ['relays', 'wss://a', 'wss://b'],
      ['maintainers', bob.publicKey, carol.publicKey],
      ['reader', dave.publicKey, bob.publicKey],
    );
    expect(spread).toMatchObject(together);
  });

  test('lists every key once, as hex, and not the owner', () => {
    const npub = formatNpub(bob.publicKey);
    expect(facts(['maintainers', npub, bob.publicKey, '', alice.publicKey, npub]).maintainers).toEqual([
      bob.publicKey,
    ]);
    expect(facts(['reader', npub, bob.publicKey, '']).readers).toEqual([bob.publicKey]);
  });

  test.each<[string, Tag[], Partial<RepositoryFacts>]>([
    ['an r tag that is no earliest commit', [['r', 'b'.repeat(40)]], {}],
    ['an earliest commit that is none', [['r', 'main', 'euc']], {}],
    [
      'the earliest commit among other r tags',
      [
        ['r', 'x'],
        ['r', 'c'.repeat(64), 'euc'],
      ],
      { earliestUniqueCommit: 'c'.repeat(64) },
    ],
    ['not private', [['private', 'false']], { private: false }],
    [
      'private and not private',
      [
        ['private', 'false'],
        ['private', 'true'],
      ],
      { private: true },
    ],
    ['SHA-1', [['object-format', 'sha1']], { objectFormat: 'sha1' }],
    ['an empty name', [['name', '']], { name: '' }],
    ['a name without value', [['name']], {}],
    ['the first of two identifiers', [['d', 'other']], { identifier: 'project' }],
  ])('%s', (_what, tags, expected) => {
    const read = facts(...tags);
    expect(read).toMatchObject(expected);
    if (!('earliestUniqueCommit' in expected)) expect(read).not.toHaveProperty('earliestUniqueCommit');
  });

  test.each<[string, { kind?: number; tags: Tag[] }, string]>([
    ['another kind', { kind: 30_618, tags: [['d', 'x']] }, 'its kind is 30618'],
    ['no identifier', { tags: [['name', 'x']] }, 'no identifier'],
    ['an empty identifier', { tags: [['d', '']] }, 'no identifier'],
    ['an identifier without value', { tags: [['d']] }, 'no identifier'],
    [
      'a maintainer nobody can be',
      {
        tags: [
          ['d', 'x'],
          ['maintainers', bob.publicKey, 'bob'],
        ],
      },
      'maintainers tag',
    ],
    [
      'a maintainer in upper case',
      {
        tags: [
          ['d', 'x'],
          ['maintainers', bob.publicKey.toUpperCase()],
        ],
      },
      'maintainers',
    ],
    [
      'a maintainer who is a secret key',
      {
        tags: [
          ['d', 'x'],
          ['maintainers', 'nsec1x'],
        ],
      },
      'maintainers tag',
    ],
    [
      'a reader nobody can be',
      {
        tags: [
          ['d', 'x'],
          ['reader', 'npub1x'],
        ],
      },
      'reader tag',
    ],
    ['a protection of nothing', { tags: [['d', 'x'], ['protect']] }, 'protect tag'],
    [
      'a protection without rules',
      {
        tags: [
          ['d', 'x'],
          ['protect', 'refs/heads/main'],
        ],
      },
      'protect tag',
    ],
    [
      'perhaps private',
      {
        tags: [
          ['d', 'x'],
          ['private', 'yes'],
        ],
      },
      'private tag',
    ],
    ['private without a word', { tags: [['d', 'x'], ['private']] }, 'private tag'],
    [
      'private and something else',
      {
        tags: [
          ['d', 'x'],
          ['private', 'true'],
          ['private', '1'],
        ],
      },
      'private tag',
    ],
    [
      'an object format nobody knows',
      {
        tags: [
          ['d', 'x'],
          ['object-format', 'md5'],
        ],
      },
      'object-format tag',
    ],
  ])('%s is refused', (_what, fields, reason) => {
    expect(parseAnnouncement(alice.sign({ kind: 30_617, ...fields }))).toEqual({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });
});

describe('writing an announcement', () => {
  const full: RepositoryFacts = {
    identifier: 'a b:c',
    name: 'Name',
    description: 'two\nlines',
    clone: ['https://a', 'https://b'],
    web: ['https://w'],
    relays: ['wss://a', 'wss://b'],
    maintainers: [bob.publicKey, carol.publicKey],
    earliestUniqueCommit: 'b'.repeat(40),
    hashtags: ['git', 'nostr'],
    protection: [{ pattern: 'refs/heads/main', rules: ['push:owner'] }],
    private: true,
    readers: [dave.publicKey],
    objectFormat: 'sha256',
  };
  const { name: _n, description: _d, earliestUniqueCommit: _e, objectFormat: _o, ...rest } = full;
  const bare: RepositoryFacts = {
    ...rest,
    clone: [],
    web: [],
    relays: [],
    maintainers: [],
    hashtags: [],
    protection: [],
    private: false,
    readers: [],
  };
  const signer = createSigner(alice.secretKey);

  test.each([
    ['everything', full],
    ['nothing but the identifier', bare],
  ])('%s is read back', (_what, wanted) => {
    const event = signer.sign(announcementTemplate(wanted, 42));
    const read = parseAnnouncement(event);
    expect(read).toEqual({ ok: true, value: { ...wanted, id: event.id, owner: alice.publicKey, at: 42 } });
    expect(foreignTags(event)).toEqual([]);
  });

  test('puts many values into one tag, as NIP-34 has it', () => {
    const { tags } = announcementTemplate(full, 42);
    expect(tags).toContainEqual(['clone', 'https://a', 'https://b']);
    expect(tags).toContainEqual(['maintainers', bob.publicKey, carol.publicKey]);
    expect(tags).toContainEqual(['r', 'b'.repeat(40), 'euc']);
    expect(announcementTemplate(bare, 42).tags).toEqual([['d', 'a b:c']]);
  });

  test('keeps the unknown tags of an earlier announcement', () => {
    const others: Tag[] = [
      ['u', 'https://upstream'],
      ['r', 'something'],
      ['M', bob.publicKey, '1'],
      ['alt', 'x'],
    ];
    const before = signer.sign(announcementTemplate(full, 42, others));
    const after = announcementTemplate(bare, 43, foreignTags(before));
    expect(after.tags).toEqual([['d', 'a b:c'], ...others]);
  });
});

describe('the service that an announcement names', () => {
  const base = 'https://git.example.com';
  const grasp = graspUrl(base, alice.publicKey, 'my project');
  const git = gitUrl(base, alice.publicKey, 'my project');
  const named = (clone: string[], relays: string[], at = base) => {
    const tags = [
      ['d', 'my project'],
      ['clone', ...clone],
      ['relays', ...relays],
    ];
    const read = parseAnnouncement(alice.sign({ kind: 30_617, tags }));
    if (!read.ok) throw new Error(read.reason);
    return namesThisService(read.value, at);
  };

  test.each<[string, string, 'grasp' | 'git' | 'none']>([
    ['the form of GRASP', grasp, 'grasp'],
    ['the same without encryption', grasp.replace('https', 'http'), 'grasp'],
    ['with a slash', `${grasp}/`, 'grasp'],
    ['with a default port', grasp.replace('.com', '.com:443'), 'grasp'],
    ['with the host in upper case', grasp.replace('git.example', 'Git.EXAMPLE'), 'grasp'],
    ['not encoded', grasp.replace('%20', ' '), 'grasp'],
    ['without .git', grasp.replace('.git', ''), 'none'],
    ['the key in hex', `${base}/${alice.publicKey}/my%20project.git`, 'none'],
    ['the other URL', git, 'git'],
    ['the other URL without .git', git.replace(/\.git$/, ''), 'git'],
    ['the other URL with the key in hex', `${base}/git/${alice.publicKey}/my%20project.git`, 'git'],
    ['another identifier', grasp.replace('my', 'your'), 'none'],
    ['another key', graspUrl(base, bob.publicKey, 'my project'), 'none'],
    ['another host', grasp.replace('example', 'other'), 'none'],
    ['a host that begins alike', grasp.replace('.com', '.com.evil.org'), 'none'],
    ['another port', grasp.replace('.com', '.com:8443'), 'none'],
    ['a deeper path', grasp.replace('.com/', '.com/x/'), 'none'],
    ['another scheme', grasp.replace('https', 'git'), 'none'],
    ['a query', `${grasp}?x`, 'none'],
    ['no URL', 'project', 'none'],
  ])('clone: %s', (_what, url, expected) => {
    expect(named([url], []).clone).toBe(expected);
    expect(named(['https://elsewhere.org/x.git', url], []).clone).toBe(expected);
  });

  test('clone: the GRASP form counts at any position', () => {
    expect(named([git, grasp], []).clone).toBe('grasp');
    expect(named([grasp, git], []).clone).toBe('grasp');
    expect(named([], []).clone).toBe('none');
  });

  test.each<[string, string, boolean]>([
    ['the base', 'wss://git.example.com', true],
    ['with a slash', 'wss://git.example.com/', true],
    ['without encryption', 'ws://git.example.com', true],
    ['with a default port', 'wss://git.example.com:443', true],
    ['another host', 'wss://git.example.org', false],
    ['another port', 'wss://git.example.com:8080', false],
    ['a path', 'wss://git.example.com/relay', false],
    ['http', 'https://git.example.com', false],
    ['no scheme', 'git.example.com', false],
  ])('relays: %s', (_what, url, expected) => {
    expect(named([], [url]).relays).toBe(expected);
    expect(named([], ['wss://elsewhere.org', url]).relays).toBe(expected);
  });

  test('a base with port and path', () => {
    const at = 'http://127.0.0.1:8080/cairn';
    const url = graspUrl(at, alice.publicKey, 'my project');
    expect(named([url], ['ws://127.0.0.1:8080/cairn/'], at)).toEqual({ clone: 'grasp', relays: true });
    expect(named([url.replace('/cairn', '')], ['ws://127.0.0.1:8080'], at)).toEqual({
      clone: 'none',
      relays: false,
    });
  });
});
