/** Every page that there is, of a repository and beside. A word without an entry fails the tests in a browser. */
import { PAGE_WORDS } from '../../src/nostr/repository-url.ts';
import type { BrowsedRepository } from './example/project.ts';

type Paths = (repository: BrowsedRepository) => readonly string[];

/** Pages below a repository, by the word that begins them; the empty word is the repository's own page. */
const PAGES_OF_WORD: Readonly<Record<string, Paths>> = {
  '': () => [''],
  blame: ({ branch, files: [file = ''] }) => [`blame/${branch}/${encodePath(file)}`],
  branches: () => ['branches', 'branches?order=name'],
  commit: ({ commits }) => commits.map((id, at) => `commit/${id}${at === 1 ? '?view=split' : ''}`),
  commits: ({ branch, files: [file = ''] }) => [
    `commits/${encodePath(branch)}`,
    `commits/${encodePath(branch)}/${encodePath(file)}`,
  ],
  compare: ({ branch, otherBranch }) => [`compare/${encodePath(branch)}...${encodePath(otherBranch)}`],
  contains: ({ commits }) => commits.slice(0, 1).map((id) => `contains/${id}`),
  contributors: ({ branch }) => [`contributors/${encodePath(branch)}`],
  file: ({ branch, files }) => files.map((file) => `file/${encodePath(branch)}/${encodePath(file)}`),
  issue: ({ issues }) => issues.map((id) => `issue/${id}`),
  issues: () => ['issues', 'issues?status=all'],
  patch: ({ patches }) => patches.map((id) => `patch/${id}`),
  patches: () => ['patches'],
  pull: ({ pullRequests }) => pullRequests.map((id) => `pull/${id}`),
  pulls: () => ['pulls'],
  search: ({ branch, word }) =>
    ['code', 'paths', 'commits'].map(
      (type) => `search/${encodePath(branch)}?type=${type}&q=${encodeURIComponent(word)}`,
    ),
  receipts: ({ branch }) => ['receipts', `receipts/refs/heads/${encodePath(branch)}`],
  checks: ({ commits }) => commits.slice(0, 1).map((id) => `checks/${id}`),
  tag: ({ tag }) => [`tag/${encodePath(tag)}`],
  tags: () => ['tags'],
  tree: ({ branch, folders }) => folders.map((folder) => `tree/${encodePath(branch)}/${encodePath(folder)}`),
};

/** Words of answers that are no pages. */
const DOWNLOADS: ReadonlySet<string> = new Set(['archive', 'event', 'feed', 'raw', 'receipt', 'switch']);

/** Pages that belong to no single repository. */
const OTHER_PAGES: Paths = ({ word, owner }) => [
  '/',
  `/?q=${encodeURIComponent(word)}`,
  '/sign-in',
  `/${owner.npub}`,
  `/${owner.npub}/none`,
  `/${owner.npub}`,
];

/** The paths of all pages. */
export function allPages(repository: BrowsedRepository): string[] {
  const below = ['', ...PAGE_WORDS].flatMap((word) => PAGES_OF_WORD[word]?.(repository) ?? []);
  return [
    ...OTHER_PAGES(repository),
    ...below.map((path) => `${repository.root}/${path}`.replace(/\/$/, '')),
  ];
}

/** Words that are served and that no entry stands for. */
export function forgottenWords(): string[] {
  return PAGE_WORDS.filter((word) => !(word in PAGES_OF_WORD) && !DOWNLOADS.has(word));
}

/** @param path each of whose characters is a byte */
export function encodePath(path: string): string {
  const encode = (char: string) =>
    /[\w.~-]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return path
    .split('/')
    .map((part) => [...part].map(encode).join(''))
    .join('/');
}
