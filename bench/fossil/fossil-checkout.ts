import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fossil, fossilUser } from './fossil-program.ts';

/** A clone of a repository by the stock client, opened in a folder, without autosync: what is measured is asked for. */
export class FossilCheckout {
  private readonly home: string;
  private readonly folder: string;
  private readonly url: string;
  private checkIns = 0;

  private constructor(home: string, folder: string, url: string) {
    this.home = home;
    this.folder = folder;
    this.url = url;
  }

  /** Clones into a folder that is not there yet. @param home folder for settings of the stock client */
  static async clone(home: string, folder: string, url: string): Promise<FossilCheckout> {
    await mkdir(folder, { recursive: true });
    const repository = join(folder, 'clone.fossil');
    await fossil(home, ['clone', '--admin-user', fossilUser, url, repository]);
    const checkout = new FossilCheckout(home, join(folder, 'files'), url);
    await mkdir(checkout.folder);
    await checkout.run(['open', repository]);
    await checkout.run(['settings', 'autosync', 'off']);
    return checkout;
  }

  /** Makes a check-in of one new file, which is not timed. It stays in the clone without autosync. */
  async checkIn(): Promise<void> {
    this.checkIns++;
    const name = `new-${this.checkIns}.txt`;
    await writeFile(join(this.folder, name), `what check-in ${this.checkIns} adds\n`);
    await this.run(['add', name]);
    await this.run(['commit', '--no-warnings', '-m', `Add ${name}`]);
  }

  /** Does some work with autosync: before a check-in the stock client looks for others' and locks its parent, afterwards it pushes. */
  async withAutosync<T>(work: () => Promise<T>): Promise<T> {
    await this.run(['settings', 'autosync', 'on']);
    const result = await work();
    await this.run(['settings', 'autosync', 'off']);
    return result;
  }

  /** Seconds that `fossil push` takes. */
  async push(): Promise<number> {
    return (await this.run(['push', this.url, '--once'])).seconds;
  }

  /** Seconds that `fossil sync` takes. */
  async sync(): Promise<number> {
    return (await this.run(['sync', this.url, '--once'])).seconds;
  }

  private run(args: readonly string[]) {
    return fossil(this.home, args, { cwd: this.folder });
  }
}

/** Milliseconds in which a server does what it does behind its answer, so that it falls on nobody else's time. */
export const AFTERMATH_MS = 200;

/** Waits until a server has done what it does behind its answer. */
export const aftermath = () => setTimeout(AFTERMATH_MS);
