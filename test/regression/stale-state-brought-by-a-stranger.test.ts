/** A state that waits because it would undo a push must not be carried out by somebody who pushes just that. */
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl, graspUrl, publish, signedIn, state } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('a stranger cannot undo a signed push with an old state, or restore what it deleted', async () => {
  await using folder = await tempDir('cairn-stale-state');
  const server = await startServer({ store: new MemoryObjectStore(), flags: { access: 'signed' } });
  try {
    const owner = new Person();
    await publish(server.url, announcement(server.url, owner, 'project'));
    const signed = gitUrl(server.url, owner, 'project');
    const grasp = graspUrl(server.url, owner, 'project');
    const user = await new GitClient(folder.path).init('user');
    const first = await user.commit('Begin', { README: 'first\n' });
    const second = await user.commit('Go on', { README: 'second\n' });
    const now = Math.floor(Date.now() / 1000);
    const statedRefs = { 'refs/heads/main': first, 'refs/heads/side': first };
    await publish(server.url, state(owner, 'project', statedRefs, { at: now - 3 }));
    await user.run(['push', '--quiet', grasp, `${first}:refs/heads/main`, `${first}:refs/heads/side`]);
    await signedIn(user, owner, signed).run(['push', '--quiet', signed, 'main', ':refs/heads/side']);

    const stale = state(owner, 'project', { 'refs/heads/main': first }, { at: now - 2 });
    expect((await publish(server.url, stale)).note).toContain('would undo a push');
    const rewind = await user.try(['push', '--force', grasp, `${first}:refs/heads/main`]);
    expect(rewind.stderr).toContain('ERR the state would undo a push');

    // Its objects are not here, so it is the push that tells.
    const third = await user.commit('Once more', { README: 'third\n' });
    const revived = { 'refs/heads/main': second, 'refs/heads/side': third };
    await publish(server.url, state(owner, 'project', revived, { at: now - 1 }));
    const revival = await user.try(['push', grasp, `${third}:refs/heads/side`]);
    expect(revival.stderr).toContain('a push deleted it');
    const refs = await user.run(['ls-remote', signed, 'refs/heads/*']);
    expect(refs.trim()).toBe(`${second}\trefs/heads/main`);
  } finally {
    await server.close();
  }
});
