import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { joinedProgram } from './join-programs.ts';

/** The write of a push at which a server is killed. */
export interface KillAt {
  /** How its key ends, among those of repositories; `log`: an entry of the event log. */
  readonly ending: '.pack' | '.bag' | '.idx' | '.json' | '.bitmap' | '.graph' | '/fold' | '/pointer' | 'log';
  /** The first such write of the server, the second one, and so on. */
  readonly ordinal: number;
  /** `during`: it has been begun, and may or may not be finished. */
  readonly moment: 'before' | 'during' | 'after';
}

export interface KillingServer extends AsyncDisposable {
  readonly url: string;
  /** The signal that ended it, once it has ended; a server that goes on running is killed after `patience` ms. */
  died(patience: number): Promise<'killed itself' | 'had to be killed'>;
}

/** Starts a server over a data folder, in a process that kills itself with SIGKILL at one write. */
export async function spawnKillingServer(
  folders: { readonly data: string; readonly cache: string },
  at: KillAt,
): Promise<KillingServer> {
  const args = [
    joinedProgram('killing-server'),
    folders.data,
    folders.cache,
    at.ending,
    String(at.ordinal),
    at.moment,
  ];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const died = async (patience: number) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, patience);
    await ended;
    clearTimeout(timer);
    return late ? 'had to be killed' : 'killed itself';
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^listening on (\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    return {
      url,
      died,
      [Symbol.asyncDispose]: async () => {
        await died(0);
      },
    };
  }
  throw new Error(`the server ended before it listened, with ${child.exitCode ?? child.signalCode}`);
}
