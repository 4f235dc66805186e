import { expect, it } from 'vitest';
import { run } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

/** Clones, commits and pushes, and fetches again, all without git. Arguments: the URL and a folder. */
const SCRIPT = `
import sys
from dulwich import porcelain

url, folder = sys.argv[1:]
who = b"A User <user@example.com>"
repository = porcelain.clone(url, folder, errstream=porcelain.NoneStream())
with open(folder + "/new", "w") as file:
    file.write("from Python\\n")
porcelain.add(repository, [folder + "/new"])
commit = porcelain.commit(repository, b"From Python", author=who, committer=who)
porcelain.push(repository, url, b"refs/heads/main", outstream=porcelain.NoneStream(), errstream=porcelain.NoneStream())
porcelain.push(repository, url, b"refs/heads/main:refs/heads/side", outstream=porcelain.NoneStream(), errstream=porcelain.NoneStream())
refs = porcelain.ls_remote(url)
assert refs[b"refs/heads/main"] == commit, refs
assert refs[b"refs/heads/side"] == commit, refs
print(commit.decode())
`;

/** The first Python that has dulwich, or undefined. */
async function findPython(): Promise<string | undefined> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const asked = await run(python, ['-c', 'import dulwich.porcelain']).catch(() => undefined);
    if (asked?.exitCode === 0) return python;
  }
  return undefined;
}

eachStore('dulwich', (openStore) => {
  const cairn = hosted(openStore);

  it('dulwich clones, commits and pushes beside git', async ({ skip }) => {
    const python = await findPython();
    if (python === undefined) return skip('no python3 here has dulwich (Debian: python3-dulwich)');
    const { url, user, author } = await cairn.published();

    const result = await run(python, ['-c', SCRIPT, url, `${user.folder}/dulwich`]);

    expect(result.stderr).toBe('');
    await author.run(['pull', '--quiet', '--ff-only']);
    expect(await author.oidOf('HEAD')).toBe(result.stdout.trim());
    expect(await author.run(['show', 'HEAD:new'])).toBe('from Python');
    await author.run(['fsck', '--strict']);
  });
});
