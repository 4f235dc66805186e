import { Launcher } from '../../src/git-process/launcher.ts';
import { atFileEnd } from './file-end.ts';

let launcher: Launcher | undefined;

/** The launcher of all servers that the tests of one file start. Each would start one of its own, which is a process of Node.js. */
export function launcherOfFile(): Launcher {
  if (launcher === undefined) {
    launcher = new Launcher();
    atFileEnd(async () => {
      const ended = launcher;
      launcher = undefined;
      await ended?.close();
    });
  }
  return launcher;
}
