import { describe, expect, it } from 'vitest';
import { GitPlaces } from '../../../src/transfer/git-places.ts';

const never = new AbortController().signal;

describe('places for git', () => {
  it('go to no repository beyond its share', async () => {
    const places = new GitPlaces(8, 0);
    const busy = [await places.acquire('busy', never), await places.acquire('busy', never)];
    await expect(places.acquire('busy', never)).rejects.toMatchObject({ kind: 'busy' });
    const other = await places.acquire('other', never);
    for (const release of [...busy, other]) release();
    (await places.acquire('busy', never))();
  });

  it('are at least one a repository', async () => {
    const places = new GitPlaces(1, 0);
    const release = await places.acquire('a', never);
    await expect(places.acquire('b', never)).rejects.toMatchObject({ kind: 'busy' });
    release();
    (await places.acquire('b', never))();
  });

  it('are waited for in a bounded queue', async () => {
    const places = new GitPlaces(4, 1);
    const first = await places.acquire('a', never);
    const second = places.acquire('a', never);
    await expect(places.acquire('a', never)).rejects.toMatchObject({ kind: 'busy' });
    first();
    (await second)();
  });

  it('are left by those who go while they wait for one of the whole process', async () => {
    const places = new GitPlaces(1, 5);
    const release = await places.acquire('a', never);
    const gone = new AbortController();
    const waiting = places.acquire('b', gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    release();
    (await places.acquire('b', never))();
  });

  it('keep a repository to its share although a place was given back twice', async () => {
    const places = new GitPlaces(4, 0);
    const first = await places.acquire('a', never);
    first();
    const second = await places.acquire('a', never);
    first();
    await expect(places.acquire('a', never)).rejects.toMatchObject({ kind: 'busy' });
    second();
    (await places.acquire('a', never))();
  });
});
