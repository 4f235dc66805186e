import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { packOf, push, pushHead, reportOf } from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('pushing what is here already', (openStore) => {
  // Requests are counted: none shall come from what goes on in the background.
  const cairn = hosted(openStore, { overrides: { background: false } });

  it('a push without changes writes nothing', async () => {
    const { author } = await cairn.published();
    cairn.store.reset();

    const pushed = await author.try(['push', 'origin', 'main']);

    expect(pushed).toMatchObject({ exitCode: 0, stderr: 'Everything up-to-date\n' });
    expect(cairn.store.writes()).toBe(0);
    expect(cairn.store.count()).toBeLessThanOrEqual(1);
  });

  it('a client that repeats published values writes nothing', async () => {
    const { url, repository, tip } = await cairn.published();
    const before = await repository.resolve();
    cairn.store.reset();

    const head = pushHead([{ name: 'refs/heads/main', from: tip, to: tip }]);
    const report = reportOf(await push(url, Buffer.concat([head, packOf([])])));

    expect(report).toEqual(['unpack ok', 'ok refs/heads/main']);
    expect(cairn.store.writes()).toBe(0);
    expect((await repository.resolve())?.digest).toBe(before?.digest);
  });

  it('the deletion of a missing ref writes nothing', async () => {
    const { url } = await cairn.published();
    cairn.store.reset();

    const report = reportOf(await push(url, pushHead([{ name: 'refs/heads/never' }])));

    expect(report).toEqual(['unpack ok', 'ok refs/heads/never']);
    expect(cairn.store.writes()).toBe(0);
  });

  it('a push without changes creates no repository', async () => {
    const { url, user } = await cairn.place();
    cairn.store.reset();

    await push(url, pushHead([{ name: 'refs/heads/never' }]));

    expect(cairn.store.writes()).toBe(0);
    expect((await user.try(['ls-remote', url])).stderr).toContain('repository not found');
  });
});
