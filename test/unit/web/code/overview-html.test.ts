import { describe, expect, it } from 'vitest';
import { refChoicesOf } from '../../../../src/browse/refs/ref-choices.ts';
import type { Announcement } from '../../../../src/nostr/announcement.ts';
import type { Profile } from '../../../../src/nostr/collaboration/profile.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import type { AccessMode } from '../../../../src/policy/push-entry.ts';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { aboutRepository } from '../../../../src/web/about-repository.ts';
import { CodeLinks } from '../../../../src/web/code/code-links.ts';
import type { OverviewContent } from '../../../../src/web/code/pages/overview/overview-content.ts';
import { overviewPage } from '../../../../src/web/code/pages/overview/overview-page.ts';
import { manifestOf, oid } from '../../../helpers/repository-rig.ts';
import { alice, bob } from '../../nostr/authors.ts';

const BASE = 'https://git.example.org';
const NPUB = formatNpub(alice.publicKey);

describe('the page of a repository', () => {
  it('names the repository and its owner', () => {
    const text = show({
      announcement: {
        name: 'The Tool',
        description: 'Does things.',
        hashtags: ['Masonry', '#walls'],
        web: ['https://tool.example.org/'],
      },
      manifest: announced({ policy: { ...POLICY, writers: [alice.publicKey, bob.publicKey] } }),
    });
    expect(text).toContain('<h1><bdi>The Tool</bdi></h1>');
    expect(text).toContain('Does things.');
    expect(text).toContain('<a href="https://tool.example.org/"');
    expect(text).toContain('<a class="topic" href="/?q=topic%3Amasonry"><bdi>masonry</bdi></a>');
    expect(text).toContain('<bdi>walls</bdi>');
    expect(text).toMatch(new RegExp(`<dt>Owner</dt><dd><a class="key" href="/${NPUB}" title="${NPUB}">`));
    expect(text).toMatch(
      new RegExp(`<dt>Maintainers</dt><dd><ul><li><a [^>]*title="${formatNpub(bob.publicKey)}">`),
    );
    expect(text).toContain(`<link rel="canonical" href="${BASE}/${NPUB}/tool">`);
  });

  it('uses the identifier if there is no name', () => {
    expect(show({})).toContain('<h1><bdi>tool</bdi></h1>');
    expect(show({ announcement: { name: '  ', web: [] } })).toContain('<h1><bdi>tool</bdi></h1>');
  });

  it('shows how to clone, with git and with a Nostr git client', () => {
    const text = show({});
    expect(text).toContain(`git clone ${BASE}/git/${NPUB}/tool.git<`);
    expect(text).toContain(`git clone nostr://${NPUB}/git.example.org/tool<`);
    expect(text).toContain(`href="https://gitworkshop.dev/${NPUB}/git.example.org/tool"`);
  });

  it('shows the scheme of a relay that is not wss://', () => {
    expect(show({ base: 'http://127.0.0.1:8080' })).toContain(
      `git clone nostr://${NPUB}/ws%3A%2F%2F127.0.0.1%3A8080/tool<`,
    );
  });

  it.each([
    ['that waits for its first data', announced({ lifecycle: 'held' })],
    ['that nobody has announced', manifestOf({ identifier: 'tool' })],
  ])('sends no Nostr client to a relay %s', (_, manifest) => {
    const text = show({ manifest });
    expect(text).not.toContain('nostr://');
    expect(text).not.toContain('gitworkshop');
    expect(text).toContain('git clone https://');
  });

  it('shows how to push, as far as the visitor can', () => {
    const signed = show({});
    expect(signed).toContain(`cairn credential install --server ${BASE}`);
    expect(signed).toContain(`git push ${BASE}/git/${NPUB}/tool.git main<`);
    expect(show({ access: 'open' })).not.toContain('cairn credential');
    expect(show({ access: 'open' })).toContain(`git push ${BASE}/git/${NPUB}/tool.git main<`);
    expect(show({ access: 'read-only' })).not.toContain('git push');
  });

  it('shows first steps before the first push', () => {
    const text = show({ manifest: announced({ refs: new Map() }) });
    expect(text).toContain(`git remote add origin ${BASE}/git/${NPUB}/tool.git\ngit push -u origin main<`);
    expect(text).toContain('Nothing has been pushed');
  });

  it.each([
    ['refs/heads/-f', 'refs/heads/-f'],
    ['refs/heads/+main', 'refs/heads/+main'],
    ['refs/heads/a&b', '&#39;a&amp;b&#39;'],
  ])('shows no command in which the branch %s acts as more than a branch name', (head, word) => {
    const manifest = announced({ head, refs: new Map([[head, oid('1')]]) });
    expect(show({ manifest })).toContain(`/tool.git ${word}</code>`);
  });

  it('shows the default branch: the last commit, files, the README, languages', () => {
    const text = show({
      content: inside('README'),
      manifest: announced({
        refs: new Map([
          ['refs/heads/main', oid('1')],
          ['refs/tags/v1', oid('2')],
        ]),
      }),
    });
    expect(text).toContain('<summary><span class="quiet">Branch</span> <bdi>main</bdi></summary>');
    expect(text).toContain('>1 branch</a>');
    expect(text).toContain('>1 tag</a>');
    expect(text).toContain(`href="/${NPUB}/tool/file/main/README"`);
    expect(text).toContain('<pre class="plain-text" tabindex="0">README</pre>');
    expect(text).toContain(
      '<rect class="language-0" x="0.00" width="75.00" height="4"/><rect class="language-1" x="75.00" width="25.00"',
    );
    expect(text).toContain('TypeScript <span class="quiet">75.0 %</span>');
    expect(text).toContain('<summary>How to push</summary>');
    expect(text).not.toContain(' style=');
  });

  it('shows the last change, its author and its size', () => {
    const pack = { digest: 'a'.repeat(64), size: 3 * 1024 * 1024 };
    const packs = [{ kind: 'push' as const, objects: 1, pack, idx: pack }];
    const causes = [
      { kind: 'push' as const, actor: bob.publicKey, evidence: null, refs: ['refs/heads/main'] },
    ];
    const text = show({ manifest: announced({ packs, causes, receiptAt: 1_700_000_000 }) });
    expect(text).toMatch(/<dt>Last push<\/dt><dd><time datetime="2023-11-14T22:13:20.000Z"/);
    expect(text).toContain(
      `title="${formatNpub(bob.publicKey)}"><span class="name"><bdi>Bob &lt;b&gt;</bdi></span> <code>npub1`,
    );
    expect(text).toContain('<dt>Size</dt><dd>3 MiB</dd>');
  });

  it('reports a missing default branch if there are other branches', () => {
    const refs = new Map([['refs/heads/other', oid('1')]]);
    const text = show({ manifest: announced({ refs, head: 'refs/heads/main' }) });
    expect(text).toContain('The default branch, <bdi>main</bdi>, does not exist.');
    expect(text).toContain('has 1 branch and 0 tags');
  });

  it('links to web pages only', () => {
    const text = show({
      announcement: { web: ['javascript:alert(1)', 'data:text/html,x', 'nonsense', 'http://ok.example/'] },
    });
    expect(text.match(/<a href="(?!https:\/\/git|\/)[^"]*"/g)).toEqual(['<a href="http://ok.example/"']);
    expect(text).not.toContain('javascript:');
  });

  it('keeps every text inside its element', () => {
    const hostile = `"><img src=x onerror=alert(1)>'</bdi></style><script>alert(2)</script>&lt;`;
    expect(skeleton(full(hostile))).toBe(skeleton(full('plain')));
    expect(full(hostile)).not.toMatch(/<img|<script>/);
  });

  it('stays small for texts of any length', () => {
    const text = show({
      announcement: { name: 'n'.repeat(100_000), description: 'd'.repeat(100_000), web: many(1_000) },
      manifest: announced({
        policy: {
          ...POLICY,
          protection: many(1_000).map((pattern) => ({ pattern, rules: ['no-delete'.repeat(1_000)] })),
        },
      }),
    });
    expect(text.length).toBeLessThan(40_000);
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

interface Shown {
  readonly base?: string;
  readonly access?: AccessMode;
  readonly manifest?: GitManifest;
  readonly announcement?: Partial<Announcement>;
  readonly content?: OverviewContent;
}

const COMMIT = {
  tree: oid('7'),
  parents: [],
  author: { name: 'Ann', email: 'ann@example.org', time: 1_700_000_000, zone: 0 },
  committer: { name: 'Ann', email: 'ann@example.org', time: 1_700_000_000, zone: 0 },
  message: 'Begin\n',
  signature: undefined,
} as unknown as OverviewContent['latest']['commit'];

/** What is in the default branch: a file and a README. */
function inside(text = 'plain'): OverviewContent {
  const entry = { name: Buffer.from(text), kind: 'file', oid: oid('8') } as const;
  return {
    folder: {
      oid: oid('7'),
      commit: oid('1'),
      entries: [entry as unknown as OverviewContent['folder']['entries'][number]],
      count: 1,
      sizes: new Map(),
      commits: new Map(),
      readme: { path: [Buffer.from(text)], shown: { is: 'text', text } },
    },
    latest: { oid: oid('1'), commit: { ...COMMIT, message: text } },
    languages: [
      { name: 'TypeScript', bytes: 750 },
      { name: 'C', bytes: 250 },
    ],
  };
}

/** The page as it is made of a repository; empty unless content is given. */
function show(parts: Shown): string {
  const { base = BASE, access = 'signed', manifest = announced(), announcement, content } = parts;
  const full: Announcement = { ...BARE, identifier: manifest.identifier, ...announcement };
  const said = announcement === undefined ? undefined : full;
  const about = aboutRepository(
    {
      access,
      events: { latest: () => undefined },
      announced: { find: () => said, known: () => said },
      people,
    },
    repositoryId(alice.publicKey, 'tool'),
    true,
    manifest,
  );
  const context = {
    base,
    manifest,
    about,
    choices: refChoicesOf(manifest),
    owner: alice.publicKey,
    name: full.name?.trim() || manifest.identifier,
    links: new CodeLinks(base, { owner: alice.publicKey, identifier: manifest.identifier }),
  };
  const published = { version: '1', digest: oid('9'), manifest };
  const question = overviewPage.ask(context, published, [], new URLSearchParams());
  return String(overviewPage.html(context, question, content));
}

const people = {
  profile: (key: string) => (key === bob.publicKey ? ({ name: 'Bob <b>' } as Profile) : undefined),
};

const BARE: Announcement = {
  id: 'e'.repeat(64),
  owner: alice.publicKey,
  at: 1_700_000_000,
  identifier: 'tool',
  clone: [],
  web: [],
  relays: [],
  maintainers: [],
  hashtags: [],
  protection: [],
  private: false,
  readers: [],
};

/** A page with one text in every place where somebody else's text can stand. */
function full(text: string): string {
  const refs = new Map(['heads', 'tags', 'notes'].map((folder) => [`refs/${folder}/${text}`, oid('1')]));
  return show({
    content: inside(text),
    announcement: { name: text, description: text, web: [`https://x.example/${text}`], hashtags: [text] },
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

function many(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `https://${n}.example/${'x'.repeat(1_000)}`);
}
