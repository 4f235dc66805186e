/**
 * The grace of an object counts from the last time that a ref reached it, by however many links: against a model, with packs made by
 * hand that bring what they like of what they link to, and with pushes in the middle of folds, on two servers.
 */
import { describe, expect, it } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file/file.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { onSnapshot } from '../helpers/folded.ts';
import {
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
} from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const GRACE_DAYS = 7;
/** Days by which the clock of one server is off, and the real time that a test may take. */
const CLOCK_OFF = 0.01;
const MAIN = 'refs/heads/main';
const NAMES = ['refs/heads/a', 'refs/heads/b', 'refs/tags/c', 'refs/notes/d', 'refs/pull/1/head'];

type Type = RawObject['type'];

interface Known {
  readonly object: RawObject;
  readonly links: readonly string[];
}

/** What the servers should have: who links to whom, what refs name, and when they reached each object last. */
class Model {
  readonly objects = new Map<string, Known>();
  readonly refs = new Map<string, string>();
  readonly lastReached = new Map<string, number>();
  day = 0;

  add(object: RawObject, links: readonly string[] = []): string {
    const id = objectId(object);
    this.objects.set(id, { object, links });
    return id;
  }

  /** An object and all that it leads to. */
  closure(...tips: readonly string[]): Set<string> {
    const reached = new Set(tips);
    for (const id of reached) for (const link of this.objects.get(id)?.links ?? []) reached.add(link);
    return reached;
  }

  /** Whether the grace of an object, or more, lies before it. */
  isKept(id: string): boolean {
    const last = this.lastReached.get(id);
    return last !== undefined && this.day - last < GRACE_DAYS - 3 * CLOCK_OFF;
  }

  note(): void {
    for (const id of this.closure(...this.refs.values())) this.lastReached.set(id, this.day);
  }

  ids(type: Type): string[] {
    return [...this.objects].flatMap(([id, { object }]) => (object.type === type ? id : []));
  }
}

class World implements AsyncDisposable {
  readonly random: SeededRandom;
  readonly model = new Model();
  readonly done: string[] = [];
  readonly id: RepositoryId;
  private readonly servers: App[] = [];
  private readonly clocks = [new ShiftedClock(), new ShiftedClock()];
  private readonly seed: number;
  private store: FaultyStore | undefined;
  private folder: TempDir | undefined;
  private made = 0;
  /** The server that pushes go to, if not to any. */
  private pushesTo: number | undefined;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
    this.id = repositoryId(OWNER, `links-${seed}`);
  }

  /** @param kept where: on the disk or in memory */
  async open(kept: 'on disk' | 'in memory'): Promise<void> {
    this.folder = await tempDir();
    const inner = kept === 'on disk' ? await FileObjectStore.open(this.folder.path) : new MemoryObjectStore();
    this.store = new FaultyStore(inner);
    this.clocks[1]?.advanceDays(this.random.pick([-CLOCK_OFF, CLOCK_OFF]));
    for (const clock of this.clocks)
      this.servers.push(await startServer({ store: this.store, overrides: { background: false, clock } }));
    const root = this.model.add(commitObject(this.newTree(false), [], 'Root'), this.model.ids('tree'));
    expect(await this.point(MAIN, root, this.model.closure(root))).toBe('ok');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server.close();
    await this.store?.close();
    await this.folder?.[Symbol.asyncDispose]();
  }

  async step(): Promise<void> {
    const what = this.random.pick([
      'come',
      'visit',
      'visit',
      'leave',
      'leave',
      'fold',
      'race',
      'time',
      'time',
    ] as const);
    if (what === 'visit') await this.visit();
    else if (what === 'fold') await this.fold();
    else if (what === 'race') await this.race();
    else if (what === 'time') this.pass(this.random.pick([0.5, 2, 3, 5, 6.5]));
    else await this[what]();
  }

  /** Something comes and goes, and no fold sees it. */
  private async visit(): Promise<void> {
    const free = NAMES.filter((name) => !this.model.refs.has(name));
    const name = this.random.pick(free.length > 0 ? free : NAMES);
    await this.come(name);
    await this.leave(name);
  }

  /** Something new, or old, comes to a ref. */
  private async come(name = this.random.pick(NAMES)): Promise<void> {
    const { random, model } = this;
    const known = new Set(model.objects.keys());
    const type = name.startsWith('refs/heads/')
      ? 'commit'
      : random.pick(['commit', 'tree', 'blob', 'tag'] as const);
    const old = random.below(8) === 0 ? model.ids(type) : [];
    const tip = old.length > 0 ? random.pick(old) : this.create(type);
    const brings = random.pick(['all', 'new', 'new', 'some'] as const);
    const brought = [...model.closure(tip)].filter(
      (id) => brings === 'all' || !known.has(id) || (brings === 'some' && random.below(2) === 0),
    );
    await this.point(name, tip, new Set(brought));
  }

  async leave(which?: string): Promise<void> {
    const names = [...this.model.refs.keys()].filter((name) => name !== MAIN);
    if (names.length === 0) return;
    const name = which ?? this.random.pick(names);
    if (!names.includes(name)) return;
    this.done.push(`delete ${name}`);
    const from = this.model.refs.get(name) ?? '';
    this.model.note();
    expect(reportOf(await push(this.url(), pushHead([{ name, from }])))).toEqual(['unpack ok', `ok ${name}`]);
    this.model.refs.delete(name);
  }

  pass(days: number): void {
    this.done.push(`${days} days`);
    this.model.note();
    this.model.day += days;
    for (const clock of this.clocks) clock.advanceDays(days);
    this.model.note();
  }

  async fold(at = this.random.below(this.servers.length)): Promise<void> {
    this.done.push(`fold on ${at}`);
    await this.servers[at]?.fold(this.id);
    await this.check();
  }

  /** Others push while a fold is at work: when it writes what it has made, or just before it publishes. */
  private async race(): Promise<void> {
    const { store, random } = this;
    const before = random.pick([/\.pack$/, /\.idx$/, /\/pointer$/]);
    const steps = 1 + random.below(4);
    const at = random.below(this.servers.length);
    // While a server swaps, others who want to publish there wait.
    if (before.test('/pointer')) this.pushesTo = 1 - at;
    store?.next(({ operation, key }) => operation === 'put' && before.test(key), {
      does: 'run',
      before: async () => {
        for (let step = 0; step < steps; step++)
          await this[random.pick(['come', 'visit', 'leave'] as const)]();
        this.done.push('so far while');
      },
    });
    await this.fold(at);
    store?.reset();
    this.pushesTo = undefined;
  }

  /** Whatever a ref has reached within the grace period is there. */
  async check(): Promise<void> {
    const ids = [...this.model.objects.keys()];
    const there = await this.there(ids);
    const lost = ids.filter((id) => this.model.isKept(id) && !there.has(id));
    const told = lost.map((id) => `${this.model.objects.get(id)?.object.type} ${id}`);
    expect(told, `seed ${this.seed}: ${this.done.join(', ')}`).toEqual([]);
  }

  /** Those of the objects that readers find. */
  async there(ids: readonly string[]): Promise<Set<string>> {
    const [server] = this.servers as [App];
    const found = await onSnapshot(server, this.id, (git) =>
      git.run(['cat-file', '--batch-check'], { input: `${ids.join('\n')}\n` }),
    );
    return new Set(found.split('\n').flatMap((line) => (line.endsWith(' missing') ? [] : line.slice(0, 40))));
  }

  /** Points a ref at an object. What is not brought and is within its grace has to be found. */
  private async point(name: string, tip: string, brought: ReadonlySet<string>): Promise<string> {
    const { model } = this;
    const told = [...brought].map((id) => id.slice(0, 4)).join(' ');
    this.done.push(
      `${name} to ${model.objects.get(tip)?.object.type} ${tip.slice(0, 4)} with ${told || 'nothing'}`,
    );
    const from = model.refs.get(name);
    if (from === tip) return 'ok';
    const head = pushHead([{ name, to: tip, ...(from === undefined ? {} : { from }) }]);
    const objects = [...brought].flatMap((id) => model.objects.get(id)?.object ?? []);
    const report = reportOf(await push(this.url(), Buffer.concat([head, packOf(objects)])));
    const ok = report.includes(`ok ${name}`);
    const found = [...model.closure(tip)].every((id) => brought.has(id) || model.isKept(id));
    if (found)
      expect(report, `seed ${this.seed}: ${this.done.join(', ')}`).toEqual(['unpack ok', `ok ${name}`]);
    if (!ok) return report.join(', ');
    model.note();
    model.refs.set(name, tip);
    model.note();
    return 'ok';
  }

  private url(): string {
    const at = this.pushesTo ?? this.random.below(this.servers.length);
    return repositoryUrl(this.servers[at] as App, this.id.identifier);
  }

  /** An object of a type that there was before: rather one that no ref reaches now. */
  private old(type: Type): string {
    const ids = this.model.ids(type);
    const reached = this.model.closure(...this.model.refs.values());
    const left = ids.filter((id) => !reached.has(id) && this.model.isKept(id));
    return this.random.pick(left.length > 0 && this.random.below(4) > 0 ? left : ids);
  }

  private create(type: Type): string {
    const { random, model } = this;
    if (type === 'blob') return this.newBlob();
    if (type === 'tree') return this.newTree(true);
    if (type === 'tag') return this.newTag();
    const parents = [0, 1].slice(random.below(2)).map(() => this.old('commit'));
    const distinct = [...new Set(parents)];
    const tree = random.below(2) === 0 ? this.old('tree') : this.newTree(true);
    return model.add(commitObject(tree, distinct, `Commit ${this.made++}`), [tree, ...distinct]);
  }

  private newBlob(): string {
    return this.model.add({ type: 'blob', content: Buffer.from(`${this.seed} file ${this.made++}\n`) });
  }

  /** @param mixed true: with files and folders that there were before */
  private newTree(mixed: boolean): string {
    const { random, model } = this;
    const file = mixed && random.below(2) === 0 ? this.old('blob') : this.newBlob();
    const folder = mixed && random.below(2) === 0 ? this.old('tree') : undefined;
    const entry = (mode: string, name: string, id: string) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
    const content = Buffer.concat([
      entry('100644', `a${this.made++}`, file),
      ...(folder === undefined ? [] : [entry('40000', 'b', folder)]),
    ]);
    return model.add({ type: 'tree', content }, [file, ...(folder === undefined ? [] : [folder])]);
  }

  private newTag(): string {
    const { random, model } = this;
    const type = random.pick(['commit', 'tree', 'blob'] as const);
    const of = this.old(type);
    const text = `object ${of}\ntype ${type}\ntag v${this.made++}\ntagger A <a@example.com> 1700000000 +0000\n\nA tag\n`;
    return model.add({ type: 'tag', content: Buffer.from(text) }, [of]);
  }
}

describe('the grace period of linked objects (issue 11, point 4)', () => {
  it.each([
    [3, 'in memory'],
    [5, 'in memory'],
    [13, 'in memory'],
    [4, 'on disk'],
  ] as const)('begins when no ref led to them any more (seed %i, %s)', async (seed, kept) => {
    await using world = new World(seed);
    await world.open(kept);
    for (let step = 0; step < 40; step++) await world.step();
    const { model } = world;
    while (model.refs.size > 1) await world.leave();
    await world.fold();
    for (let n = 0; n < 3; n++) {
      world.pass(GRACE_DAYS + 1);
      await world.fold();
    }
    const reached = model.closure(...model.refs.values());
    const there = await world.there([...model.objects.keys()]);
    expect(
      [...there].filter((id) => !reached.has(id)),
      `seed ${seed}: what leaves in the end`,
    ).toEqual([]);
  });
});

describe('during a fold', () => {
  const tree: RawObject = { type: 'tree', content: Buffer.alloc(0) };
  const root = commitObject(objectId(tree), [], 'Root');
  const left = commitObject(objectId(tree), [objectId(root)], 'Left');
  const above = commitObject(objectId(tree), [objectId(left)], 'Above');

  /** Two servers, `main` at the root, and `left` left behind by a branch. What is asked for `meanwhile` goes to the other server. */
  async function rig() {
    const store = new FaultyStore(new MemoryObjectStore());
    const clock = new ShiftedClock();
    const start = () => startServer({ store, overrides: { background: false, clock } });
    const [folding, other] = [await start(), await start()];
    const id = repositoryId(OWNER, 'meanwhile');
    const url = repositoryUrl(other, id.identifier);
    const change = async (
      from: RawObject | undefined,
      to: RawObject | undefined,
      brought: RawObject[] = [],
    ) => {
      const name = to === root ? MAIN : 'refs/heads/left';
      const ids = {
        ...(from === undefined ? {} : { from: objectId(from) }),
        ...(to === undefined ? {} : { to: objectId(to) }),
      };
      const body = [pushHead([{ name, ...ids }]), ...(to === undefined ? [] : [packOf(brought)])];
      expect(reportOf(await push(url, Buffer.concat(body)))).toEqual(['unpack ok', `ok ${name}`]);
    };
    await change(undefined, root, [root, tree]);
    await change(undefined, left, [left]);
    await change(left, undefined);
    return {
      clock,
      change,
      fold: () => folding.fold(id),
      meanwhile: (what: () => Promise<void>) =>
        store.next(({ operation, key }) => operation === 'put' && key.endsWith('.pack'), {
          does: 'run',
          before: what,
        }),
      isThere: async () =>
        (await onSnapshot(folding, id, (git) => git.try(['cat-file', '-e', objectId(left)]))).exitCode === 0,
      [Symbol.asyncDispose]: async () => {
        await folding.close();
        await other.close();
      },
    };
  }

  it('an object that was pushed, built on a leaving object, and deleted keeps that object', async () => {
    await using world = await rig();
    await world.fold();
    world.clock.advanceDays(8);
    world.meanwhile(async () => {
      await world.change(undefined, above, [above]);
      await world.change(above, undefined);
    });
    await world.fold();
    expect(await world.isThere(), 'a ref led to it a moment ago').toBe(true);
    await world.fold();
    world.clock.advanceDays(6);
    await world.fold();
    expect(await world.isThere(), 'six days ago').toBe(true);
    world.clock.advanceDays(2);
    await world.fold();
    expect(await world.isThere(), 'eight days ago').toBe(false);
  });

  it('an object that was pushed, built on a waiting object, and deleted restarts its wait (issue 11, point 4)', async () => {
    await using world = await rig();
    await world.fold();
    world.clock.advanceDays(3);
    await world.change(undefined, above, [above]);
    await world.change(above, undefined);
    await world.fold();
    world.clock.advanceDays(6);
    await world.fold();
    expect(await world.isThere(), 'nine days after it was set apart, six after a ref led to it').toBe(true);
    world.clock.advanceDays(2);
    await world.fold();
    expect(await world.isThere(), 'eight days after').toBe(false);
  });

  it('an object that a ref gets is not set apart', async () => {
    await using world = await rig();
    world.meanwhile(() => world.change(undefined, left));
    await world.fold();
    world.clock.advanceDays(6);
    await world.change(left, undefined);
    world.clock.advanceDays(2);
    await world.fold();
    expect(await world.isThere(), 'two days after a ref named it').toBe(true);
    world.clock.advanceDays(8);
    await world.fold();
    expect(await world.isThere(), 'ten days after').toBe(false);
  });

  it('the grace period of an object that was pushed and deleted begins then, not with the fold', async () => {
    await using world = await rig();
    world.meanwhile(async () => {
      world.clock.advanceDays(1);
      await world.change(undefined, left);
      await world.change(left, undefined);
    });
    await world.fold();
    world.clock.advanceDays(6.5);
    await world.fold();
    expect(await world.isThere()).toBe(true);
    world.clock.advanceDays(1);
    await world.fold();
    expect(await world.isThere()).toBe(false);
  });
});
