import type { GitClient } from './git-client.ts';

/** When the first of them is dated, in seconds: 2024-01-01. */
const FIRST = Date.UTC(2024, 0, 1) / 1000;

/**
 * Makes commits on main, one an hour from 2024-01-01 on, and checks the last one out: in two processes, where
 * committing one by one takes three for each.
 *
 * @param repository a client that works in a repository without commits
 * @param messages one for each commit
 * @param files what each commit writes (path → content); its number from 0 is given
 */
export async function importCommits(
  repository: GitClient,
  messages: readonly string[],
  files: (at: number) => Readonly<Record<string, string>>,
): Promise<void> {
  const stream = messages.flatMap((message, at) => [
    'commit refs/heads/main',
    `committer A User <user@example.com> ${FIRST + at * 3600} +0000`,
    data(message),
    ...Object.entries(files(at)).flatMap(([path, content]) => [`M 644 inline ${path}`, data(content)]),
    '',
  ]);
  await repository.run(['fast-import', '--quiet'], { input: stream.join('\n') });
  await repository.run(['reset', '--quiet', '--hard', 'main']);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
