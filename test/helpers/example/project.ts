/** A repository as a team would have it, on a server: with every kind of file, and with a discussion on Nostr. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NostrEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { GitClient, run } from '../git-client.ts';
import { announcement, gitUrl, signedIn } from '../identity.ts';
import { type ImportedCommit, importHistory } from '../import-history.ts';
import { NostrClient, Person } from '../nostr-client.ts';
import { FIRST_FILES, MORE_FILES, README, TIDE } from './files.ts';

/** What there is to be shown of a repository. */
export interface BrowsedRepository {
  readonly owner: Person;
  readonly identifier: string;
  /** The path of its own page. */
  readonly root: string;
  readonly branch: string;
  /** What is found in it. */
  readonly word: string;
  readonly otherBranch: string;
  readonly tag: string;
  /** Ids, by what is to be seen of a commit. */
  readonly commits: readonly string[];
  /** Paths, each of whose characters is a byte. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Ids of events, by what they are. */
  readonly issues: readonly string[];
  readonly patches: readonly string[];
  readonly pullRequests: readonly string[];
}

const ADA = 'Ada Watt <ada@example.org>';
const OLD_ADA = 'ada <ada@old.example.org>';
const BEN = 'Ben Öst <ben@example.org>';
const ZERO_ID = '5d41402abc4b2a76b9719d911017c592aabbccdd';

const HISTORY: readonly ImportedCommit[] = [
  {
    ref: 'refs/heads/main',
    author: OLD_ADA,
    message: 'Predict the tide of one harbour\n',
    parents: [],
    files: FIRST_FILES,
  },
  {
    ref: 'refs/heads/main',
    author: BEN,
    message:
      'Fit constituents, and read gauges\n\nThe radar gauges send every minute; see https://example.org/gauges.\n\nCo-authored-by: Ada Watt <ada@example.org>\n',
    files: MORE_FILES,
  },
  {
    ref: 'refs/heads/main',
    author: ADA,
    message: 'Move the text of the licence\n',
    files: { LICENSE: undefined, 'LICENSE.txt': FIRST_FILES['LICENSE'] },
  },
  {
    ref: 'refs/heads/surges',
    author: BEN,
    message: 'Warn of storm surges\n',
    parents: [1],
    files: { 'src/surges.ts': 'export const LIMIT = 1.5;\n' },
  },
  {
    ref: 'refs/heads/main',
    author: ADA,
    message: "Merge branch 'surges'\n",
    parents: [2, 3],
    files: { 'src/surges.ts': 'export const LIMIT = 1.5;\n' },
  },
  {
    ref: 'refs/heads/main',
    author: ADA,
    message: 'Show the harbour, and say how to use it\n\nFixes the table of gauges.\n',
    files: {
      'README.md': README,
      'src/tides.ts': TIDE,
      vendor: { mode: '160000', is: ZERO_ID },
      '.gitmodules': '[submodule "vendor"]\n\tpath = vendor\n\turl = https://example.org/vendor.git\n',
      latest: { mode: '120000', is: 'src/tides.ts' },
    },
  },
  {
    ref: 'refs/heads/forecast',
    author: BEN,
    message: 'Try a forecast of the wind\n',
    parents: [4],
    files: { 'src/wind.ts': 'export const wind = 0;\n' },
  },
];

/**
 * Makes the repository, announces it, pushes, and talks about it.
 * @param server its URL
 * @param folder for working files
 * @param base the public URL of the server
 */
export async function exampleProject(
  server: string,
  folder: string,
  base = server,
): Promise<BrowsedRepository> {
  // The same keys each time, so that pictures of pages are.
  const [owner, visitor] = [new Person(new Uint8Array(32).fill(7)), new Person(new Uint8Array(32).fill(9))];
  const identifier = 'harbour';
  const url = gitUrl(base, owner, identifier);
  const here = gitUrl(server, owner, identifier);
  const address = `30617:${owner.publicKey}:${identifier}`;
  await using relay = await NostrClient.connect(server);
  const publish = async (event: NostrEvent) => {
    const { accepted, note } = await relay.publish(event);
    if (!accepted) throw new Error(`the relay refused an event of kind ${event.kind}: ${note}`);
    return event;
  };
  const announced = announcement(base, owner, identifier, {
    tags: [
      ['description', 'Tide tables for small harbours, from their own gauges'],
      ['t', 'tides'],
      ['t', 'typescript'],
      ['web', 'https://example.org/harbour'],
    ],
  });
  await publish(
    owner.sign(
      announced.kind,
      announced.tags.map((tag) => (tag[0] === 'name' ? ['name', 'Harbour'] : [...tag])),
    ),
  );
  const { client, ids } = await makeRepository(folder, identifier);
  await signedIn(client, owner, url).run(['push', '--quiet', here, '--all']);
  await signedIn(client, owner, url).run(['push', '--quiet', here, '--tags']);
  await publish(
    owner.sign(
      kinds.profile,
      [],
      JSON.stringify({
        name: 'ada',
        display_name: 'Ada Watt',
        about: 'Reads water.',
        picture: 'https://example.org/ada.png',
      }),
    ),
  );
  const about = [
    ['a', address],
    ['p', owner.publicKey],
  ];
  const issue = await publish(
    visitor.sign(
      kinds.issue,
      [...about, ['subject', 'Low water is an hour late in March'], ['t', 'bug']],
      'Since the **last** release:\n\n```text\nexpected 04:12\nshown    05:12\n```\n',
    ),
  );
  await publish(
    owner.sign(
      kinds.comment,
      [
        ['E', issue.id, '', issue.pubkey],
        ['K', String(kinds.issue)],
        ['P', issue.pubkey],
        ['e', issue.id, '', issue.pubkey],
        ['k', String(kinds.issue)],
        ['p', issue.pubkey],
      ],
      'Summer time. I look into it.',
    ),
  );
  const patchText = await client.run(['format-patch', '--stdout', '-1', 'forecast']);
  const patch = await publish(
    visitor.sign(kinds.patch, [...about, ['t', 'root'], ['commit', ids[6] ?? '']], patchText),
  );
  const closed = await publish(
    visitor.sign(kinds.issue, [...about, ['subject', 'Which gauge is at Hooge?']], 'I could not find it.'),
  );
  await publish(
    owner.sign(
      kinds.statusClosed,
      [
        ['e', closed.id, '', 'root'],
        ['p', visitor.publicKey],
        ['a', address],
      ],
      '',
    ),
  );
  const pull = await publish(
    visitor.sign(
      kinds.pullRequest,
      [
        ...about,
        ['subject', 'Forecast the wind'],
        ['c', ids[6] ?? ''],
        ['clone', url],
        ['branch-name', 'forecast'],
      ],
      'A first step.',
    ),
  );
  await publish(visitor.sign(kinds.profile, [], JSON.stringify({ name: 'cleo' })));
  return {
    owner,
    identifier,
    root: `/${owner.npub}/${identifier}`,
    branch: 'main',
    word: 'harbour',
    otherBranch: 'forecast',
    tag: 'v1.0',
    commits: [0, 1, 2, 4, 5, 7].flatMap((at) => ids[at] ?? []),
    folders: ['', 'docs'],
    files: [
      'src/tides.ts',
      'README.md',
      'images/harbour.png',
      'images/badge.svg',
      'fit/residuals.ipynb',
      'harbours.csv',
      'docs/bell.wav',
      'docs/chart.pdf',
      'docs/latin1.txt',
      'docs/film.mp4',
      'data/levels.bin',
      'latest',
      'web/index.html',
    ],
    issues: [issue.id, closed.id],
    patches: [patch.id],
    pullRequests: [pull.id],
  };
}

async function makeRepository(folder: string, name: string) {
  const client = await new GitClient(folder).init(name);
  const ids = await importHistory(client, HISTORY, [
    { name: 'v0.9', of: 1, message: 'The first that others use\n', tagger: ADA },
    { name: 'v1.0', of: 5, message: 'Harbour 1.0\n\n- the table of gauges\n- storm surges\n', tagger: ADA },
  ]);
  await client.run(['reset', '--quiet', '--hard', 'main']);
  await client.run(['tag', 'nightly', ids[4] ?? '']);
  const key = join(folder, `${name}-keys`);
  await mkdir(key);
  const made = await run('ssh-keygen', [
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'ada',
    '-f',
    join(key, 'id'),
  ]).catch(() => undefined);
  const signing = made?.exitCode === 0 ? ['-S'] : [];
  await client
    .with(
      'gpg.format=ssh',
      `user.signingkey=${join(key, 'id')}`,
      'user.name=Ada Watt',
      'user.email=ada@example.org',
    )
    .run(['commit', '--quiet', '--allow-empty', ...signing, '-m', 'Release 1.0.1'], {
      env: {
        GIT_AUTHOR_NAME: 'Ada Watt',
        GIT_AUTHOR_EMAIL: 'ada@example.org',
        GIT_AUTHOR_DATE: '2024-01-08 10:00 +0100',
        GIT_COMMITTER_DATE: '2024-01-08 10:00 +0100',
      },
    });
  return { client, ids: [...ids, await client.oidOf('HEAD')] };
}
