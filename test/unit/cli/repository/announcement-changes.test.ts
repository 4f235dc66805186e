import { describe, expect, it } from 'vitest';
import { type AnnounceFlags, changedFacts } from '../../../../src/cli/repository/announcement-changes.ts';
import { type Announcement, parseAnnouncement } from '../../../../src/nostr/announcement.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import { alice, bob, carol } from '../../nostr/authors.ts';

const server = 'https://git.example.org';
const npub = formatNpub(alice.publicKey);
const gitUrl = `${server}/git/${npub}/project.git`;
const graspUrl = `${server}/${npub}/project.git`;
const here = { server, owner: alice.publicKey, identifier: 'project' };

function announced(...tags: string[][]): Announcement {
  const result = parseAnnouncement(alice.sign({ kind: 30_617, tags: [['d', 'project'], ...tags] }));
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function change(old: Announcement | undefined, flags: AnnounceFlags) {
  return changedFacts(old, flags, here);
}

describe('a new announcement', () => {
  it('names the server, and nothing that was not given', () => {
    expect(change(undefined, {})).toEqual({
      identifier: 'project',
      clone: [gitUrl],
      web: [],
      relays: ['wss://git.example.org'],
      maintainers: [],
      hashtags: [],
      protection: [],
      private: false,
      readers: [],
    });
  });

  it('names the GRASP URL on request', () => {
    expect(change(undefined, { grasp: true }).clone).toEqual([gitUrl, graspUrl]);
  });

  it('accepts every option', () => {
    const facts = change(undefined, {
      name: 'Project',
      description: 'It works',
      web: ['https://example.org'],
      maintainer: [formatNpub(bob.publicKey), bob.publicKey, alice.publicKey],
      protect: ['refs/heads/main push:owner no-delete'],
      private: true,
      reader: [carol.publicKey],
      objectFormat: 'sha256',
      earliestCommit: 'c'.repeat(40),
    });
    expect(facts).toMatchObject({
      name: 'Project',
      description: 'It works',
      web: ['https://example.org'],
      maintainers: [bob.publicKey],
      protection: [{ pattern: 'refs/heads/main', rules: ['push:owner', 'no-delete'] }],
      private: true,
      readers: [carol.publicKey],
      objectFormat: 'sha256',
      earliestUniqueCommit: 'c'.repeat(40),
    });
  });
});

describe('a change', () => {
  const old = announced(
    ['name', 'Project'],
    ['description', 'It works'],
    ['clone', 'https://elsewhere.example/p.git', `${server}/git/${npub}/project/`],
    ['web', 'https://example.org'],
    ['relays', 'wss://elsewhere.example', 'WSS://GIT.example.org/'],
    ['maintainers', bob.publicKey],
    ['r', 'c'.repeat(40), 'euc'],
    ['t', 'tools'],
    ['protect', 'refs/heads/main', 'no-delete'],
    ['protect', 'refs/tags/**', 'no-force-push'],
    ['private', 'true'],
    ['reader', carol.publicKey],
    ['object-format', 'sha256'],
  );

  it('keeps everything if no option is given and this server is already named', () => {
    const { id: _id, owner: _owner, at: _at, ...facts } = old;
    expect(change(old, {})).toEqual(facts);
  });

  it('adds and removes maintainers one by one', () => {
    expect(change(old, { maintainer: [carol.publicKey] }).maintainers).toEqual([
      bob.publicKey,
      carol.publicKey,
    ]);
    expect(change(old, { removeMaintainer: [formatNpub(bob.publicKey)] }).maintainers).toEqual([]);
  });

  it('replaces the rules of a repeated pattern, and removes those of an unprotected one', () => {
    expect(change(old, { protect: ['refs/heads/main push:owner'] }).protection).toEqual([
      { pattern: 'refs/tags/**', rules: ['no-force-push'] },
      { pattern: 'refs/heads/main', rules: ['push:owner'] },
    ]);
    expect(change(old, { unprotect: ['refs/heads/main'] }).protection).toEqual([
      { pattern: 'refs/tags/**', rules: ['no-force-push'] },
    ]);
  });

  it('opens a private repository only on request, and keeps its readers', () => {
    expect(change(old, { reader: [bob.publicKey] })).toMatchObject({
      private: true,
      readers: [carol.publicKey, bob.publicKey],
    });
    expect(change(old, { public: true })).toMatchObject({ private: false, readers: [carol.publicKey] });
  });

  it('removes a name that is empty', () => {
    expect(change(old, { name: '' })).not.toHaveProperty('name');
  });
});

describe('an impossible announcement is refused:', () => {
  it.each<[string, AnnounceFlags, RegExp]>([
    ['a maintainer who is no key', { maintainer: ['bob'] }, /"bob" is neither an npub/],
    ['a protection without rules', { protect: ['refs/heads/main'] }, /expected "<pattern> <rule>/],
    ['a rule nobody keeps', { protect: ['refs/heads/main no-fun'] }, /there is no rule "no-fun"/],
    ['a pattern that matches no ref', { protect: ['main no-delete'] }, /--protect: protect "?main"?:/],
    ['a protection to drop that is not there', { unprotect: ['refs/heads/x'] }, /nothing protects/],
    ['a maintainer to remove who is none', { removeMaintainer: [npub] }, /names no maintainer npub1/],
    ['a reader to remove who is none', { removeReader: [bob.publicKey] }, /names no reader /],
    ['a key to remove that is none', { removeMaintainer: ['bob'] }, /^--remove-maintainer: "bob" is neither/],
    ['a web page that is none', { web: ['example.org'] }, /--web is "example.org": expected http/],
    ['private and public', { private: true, public: true }, /cannot be combined/],
    ['a reader of what everybody reads', { reader: [bob.publicKey] }, /add --private/],
    ['a strange object format', { objectFormat: 'md5' }, /expected sha1 or sha256/],
    ['a shortened commit', { earliestCommit: 'cafe' }, /expected a whole commit id/],
  ])('%s', (_what, flags, reason) => {
    expect(() => change(undefined, flags)).toThrow(reason);
  });
});
