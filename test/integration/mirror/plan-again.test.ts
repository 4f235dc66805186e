/** A source that loses what it has listed, behind a conversation over one process: a folder, as over SSH. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { type MirrorOptions, sync } from '../../../src/mirror/mirror.ts';
import { silent } from '../../../src/mirror/observer.ts';
import { mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';

it.each(['auto', 0, 1] as const)(
  'a folder that changes while it is read is planned again (protocol %s)',
  async (protocol) => {
    await using rig = await mirrorRig();
    await rig.author.commit('One', { file: '1\n' });
    await rig.author.run(['push', '--quiet', 'origin', 'main']);
    await rig.author.commit('Two', { file: '2\n' });
    await rig.author.run(['push', '--quiet', 'origin', 'main']);
    let changes = 0;
    const change = () => {
      if (changes++ > 0) return;
      const git = (...args: string[]) => execFileSync('git', args, { cwd: rig.source.folder });
      git('update-ref', 'refs/heads/main', 'refs/heads/main~1');
      git('-c', 'gc.pruneExpire=now', 'gc', '--quiet', '--prune=now');
    };
    const notices: string[] = [];
    const options: MirrorOptions = {
      source: { address: rig.source.folder },
      target: { address: rig.target.folder },
      scratchFolder: rig.folder,
      protocol,
      observer: {
        ...silent,
        phase: (phase) => phase === 'counting' && change(),
        notice: (text) => void notices.push(text),
      },
    };
    const result = await sync(options);
    expect([result.outcome, result.problem, result.attempts, notices]).toEqual(['ok', undefined, 2, notices]);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  },
);
