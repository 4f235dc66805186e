import { describe, expect, it } from 'vitest';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { type RepositoryPageParts, repositoryPage } from '../../../../src/web/pages/repository-page.ts';
import { manifestOf, oid } from '../../../helpers/repository-rig.ts';
import { alice, bob } from '../../nostr/authors.ts';

const BASE = 'https://git.example.org';
const NPUB = formatNpub(alice.publicKey);

describe('the page of a repository', () => {
  it('says what it is and whose', () => {
    const text = show({
      announcement: { name: 'The Tool', description: 'Does things.', web: ['https://tool.example.org/'] },
      manifest: announced({ policy: { ...POLICY, writers: [alice.publicKey, bob.publicKey] } }),
    });
    expect(text).toContain('<h1><bdi>The Tool</bdi></h1>');
    expect(text).toContain('Does things.');
    expect(text).toContain('<a href="https://tool.example.org/"');
    expect(text).toContain(`<dt>Owner</dt><dd><code>${NPUB}</code>`);
    expect(text).toContain(
      `<dt>Maintainers</dt><dd><ul><li><code>${formatNpub(bob.publicKey)}</code></li></ul>`,
    );
    expect(text).toContain(`<link rel="canonical" href="${BASE}/${NPUB}/tool.git">`);
  });

  it('is called by its identifier when it has no name', () => {
    expect(show({})).toContain('<h1><bdi>tool</bdi></h1>');
    expect(show({ announcement: { name: '  ', web: [] } })).toContain('<h1><bdi>tool</bdi></h1>');
  });

  it('tells how to clone it, with git and with a Nostr git client', () => {
    const text = show({});
    expect(text).toContain(`git clone ${BASE}/git/${NPUB}/tool.git<`);
    expect(text).toContain(`git clone nostr://${NPUB}/git.example.org/tool<`);
    expect(text).toContain(`href="https://gitworkshop.dev/${NPUB}/git.example.org/tool"`);
  });

  it('tells the scheme of a relay that is not at wss://', () => {
    expect(show({ base: 'http://127.0.0.1:8080' })).toContain(
      `git clone nostr://${NPUB}/ws%3A%2F%2F127.0.0.1%3A8080/tool<`,
    );
  });

  it.each([
    ['that waits for its first data', announced({ lifecycle: 'held' })],
    ['that nobody has announced', manifestOf({ identifier: 'tool' })],
  ])('leads no Nostr client to one %s', (_, manifest) => {
    const text = show({ manifest });
    expect(text).not.toContain('nostr://');
    expect(text).not.toContain('gitworkshop');
    expect(text).toContain('git clone https://');
  });

  it('tells how to push as far as one can', () => {
    const signed = show({});
    expect(signed).toContain(`cairn credential install --server ${BASE}`);
    expect(signed).toContain(`git push ${BASE}/git/${NPUB}/tool.git main<`);
    expect(show({ access: 'open' })).not.toContain('cairn credential');
    expect(show({ access: 'open' })).toContain(`git push ${BASE}/git/${NPUB}/tool.git main<`);
    expect(show({ access: 'read-only' })).not.toContain('git push');
  });

  it('tells how to begin while nothing has been pushed', () => {
    const text = show({ manifest: announced({ refs: new Map() }) });
    expect(text).toContain(`git remote add origin ${BASE}/git/${NPUB}/tool.git\ngit push -u origin main<`);
    expect(text).toContain('nothing has been pushed');
  });

  it.each([
    ['refs/heads/-f', 'refs/heads/-f'],
    ['refs/heads/+main', 'refs/heads/+main'],
    ['refs/heads/a&b', '&#39;a&amp;b&#39;'],
  ])('gives no command in which the branch %s is more than a branch', (head, word) => {
    const manifest = announced({ head, refs: new Map([[head, oid('1')]]) });
    expect(show({ manifest })).toContain(`/tool.git ${word}</code>`);
  });

  it('links to web pages only', () => {
    const text = show({
      announcement: { web: ['javascript:alert(1)', 'data:text/html,x', 'nonsense', 'http://ok.example/'] },
    });
    expect(text.match(/<a href="(?!https:\/\/git|\/npub1)[^"]*"/g)).toEqual(['<a href="http://ok.example/"']);
    expect(text).not.toContain('javascript:');
  });

  it('lets no text out of its place, wherever it stands', () => {
    const hostile = `"><img src=x onerror=alert(1)>'</bdi></style><script>alert(2)</script>&lt;`;
    expect(skeleton(full(hostile))).toBe(skeleton(full('plain')));
    expect(full(hostile)).not.toMatch(/<img|<script>/);
  });

  it('stays small, however long its texts are', () => {
    const text = show({
      announcement: { name: 'n'.repeat(100_000), description: 'd'.repeat(100_000), web: many(1_000) },
      manifest: announced({
        policy: {
          ...POLICY,
          protection: many(1_000).map((pattern) => ({ pattern, rules: ['no-delete'.repeat(1_000)] })),
        },
      }),
    });
    expect(text.length).toBeLessThan(30_000);
  });
});

describe('the refs on it', () => {
  it('begin with the branch HEAD names', () => {
    const text = show({
      manifest: announced({
        head: 'refs/heads/main',
        refs: new Map([
          ['refs/heads/a', oid('a')],
          ['refs/heads/main', oid('1')],
        ]),
      }),
    });
    expect(names(text)).toEqual(['main', 'a']);
    expect(text).toContain(`<bdi>main</bdi></code> <span class="quiet">(HEAD)</span>`);
    expect(text).toContain(`<code>${oid('a')}</code>`);
  });

  it('show the highest tag first, and what a tag object points at', () => {
    const text = show({
      manifest: announced({
        refs: new Map([
          ['refs/tags/v1.10', oid('2')],
          ['refs/tags/v1.9', oid('3')],
        ]),
        peeled: new Map([['refs/tags/v1.10', oid('4')]]),
      }),
    });
    expect(names(text)).toEqual(['v1.10', 'v1.9']);
    expect(text).toContain(oid('4'));
    expect(text).not.toContain(oid('2'));
  });

  it('keep the folder of what is neither branch nor tag', () => {
    expect(
      names(show({ manifest: announced({ refs: new Map([['refs/notes/commits', oid('1')]]) }) })),
    ).toEqual(['refs/notes/commits']);
  });

  it('are bounded, and counted', () => {
    const refs = new Map<string, string>();
    for (let n = 1; n <= 20_000; n += 1) {
      refs.set(`refs/heads/b${String(n).padStart(5, '0')}`, oid('1'));
    }
    const tags = Array.from({ length: 101 }, (_, n) => `refs/tags/v${n}`).sort();
    for (const tag of tags) refs.set(tag, oid('2'));
    const text = show({ manifest: announced({ head: 'refs/heads/b20000', refs }) });
    expect(names(text)).toHaveLength(200);
    expect(names(text)[0]).toBe('b20000');
    expect(text).toContain('100 of 20,000');
    expect(text).toContain('100 of 101');
    expect(names(text)).not.toContain('v0');
  });
});

const POLICY = {
  announcements: ['e'.repeat(64)],
  writers: [alice.publicKey],
  protection: [],
  private: false,
  readers: [],
};

function announced(parts: Partial<GitManifest> = {}): GitManifest {
  const refs = new Map([['refs/heads/main', oid('1')]]);
  return manifestOf({ identifier: 'tool', refs, policy: POLICY, ...parts });
}

function show(parts: Partial<RepositoryPageParts>): string {
  return String(
    repositoryPage({ base: BASE, access: 'signed', owner: alice.publicKey, manifest: announced(), ...parts }),
  );
}

/** A page with one text in every place where somebody else's text can stand. */
function full(text: string): string {
  const refs = new Map(['heads', 'tags', 'notes'].map((folder) => [`refs/${folder}/${text}`, oid('1')]));
  return show({
    announcement: { name: text, description: text, web: [`https://x.example/${text}`] },
    manifest: announced({
      identifier: text,
      head: `refs/heads/${text}`,
      refs,
      policy: { ...POLICY, protection: [{ pattern: text, rules: [text] }] },
    }),
  });
}

/** A page without its texts and the values of its attributes. */
function skeleton(text: string): string {
  return text.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, '>');
}

function names(text: string): string[] {
  return [...text.matchAll(/<th scope="row"><code><bdi>([^<]*)/g)].map(([, name = '']) => name);
}

function many(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `https://${n}.example/${'x'.repeat(1_000)}`);
}
