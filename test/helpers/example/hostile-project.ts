/** A repository whose every name, text and file would run something in the browsers of others, if a page let it. */
import { expect } from 'vitest';
import type { NostrEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { GitClient } from '../git-client.ts';
import { announcement, gitUrl, signedIn } from '../identity.ts';
import { type ImportedCommit, importHistory } from '../import-history.ts';
import { NostrClient, Person } from '../nostr-client.ts';
import { FILES, LINE, MARKDOWN, NAMES, TEXTS } from './hostile-texts.ts';
import type { BrowsedRepository } from './project.ts';

/** Names that git takes for refs. A slash ends the name of an element as a space does. */
const REF_NAMES = TEXTS.map((text) =>
  [...text]
    .filter((char) => char >= ' ' && !'~^:?*[\\'.includes(char))
    .join('')
    .replaceAll(' ', '/')
    .replace(/\/+/g, '/')
    .replace(/^\/|\/$/g, ''),
);

/** A name of a person that git takes. No push brings one with angle brackets. */
const AUTHOR = `"onmouseover="window.__cairnXss='author'" x= <"'onfocus=window.__cairnXss='mail'//@example.org>`;

export async function hostileProject(server: string, folder: string): Promise<BrowsedRepository> {
  const [owner, visitor] = [new Person(), new Person()];
  const identifier = `"'onfocus=window.__cairnXss='identifier'><cairn-xss>`;
  const url = gitUrl(server, owner, identifier);
  const address = `30617:${owner.publicKey}:${identifier}`;
  await using relay = await NostrClient.connect(server);
  const publish = async (event: NostrEvent) => {
    expect(await relay.publish(event)).toMatchObject({ accepted: true });
    return event.id;
  };
  const announced = announcement(server, owner, identifier, {
    tags: [
      ['description', LINE],
      ...TEXTS.map((text) => ['t', text]),
      ...TEXTS.map((text) => ['web', text]),
      ['web', "javascript:window.__cairnXss='web'"],
    ],
  });
  const tags = announced.tags.map((tag) => (tag[0] === 'name' ? ['name', LINE] : [...tag]));
  await publish(owner.sign(announced.kind, tags));
  const { client, ids } = await makeRepository(folder);
  const user = signedIn(client, owner, url);
  await user.run(['push', '--quiet', url, '--all']);
  await user.run(['push', '--quiet', url, '--tags']);

  const profile = JSON.stringify(
    Object.fromEntries(
      ['name', 'display_name', 'about', 'nip05', 'website', 'picture', 'banner', 'lud16'].map((field) => [
        field,
        LINE,
      ]),
    ),
  );
  await publish(owner.sign(kinds.profile, [], profile));
  const about = [
    ['a', address],
    ['p', owner.publicKey],
    ['subject', LINE],
    ...TEXTS.map((text) => ['t', text]),
  ];
  const issue = await publish(visitor.sign(kinds.issue, about, MARKDOWN));
  const root = [
    ['E', issue, '', visitor.publicKey],
    ['K', '1621'],
    ['P', visitor.publicKey],
  ];
  await publish(
    visitor.sign(
      kinds.comment,
      [...root, ['e', issue, '', visitor.publicKey], ['k', '1621'], ['p', visitor.publicKey]],
      MARKDOWN,
    ),
  );
  await publish(
    owner.sign(kinds.label, [['L', LINE], ...TEXTS.map((text) => ['l', text, LINE]), ['e', issue]], LINE),
  );
  await publish(
    owner.sign(
      kinds.statusClosed,
      [
        ['e', issue, '', 'root'],
        ['p', visitor.publicKey],
        ['a', address],
      ],
      MARKDOWN,
    ),
  );
  const patchText = await client.run(['format-patch', '--stdout', '-1', ids[1] ?? '']);
  const patch = await publish(
    visitor.sign(
      kinds.patch,
      [...about, ['t', 'root'], ['commit', LINE], ['committer', LINE, LINE, '1', '0']],
      patchText,
    ),
  );
  const noPatch = await publish(visitor.sign(kinds.patch, [...about, ['t', 'root']], `${LINE}\n${MARKDOWN}`));
  const pull = await publish(
    visitor.sign(
      kinds.pullRequest,
      [
        ...about,
        ['c', ids[1] ?? ''],
        ['clone', "javascript:window.__cairnXss='clone'", url],
        ['branch-name', LINE],
        ['merge-base', LINE],
      ],
      MARKDOWN,
    ),
  );
  await publish(visitor.sign(kinds.profile, [], profile));
  return {
    owner,
    identifier,
    root: `/${owner.npub}/${encodeURIComponent(identifier)}`,
    branch: 'main',
    otherBranch: REF_NAMES[1] ?? '',
    tag: REF_NAMES[1] ?? '',
    word: '<cairn-xss>',
    commits: ids,
    folders: ['', ...NAMES],
    files: [...Object.keys(FILES), ...NAMES.map((name) => `${name}/${name}`), 'module', 'link'],
    issues: [issue],
    patches: [patch, noPatch],
    pullRequests: [pull],
  };
}

async function makeRepository(folder: string) {
  const client = await new GitClient(folder).init('hostile');
  const named = Object.fromEntries(NAMES.map((name) => [`${name}/${name}`, LINE]));
  const message = `${LINE}\n\n${MARKDOWN}\n\nSigned-off-by: ${LINE}\nCo-authored-by: ${LINE} <x@example.org>\n`;
  const begin: ImportedCommit = {
    ref: 'refs/heads/main',
    author: AUTHOR,
    message,
    parents: [],
    files: { ...named, ...FILES },
  };
  const change: ImportedCommit = {
    ref: 'refs/heads/main',
    author: AUTHOR,
    message: LINE,
    files: {
      [`${NAMES[1]} moved`]: LINE,
      'code.ts': `${LINE}\nconst b = 1;\n`,
      module: { mode: '160000', is: '5d41402abc4b2a76b9719d911017c592aabbccdd' },
      link: { mode: '120000', is: "javascript:window.__cairnXss='symlink'" },
    },
  };
  const branches = REF_NAMES.map(
    (name): ImportedCommit => ({
      ref: `refs/heads/${name}`,
      author: AUTHOR,
      message: LINE,
      parents: [1],
      files: { b: LINE },
    }),
  );
  const ids = await importHistory(
    client,
    [begin, change, ...branches],
    REF_NAMES.map((name) => ({ name, of: 0, message, tagger: AUTHOR })),
  );
  const literal = await literalCommit(client, ids[1] ?? '');
  await client.run(['update-ref', 'refs/heads/main', literal]);
  return { client, ids: [...ids.slice(0, 3), literal] };
}

/** A commit as git itself would not make it: an encoding and a signature that are none. */
async function literalCommit(client: GitClient, parent: string): Promise<string> {
  const tree = await client.run(['rev-parse', `${parent}^{tree}`]);
  const person = `&#60;cairn-xss&gt; "onfocus="window.__cairnXss='name'" <"onfocus=window.__cairnXss='mail'//@example.org> 1700000000 +0000`;
  const lines = [
    `tree ${tree}`,
    `parent ${parent}`,
    `author ${person}`,
    `committer ${person}`,
    'encoding "><cairn-xss>',
    'gpgsig -----BEGIN SSH SIGNATURE-----',
    ' "><cairn-xss>',
    ' -----END SSH SIGNATURE-----',
    '',
    `${LINE}\n`,
  ];
  return client.run(['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
    input: lines.join('\n'),
  });
}
