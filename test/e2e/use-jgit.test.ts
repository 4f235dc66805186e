import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

/** Where Debian puts JGit (libjgit-java); its command line program (jgit-cli) lacks a class and does not start. */
const JARS = ['org.eclipse.jgit', 'slf4j-api'].map((name) => `/usr/share/java/${name}.jar`);

/** Clones, commits and pushes, and prints the commit. Arguments: the URL and a folder. */
const PROGRAM = `
import java.io.File;
import java.nio.file.Files;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.transport.PushResult;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.RemoteRefUpdate;

public class UseCairn {
  public static void main(String[] args) throws Exception {
    File folder = new File(args[1]);
    try (Git git = Git.cloneRepository().setURI(args[0]).setDirectory(folder).call()) {
      Files.writeString(new File(folder, "new").toPath(), "from Java\\n");
      git.add().addFilepattern("new").call();
      RevCommit commit = git.commit().setMessage("From Java").setAuthor("A User", "user@example.com").call();
      push(git, "refs/heads/main:refs/heads/main", RemoteRefUpdate.Status.OK);
      push(git, "refs/heads/main:refs/heads/side", RemoteRefUpdate.Status.OK);
      push(git, "refs/heads/main:refs/heads/main/below", RemoteRefUpdate.Status.REJECTED_OTHER_REASON);
      git.fetch().call();
      if (!git.getRepository().resolve("refs/remotes/origin/side").equals(commit)) throw new Exception("no side");
      System.out.println(commit.name());
    }
  }

  static void push(Git git, String refs, RemoteRefUpdate.Status expected) throws Exception {
    for (PushResult result : git.push().setRefSpecs(new RefSpec(refs)).call()) {
      for (RemoteRefUpdate update : result.getRemoteUpdates()) {
        if (update.getStatus() != expected) throw new Exception(refs + ": " + update);
        if (update.getMessage() != null) System.err.println(update.getMessage());
      }
    }
  }
}
`;

/** Why JGit cannot be used here, or undefined when it can. */
async function whatIsMissing(): Promise<string | undefined> {
  for (const jar of JARS) {
    const there = await access(jar).then(
      () => true,
      () => false,
    );
    if (!there) return `${jar} is not there (Debian: libjgit-java)`;
  }
  const compiler = await run('javac', ['-version']).catch(() => undefined);
  return compiler?.exitCode === 0 ? undefined : 'there is no Java compiler here';
}

eachStore('JGit', (openStore) => {
  const cairn = hosted(openStore);

  it('JGit clones, commits, pushes and fetches beside git', async ({ skip }) => {
    const missing = await whatIsMissing();
    if (missing !== undefined) return skip(missing);
    const { url, user, author } = await cairn.published();
    const program = join(user.folder, 'UseCairn.java');
    await writeFile(program, PROGRAM);

    const result = await run('java', ['-cp', JARS.join(':'), program, url, join(user.folder, 'jgit')], {
      env: { PATH: process.env['PATH'] ?? '', HOME: user.folder },
    });

    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stderr).toContain('it cannot exist beside refs/heads/main');
    await author.run(['pull', '--quiet', '--ff-only']);
    expect(await author.oidOf('HEAD')).toBe(result.stdout.trim());
    expect(await author.run(['show', 'HEAD:new'])).toBe('from Java');
    await author.run(['fsck', '--strict']);
  });
});
