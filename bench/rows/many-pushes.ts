import { CairnError } from '../../src/lib/errors.ts';
import { CurveBook } from '../curves.ts';
import { git } from '../git-client.ts';
import { type GitObject, packOf } from '../git-objects.ts';
import { GrowingHistory, type Step } from '../growing-history.ts';
import { settled } from '../process-figures.ts';
import { rawClone, rawLsRemote } from '../raw-client.ts';
import { rawPush } from '../raw-push.ts';
import type { OwnHosts } from '../stage.ts';
import { checkpoints, noteInTurns, progress } from './in-turns.ts';
import type { Contest, RowGroup } from './row.ts';

const BRANCH = 'refs/heads/main';
/** Pushes at each point of the curves that both servers take in turns. */
const TIMED = 7;
/** After so many pushes the reference is asked whether it wants to tidy up; with `receive.autogc` each push would ask. */
const UPKEEP_EVERY = 1_000;

/**
 * A repository that grows by one small push after another, and how it feels on the way and at the end. Cairn takes every
 * push as such. On the reference, pushes that are not timed are put into place as receive-pack would leave them (loose
 * objects and a ref), because thousands of them would take it longer than Cairn.
 */
export function manyPushes(pushes: number): RowGroup {
  return {
    rows: [
      { name: 'many-pushes-clone/file', unit: 'ms', value: 'clone', goal: 1.2 },
      { name: 'many-pushes-clone-vs-folded/file', unit: 'ms', value: 'cloneAgainstFolded' },
      { name: 'many-pushes-push/file', unit: 'ms', value: 'push' },
      { name: 'many-pushes-ls-remote/file', unit: 'ms', value: 'lsRemote' },
      { name: 'many-pushes-rate/file', unit: 'pushes/s', value: 'rate', alone: true },
    ],
    runs: 7,
    warmUps: 2,
    async prepare(stage) {
      const hosts = await stage.freshHosts('file', 'cgid');
      const close = async () => {
        await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
      };
      try {
        const grown = await Growth.begin(hosts);
        const curves = await grow(grown, pushes);
        await settled(hosts.cairn.pid);
        const packed = await freshlyPacked(hosts, grown, stage.scratch('same-history'));
        return { ...finalContest(grown, packed), curves, close };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

/** The repository on both servers, which are pushed the same commits. */
class Growth {
  readonly #hosts: OwnHosts;
  readonly #history = new GrowingHistory(11);
  readonly cairn: string;
  readonly reference: string;
  /** Everything pushed so far. */
  readonly objects: GitObject[] = [];
  /** What the reference has not got yet. */
  #behind: GitObject[] = [];
  tip = '';
  pushes = 0;
  /** Seconds of pushes that Cairn took in a row, and how many they were. */
  inRow = { seconds: 0, pushes: 0 };

  private constructor(hosts: OwnHosts, cairn: string, reference: string) {
    this.#hosts = hosts;
    this.cairn = cairn;
    this.reference = reference;
  }

  static async begin(hosts: OwnHosts): Promise<Growth> {
    return new Growth(hosts, await hosts.cairn.create('grown'), await hosts.reference.create('grown'));
  }

  #next(): Step {
    const step = this.#history.next();
    this.objects.push(...step.objects);
    this.tip = step.oid;
    this.pushes++;
    return step;
  }

  /** One push, by the client that believes only a report. */
  async #push(url: string, { parent, oid, entries }: Step): Promise<number> {
    return rawPush(url, [{ name: BRANCH, from: parent, to: oid }], packOf(entries));
  }

  /** Pushes to Cairn, one after another, until it has taken so many; the reference is brought up to them. */
  async growTo(pushes: number): Promise<void> {
    while (this.pushes < pushes) {
      const step = this.#next();
      const seconds = await this.#push(this.cairn, step);
      this.inRow = { seconds: this.inRow.seconds + seconds, pushes: this.inRow.pushes + 1 };
      this.#behind.push(...step.objects);
      if (this.pushes % UPKEEP_EVERY === 0) await this.#catchUp();
    }
    await this.#catchUp();
  }

  /** The next push, to one server and then to the other. */
  inTurns(): { cairn: () => Promise<number>; reference: () => Promise<number> } {
    let step: Step | undefined;
    return {
      cairn: async () => {
        step = this.#next();
        return this.#push(this.cairn, step);
      },
      reference: async () => {
        if (step === undefined) throw new CairnError('invalid', 'Cairn is always pushed to first');
        return this.#push(this.reference, step);
      },
    };
  }

  async #catchUp(): Promise<void> {
    const objects = this.#behind;
    this.#behind = [];
    if (objects.length === 0) return;
    await this.#hosts.reference.change('grown', async (path) => {
      // Nobody waits for these writes, so they need not be synced one by one.
      const there = ['--git-dir', path, '-c', 'core.fsync=none'];
      await git([...there, 'unpack-objects', '-q'], { input: [packOf(objects)] });
      await git([...there, 'update-ref', BRANCH, this.tip]);
      await git([...there, '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet']);
    });
  }
}

async function grow(grown: Growth, pushes: number) {
  const book = new CurveBook('pushes');
  for (const at of checkpoints(pushes)) {
    await grown.growTo(at - TIMED);
    const push = grown.inTurns();
    await noteInTurns(book, at, { operation: 'push', times: TIMED, ...push });
    await noteInTurns(book, at, {
      operation: 'ls-remote',
      times: 5,
      cairn: async () => (await rawLsRemote(grown.cairn)).seconds,
      reference: async () => (await rawLsRemote(grown.reference)).seconds,
    });
    await noteInTurns(book, at, {
      operation: 'clone',
      times: 3,
      // Each of a state that nobody has cloned yet: an answer given before would be given again.
      cairn: async () => {
        await push.cairn();
        return wholeClone(grown.cairn, grown.objects.length);
      },
      reference: async () => {
        await push.reference();
        return wholeClone(grown.reference, grown.objects.length);
      },
    });
    progress(`${at} pushes`);
  }
  return book.curves;
}

/** The same history, packed at once: on the reference, and on Cairn in a repository of its own. */
async function freshlyPacked(hosts: OwnHosts, grown: Growth, path: string) {
  await git(['init', '--quiet', '--bare', '--initial-branch=main', path]);
  await git(['-C', path, 'index-pack', '--stdin'], { input: [packOf(grown.objects)] });
  await git(['-C', path, 'update-ref', BRANCH, grown.tip]);
  const source = { path };
  return {
    cairn: await hosts.cairn.add('packed', source),
    reference: await hosts.reference.add('packed', source),
  };
}

function finalContest(grown: Growth, packed: { cairn: string; reference: string }): Contest {
  const { inRow } = grown;
  const packedObjects = grown.objects.length;
  const push = grown.inTurns();
  return {
    async cairn() {
      const clone = await wholeClone(grown.cairn, grown.objects.length);
      return {
        clone,
        cloneAgainstFolded: clone,
        push: await push.cairn(),
        lsRemote: (await rawLsRemote(grown.cairn)).seconds,
        rate: inRow.pushes / inRow.seconds,
      };
    },
    async reference() {
      return {
        clone: await wholeClone(packed.reference, packedObjects),
        cloneAgainstFolded: await wholeClone(packed.cairn, packedObjects),
        push: await push.reference(),
        lsRemote: (await rawLsRemote(grown.reference)).seconds,
      };
    },
  };
}

/** Seconds of a clone; throws when it is sent fewer objects than have been pushed. */
async function wholeClone(url: string, expected: number): Promise<number> {
  const { seconds, objects } = await rawClone(url);
  if (objects < expected) throw new CairnError('corrupt', `${url} sent ${objects} of ${expected} objects`);
  return seconds;
}
