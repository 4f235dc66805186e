/** The grace of an object counts from the last time that a ref reached it, whatever came and went before: against a model. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { lookUp } from '../helpers/folded.ts';
import {
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';

const BLOB: RawObject = { type: 'blob', content: Buffer.from('a file\n') };
const TREE = treeObject('file', objectId(BLOB));
const ROOT = commitObject(objectId(TREE), [], 'Root');
/** Each builds on the one before, so that a branch reaches those below its tip. */
const COMMITS: RawObject[] = [];
for (let n = 0; n < 3; n++) {
  COMMITS.push(commitObject(objectId(TREE), [objectId(COMMITS.at(-1) ?? ROOT)], `Commit ${n}`));
}
const GRACE_DAYS = 7;

let app: App;
let clock: ShiftedClock;

beforeAll(async () => {
  clock = new ShiftedClock();
  app = await startServer({ store: new MemoryObjectStore(), overrides: { background: false, clock } });
});
afterAll(() => app.close());

class World {
  readonly random: SeededRandom;
  readonly id;
  readonly done: string[] = [];
  private readonly url: string;
  private readonly branches = new Map<string, number>();
  /** By commit: the day on which a ref reached it last. */
  private readonly lastReached = new Map<number, number>();
  private day = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.id = repositoryId(OWNER, `grace-${seed}`);
    this.url = repositoryUrl(app, `grace-${seed}`);
  }

  async push(name: string, tip: RawObject, objects: readonly RawObject[]): Promise<string[]> {
    const head = pushHead([{ name: `refs/heads/${name}`, to: objectId(tip) }]);
    return reportOf(await push(this.url, Buffer.concat([head, packOf(objects)])));
  }

  /** A commit comes, or comes back, is perhaps folded in, leaves, and is set apart; then some days pass. */
  async step(): Promise<void> {
    const { random } = this;
    const at = random.below(COMMITS.length);
    const name = `branch-${random.below(3)}`;
    // Without a branch of that name nothing leaves; with one it stays a while longer now and then.
    if (random.below(4) > 0) await this.remove(name);
    const what = random.pick(['bring', 'name'] as const);
    await this.come(what, name, at);
    if (random.below(3) === 0) await this.fold();
    if (random.below(4) > 0) await this.remove(name);
    if (random.below(3) > 0) await this.fold();
    const days = random.pick([0.5, 3, 5, 6.5]);
    this.done.push(`${days} days`);
    this.pass(days);
    if (random.below(3) > 0) await this.fold();
  }

  private async come(what: 'bring' | 'name', name: string, at: number): Promise<void> {
    if (this.branches.has(name)) return;
    this.done.push(`${what} ${name} ${at}`);
    const objects = what === 'bring' ? COMMITS.slice(0, at + 1) : [];
    const [, line = ''] = await this.push(name, COMMITS[at] as RawObject, objects);
    if (line.startsWith('ok ')) this.branches.set(name, at);
    else expect(what, line).toBe('name');
    this.note();
  }

  pass(days: number): void {
    this.note();
    clock.advanceDays(days);
    this.day += days;
    this.note();
  }

  async fold(): Promise<void> {
    this.done.push('fold');
    await app.fold(this.id);
    for (const [at, last] of this.lastReached) {
      // A minute less: the server's clock goes on, too.
      if (this.day - last > GRACE_DAYS - 0.001) continue;
      const found = await lookUp(app, this.id, objectId(COMMITS[at] as RawObject));
      expect(found.exitCode, `commit ${at} after ${this.done.join(', ')}`).toBe(0);
    }
  }

  async remove(name: string): Promise<void> {
    const at = this.branches.get(name);
    if (at === undefined) return;
    this.done.push(`remove ${name}`);
    this.note();
    const command = { name: `refs/heads/${name}`, from: objectId(COMMITS[at] as RawObject) };
    expect(reportOf(await push(this.url, pushHead([command])))).toEqual(['unpack ok', `ok ${command.name}`]);
    this.branches.delete(name);
  }

  async drop(name: string, tip: RawObject): Promise<void> {
    const command = { name: `refs/heads/${name}`, from: objectId(tip) };
    expect(reportOf(await push(this.url, pushHead([command])))).toEqual(['unpack ok', `ok ${command.name}`]);
  }

  /** A ref comes, and goes at once. */
  async visit(name: string, tip: RawObject, objects: readonly RawObject[]): Promise<void> {
    const oid = objectId(tip);
    const come = Buffer.concat([pushHead([{ name, to: oid }]), packOf(objects)]);
    expect(reportOf(await push(this.url, come))).toEqual(['unpack ok', `ok ${name}`]);
    expect(reportOf(await push(this.url, pushHead([{ name, from: oid }])))).toEqual([
      'unpack ok',
      `ok ${name}`,
    ]);
  }

  async removeAll(): Promise<void> {
    for (const name of [...this.branches.keys()]) await this.remove(name);
  }

  private note(): void {
    for (const top of this.branches.values())
      for (let at = 0; at <= top; at++) this.lastReached.set(at, this.day);
  }
}

describe('the grace period of unreachable objects (issue 11, point 4)', () => {
  const folder = treeObject('other', objectId(BLOB));
  const tagOf = (of: RawObject) =>
    `object ${objectId(of)}\ntype ${of.type}\ntag v1\ntagger A <a@example.com> 1700000000 +0000\n\nA tag\n`;
  const file: RawObject = { type: 'blob', content: Buffer.from('left behind\n') };
  const left: RawObject = treeObject('left', objectId(file));
  it.each([
    [
      'a parent',
      commitObject(objectId(TREE), [], 'Left'),
      (it: RawObject) => commitObject(objectId(TREE), [objectId(it)]),
    ],
    ['a tree', left, (it: RawObject) => commitObject(objectId(it))],
    ['a file', file, (it: RawObject) => treeObject('again', objectId(it))],
    [
      'what a tag is of',
      folder,
      (it: RawObject): RawObject => ({ type: 'tag', content: Buffer.from(tagOf(it)) }),
    ],
  ])('restarts if another object linked to them in between, as to %s', async (_how, it, linking) => {
    const world = new World(Number.parseInt(objectId(it).slice(0, 8), 16));
    expect(await world.push('main', ROOT, [ROOT, TREE, BLOB])).toEqual(['unpack ok', 'ok refs/heads/main']);
    const there = async () => (await lookUp(app, world.id, objectId(it))).exitCode === 0;
    const visit = async (tip: RawObject, brought: readonly RawObject[]) => {
      const name = tip.type === 'commit' ? 'refs/heads/visit' : 'refs/tags/visit';
      await world.visit(name, tip, brought);
    };
    await visit(it, it === left ? [it, file] : [it]);
    await app.fold(world.id);
    clock.advanceDays(5);
    await visit(linking(it), [linking(it)]);
    clock.advanceDays(4);
    await app.fold(world.id);
    expect(await there(), 'four days after a ref led to it').toBe(true);
    clock.advanceDays(8);
    await app.fold(world.id);
    expect(await there(), 'twelve days after').toBe(false);
  });

  it.each([1, 2, 3])('begins when no ref reached them any more (seed %i)', async (seed) => {
    const world = new World(seed);
    expect(await world.push('main', ROOT, [ROOT, TREE, BLOB])).toEqual(['unpack ok', 'ok refs/heads/main']);
    for (let step = 0; step < 12; step++) await world.step();
    await world.removeAll();
    await world.fold();
    for (let n = 0; n < 3; n++) {
      world.pass(GRACE_DAYS);
      await world.fold();
    }
    for (const commit of COMMITS)
      expect((await lookUp(app, world.id, objectId(commit))).exitCode).not.toBe(0);
  });

  it.each([
    ['with a pack', COMMITS.slice(0, 1)],
    ['by name alone', []],
  ])('restarts if they came back %s and left again', async (how, objects) => {
    const world = new World(100 + objects.length);
    expect(await world.push('main', ROOT, [ROOT, TREE, BLOB])).toEqual(['unpack ok', 'ok refs/heads/main']);
    const [commit] = COMMITS as [RawObject];
    const there = async () => (await lookUp(app, world.id, objectId(commit))).exitCode === 0;
    for (const brought of [[commit], objects]) {
      expect(await world.push('one', commit, brought), how).toEqual(['unpack ok', 'ok refs/heads/one']);
      await world.drop('one', commit);
      await app.fold(world.id);
      clock.advanceDays(5);
    }
    await app.fold(world.id);
    expect(await there(), 'five days after it left').toBe(true);
    clock.advanceDays(5);
    await app.fold(world.id);
    expect(await there(), 'ten days after it left').toBe(false);
  });
});
