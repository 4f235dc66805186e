import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../src/fossil/artifact-name.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type FossilFoldOutcome, foldFossil } from '../../src/maintenance/fold/fossil/fossil-fold.ts';
import { FossilFolding } from '../../src/maintenance/fold/fossil/fossil-folding.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Bag, BagEntry } from '../../src/repository/fossil/bag.ts';
import { ChangeShun, type ShunRequest } from '../../src/repository/fossil/change-shun.ts';
import { CreateFossil, newFossilState } from '../../src/repository/fossil/create-fossil.ts';
import { prepareArtifacts } from '../../src/repository/fossil/intake.ts';
import { COMPRESSED_BEFORE_FOLDS } from '../../src/repository/fossil/intake-limits.ts';
import type { ReceivedArtifact } from '../../src/repository/fossil/prepared-artifacts.ts';
import { publishArtifacts } from '../../src/repository/fossil/publish-artifacts.ts';
import { verifyBag } from '../../src/repository/fossil/verify-bag.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { fossilHost, listenFossil } from '../helpers/fossil-host.ts';
import { cardsOf, FossilRequests } from '../helpers/fossil-requests.ts';
import {
  checkInWith,
  clusterOf,
  delta,
  FossilRig,
  lines,
  namesOf,
  PUSHED,
  whole,
} from '../helpers/fossil-rig.ts';
import { InstantClock } from '../helpers/instant-clock.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { until } from '../helpers/until.ts';

/** A rig with a cache on disk, and what folds it. */
class FoldRig implements AsyncDisposable {
  readonly rig: FossilRig;
  readonly scratch: string;
  private readonly folder: AsyncDisposable;

  private constructor(rig: FossilRig, scratch: string, folder: AsyncDisposable) {
    this.rig = rig;
    this.scratch = scratch;
    this.folder = folder;
  }

  static async open(clock = new InstantClock()): Promise<FoldRig> {
    const folder = await tempDir('fold-fossil');
    const scratch = join(folder.path, 'scratch');
    await mkdir(scratch);
    const rig = await new FossilRig({ folder: join(folder.path, 'cache'), clock }).create();
    await rig.opened.cache.open();
    return new FoldRig(rig, scratch, folder);
  }

  get context() {
    const { rig, scratch } = this;
    const { store: control } = rig;
    // A clock that stands still would renew the lease without end.
    const clock = systemClock;
    const random = new SeededRandom(9);
    const onTrouble = (_id: unknown, error: unknown) => {
      throw error;
    };
    return { control, cache: rig.opened.cache, scratch, clock, random, holder: 'test', onTrouble };
  }

  fold(mode: 'due' | 'full' = 'full'): Promise<FossilFoldOutcome> {
    return foldFossil(this.context, this.rig.repository, mode);
  }

  async shun(request: ShunRequest): Promise<void> {
    const { repository } = this.rig;
    await repository.publisher.join(new ChangeShun(repository, request, repository.mark()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig.opened.cache.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

async function contentsOf(bag: Bag): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  for (const name of namesOf(bag)) contents.set(name, Buffer.from(await bag.content(name)).toString());
  return contents;
}

describe('a large push', () => {
  it('is stored without compressing it, which the fold does once', async () => {
    await using folds = await FoldRig.open();
    const { rig } = folds;
    const texts = Array.from({ length: 60 }, (_, at) =>
      whole(`${at} ${'of a text that repeats itself '.repeat(20)}`),
    );
    await rig.push(texts.slice(0, 10));
    const small = (await rig.bag()).state.packs[0]?.pack.size ?? 0;
    await rig.push(texts, { compressed: COMPRESSED_BEFORE_FOLDS });
    const before = await rig.bag();
    const sizeOf = (bag: Bag) => bag.state.packs.reduce((sum, { pack }) => sum + pack.size, 0);
    expect(small).toBeLessThan(2_500);
    expect(sizeOf(before)).toBeGreaterThan(50 * 600);
    const contents = await contentsOf(before);
    await folds.fold();
    const after = await rig.bag();
    expect(sizeOf(after)).toBeLessThan(60 * 200);
    expect(await contentsOf(after)).toEqual(contents);
    expect(await verifyBag(after)).toEqual([]);
    await folds.fold();
    expect((await rig.bag()).state.packs).toEqual(after.state.packs);
  });
});

describe('a fold of a Fossil repository', () => {
  it('combines packs into one, with the same artifacts, waiting deltas and unversioned files', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const texts = Array.from({ length: 20 }, (_, at) => whole(lines(at, 50)));
    for (const [at, text] of texts.entries()) {
      const before = texts[at - 1];
      const isPrivate = at % 5 === 4;
      await rig.push([{ ...(before === undefined || at % 3 === 0 ? text : delta(before, text)), isPrivate }]);
    }
    await rig.push([clusterOf(texts.slice(0, 5).map(({ name }) => name))]);
    await rig.push([delta(whole('absent'), whole('waits'))]);
    for (const time of [1, 2, 3]) {
      const content = Buffer.from(`version ${time}`);
      const file = { name: 'file', time, hash: nameOf(content, 'sha1'), size: content.length, content };
      await rig.push({ artifacts: [], unversioned: [file] });
    }
    const before = await rig.bag();
    const outcome = await folded.fold();
    expect(outcome).toMatchObject({ outcome: 'folded', packs: before.state.packs.length });
    for (const bag of [await rig.bag(), await rig.another().bag()]) {
      expect(bag.state.packs).toMatchObject([{ kind: 'fold' }]);
      expect(await contentsOf(bag)).toEqual(await contentsOf(before));
      expect(bag.state.artifacts).toBe(before.state.artifacts);
      expect(bag.unclusteredCount).toBe(before.unclusteredCount);
      expect(bag.wanted(10)).toEqual(before.wanted(10));
      expect(await bag.unversioned()).toEqual(await before.unversioned());
      expect(bag.view.contents.size).toBe(1);
      expect(await verifyBag(bag)).toEqual([]);
    }
    expect(await folded.fold()).toEqual({ outcome: 'nothing to do' });
    // The delta still becomes an artifact, and whoever reads the state before still can.
    await rig.push([whole('absent')]);
    expect((await rig.bag()).find(whole('waits').name)).toBeDefined();
    expect(await verifyBag(before)).toEqual([]);
    expect(await readdir(folded.scratch)).toEqual([]);
  });

  it('happens after sixteen packs, and leaves large folded packs alone', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    await rig.push(Array.from({ length: 200 }, (_, at) => whole(lines(at, 100))));
    await rig.push([whole('another pack')]);
    await folded.fold();
    for (let at = 0; at < 15; at++) await rig.push([whole(`text ${at}`)]);
    expect(await folded.fold('due')).toEqual({ outcome: 'nothing to do' });
    await rig.push([whole('text 15')]);
    expect(await folded.fold('due')).toMatchObject({ outcome: 'folded', packs: 16, records: 16 });
    expect((await rig.bag()).state.packs.map(({ kind }) => kind)).toEqual(['fold', 'fold']);
  });

  it('continues if artifacts arrive meanwhile, which may be deltas of copied ones', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const [one, two, three] = [whole(lines(0, 50)), whole(lines(1, 50)), whole(lines(2, 50))];
    await rig.push([one]);
    await rig.push([two]);
    const other = rig.another();
    const prepared = await prepareArtifacts(await other.bag(), [delta(two, three)]);
    // The push is published while the fold is about to swap.
    rig.store.next(({ key, mode }) => key.endsWith('/pointer') && mode === 'replace', {
      does: 'run',
      before: async () => void (await publishArtifacts(other.repository, prepared, PUSHED)),
    });
    expect(await folded.fold()).toMatchObject({ outcome: 'folded', packs: 2 });
    const bag = await rig.another().bag();
    expect(bag.state.packs.map(({ kind }) => kind)).toEqual(['fold', 'push']);
    expect(bag.count).toBe(3);
    expect(await verifyBag(bag)).toEqual([]);
  });

  it('drops shunned artifacts, and stores their deltas whole', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const [one, two, three] = [whole(lines(0, 50)), whole(lines(1, 50)), whole(lines(2, 50))];
    await rig.push([one]);
    await rig.push([delta(one, two), delta(two, three)]);
    await folded.shun({ shun: [one.name] });
    expect(await folded.fold()).toMatchObject({ outcome: 'folded', records: 2 });
    const bag = await rig.another().bag();
    expect(bag.slotOf(one.name) === 0 ? bag.view.table.lengthOf(0) : 0).toBe(0);
    expect(bag.find(three.name)).toMatchObject({ source: two.name });
    expect(bag.find(two.name)?.source).toBeUndefined();
    expect(await verifyBag(bag)).toEqual([]);
    // It is gone for good, and may come again once it is shunned no more.
    await folded.shun({ unshun: [one.name] });
    expect((await rig.bag()).find(one.name)).toBeUndefined();
    await rig.push([one]);
    expect((await rig.bag()).find(one.name)).toBeDefined();
  });

  it('keeps shunned artifacts while a pack outside the fold needs them, and a push prepared before is prepared again', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const [one, two, three] = [whole(lines(0, 50)), whole(lines(1, 50)), whole(lines(2, 50))];
    await rig.push([one, two]);
    const other = rig.another();
    const prepared = await prepareArtifacts(await other.bag(), [delta(one, three)]);
    await folded.shun({ shun: [one.name] });
    await folded.fold();
    const { added, bag } = await publishArtifacts(other.repository, prepared, PUSHED);
    // Its source has left for good, so it waits, and nothing is broken.
    expect(added).toEqual([]);
    expect(bag.isWaiting(three.name)).toBe(true);
    expect(await verifyBag(await rig.another(3).bag())).toEqual([]);
  });

  it('keeps the day of deltas that wait, and leaves them out in the end', async () => {
    const DAY = 86_400_000;
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const [source, target] = [whole(lines(0, 50)), whole(lines(1, 50))];
    await rig.push([delta(source, target)]);
    await rig.push([whole('one')]);
    rig.clock.advance(31 * DAY);
    await folded.fold();
    expect((await rig.another().bag()).isWaiting(target.name)).toBe(true);
    rig.clock.advance(DAY);
    expect(await folded.fold()).toMatchObject({ outcome: 'folded' });
    const bag = await rig.another().bag();
    expect([bag.isWaiting(target.name), bag.count]).toEqual([false, 1]);
    expect(await verifyBag(bag)).toEqual([]);
  });

  it('gives deltas that wait since before their day was kept the day of the fold', async () => {
    const DAY = 86_400_000;
    await using folded = await FoldRig.open(new InstantClock(0));
    const { rig } = folded;
    const [source, target] = [whole(lines(0, 50)), whole(lines(1, 50))];
    await rig.push([delta(source, target)]);
    rig.clock.advance(1_000 * DAY);
    await rig.push([whole('one')]);
    await folded.fold();
    expect((await rig.another().bag()).isWaiting(target.name)).toBe(true);
    rig.clock.advance(30 * DAY);
    await rig.push([whole('two')]);
    expect((await rig.another().bag()).isWaiting(target.name)).toBe(true);
    rig.clock.advance(DAY);
    await rig.push([whole('three')]);
    expect((await rig.another().bag()).isWaiting(target.name)).toBe(false);
  });

  it('on two servers is done by one', async () => {
    await using folded = await FoldRig.open();
    const { rig, context } = folded;
    await rig.push([whole('one')]);
    await rig.push([whole('two')]);
    const other = { ...context, holder: 'other' };
    const outcomes = await Promise.all([folded.fold(), foldFossil(other, rig.another().repository, 'full')]);
    const folds = outcomes.filter(({ outcome }) => outcome === 'folded');
    expect(folds.length).toBe(1);
    expect(await verifyBag(await rig.another(3).bag())).toEqual([]);
  });

  it('follows publishes automatically', async () => {
    await using folded = await FoldRig.open();
    const { rig, context } = folded;
    const ends: string[] = [];
    const folding = new FossilFolding({
      ...context,
      repositories: rig.opened.fossil,
      log: createLogger('silent'),
      observer: { ended: (end) => ends.push(end) },
      automatic: true,
    });
    for (let at = 0; at < 40; at++) {
      const { committed } = await rig.push([whole(`text ${at}`)]);
      if (committed?.manifest !== undefined) folding.published(rig.repository.id, committed.manifest);
      await folding.idle();
    }
    expect(ends).toEqual(['folded', 'folded']);
    const bag = await rig.another().bag();
    expect(bag.state.packs.length).toBeLessThan(16);
    expect(bag.count).toBe(40);
    await folding.close();
  });

  it('waits until a repository is quiet, unless very many packs have come', async () => {
    await using folded = await FoldRig.open();
    const { context, rig } = folded;
    const ends: string[] = [];
    const quiet = 10_000_000;
    let now = 0;
    const clock: Clock = {
      now: () => systemClock.now(),
      monotonic: () => now,
      sleep: (milliseconds, signal) => systemClock.sleep(Math.min(milliseconds, 20), signal),
    };
    const folding = new FossilFolding({
      ...context,
      clock,
      quiet,
      repositories: rig.opened.fossil,
      log: createLogger('silent'),
      observer: { ended: (end) => ends.push(end) },
      automatic: true,
    });
    const publish = async (text: string) => {
      const { committed } = await rig.push([whole(text)]);
      if (committed?.manifest !== undefined) folding.published(rig.repository.id, committed.manifest);
    };
    for (let at = 0; at < 20; at++) await publish(`text ${at}`);
    expect(ends).toEqual([]);
    now += quiet;
    await folding.idle();
    expect(ends).toEqual(['folded']);
    for (let at = 0; at < 64; at++) await publish(`more ${at}`);
    await folding.idle();
    expect(ends).toEqual(['folded', 'folded']);
    expect((await rig.bag()).state.packs.length).toBeLessThan(3);
    await folding.close();
  });
});

describe('a fold that failed', () => {
  /** Folds of a rig by a clock that only the test moves. The store accepts no pack until `mend`. */
  async function failing(folded: FoldRig) {
    const { context, rig } = folded;
    const ends: string[] = [];
    const log: string[] = [];
    const clock = new ManualClock();
    const folding = new FossilFolding({
      ...context,
      clock,
      quiet: 3_000,
      repositories: rig.opened.fossil,
      log: createLogger('warn', { write: (line) => void log.push(line) }),
      observer: { ended: (end) => ends.push(end) },
      automatic: true,
    });
    const publish = async (repository = rig.repository, packs = 16) => {
      for (let at = 0; at < packs; at++) {
        const published = await repository.resolve();
        if (published === undefined) throw new Error('there is no repository');
        const bag = await repository.bagOf(published);
        await using prepared = await prepareArtifacts(bag, [whole(`text ${bag.count}`)]);
        const { committed } = await publishArtifacts(repository, prepared, PUSHED);
        if (committed?.manifest !== undefined) folding.published(repository.id, committed.manifest);
      }
    };
    await publish();
    let isBroken = true;
    rig.store.rules.push(({ operation, key }) =>
      isBroken && operation === 'put' && key.endsWith('.bag') ? { does: 'unavailable' } : undefined,
    );
    const mend = () => {
      isBroken = false;
    };
    /** Lets time pass until this many folds have ended. Work on the disk takes time that the clock does not know. */
    const passes = async (seconds: number, count: number) => {
      await clock.advance(seconds);
      await until(() => ends.length >= count);
      await clock.settle();
    };
    return { ends, log, clock, folding, publish, mend, passes };
  }

  it('is tried again after pauses that get longer, without a publish and without a listing', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const { ends, log, folding, mend, passes } = await failing(folded);
    await passes(3, 1);
    expect(ends).toEqual(['failed']);
    await passes(59, 1);
    expect(ends).toEqual(['failed']);
    await passes(1, 2);
    await passes(119, 2);
    expect(ends).toEqual(['failed', 'failed']);
    mend();
    await passes(1, 3);
    expect(ends).toEqual(['failed', 'failed', 'folded']);
    expect(log.flatMap((line) => JSON.parse(line).pause ?? [])).toEqual([60, 120]);
    expect((await rig.bag()).state.packs).toMatchObject([{ kind: 'fold' }]);
    expect(rig.store.log.filter(({ operation }) => operation === 'list')).toEqual([]);
    await folding.idle();
    expect(folding.queued).toBe(0);
  });

  it('is not tried sooner after publishes, and delays no other repository', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const { ends, clock, folding, publish, mend, passes } = await failing(folded);
    await passes(3, 1);
    mend();
    await publish(rig.repository, 64);
    await clock.advance(10);
    expect(ends).toEqual(['failed']);
    const repository = rig.opened.fossil.get(repositoryId('a'.repeat(64), 'another'));
    const state = newFossilState(repository.id, '2'.repeat(32), { projectName: 'another' });
    await repository.publisher.join(new CreateFossil(state, repository.mark()));
    await publish(repository);
    await passes(3, 2);
    expect(ends).toEqual(['failed', 'folded']);
    expect((await repository.resolve())?.manifest.packs).toMatchObject([{ kind: 'fold' }]);
    await passes(47, 3);
    expect(ends).toEqual(['failed', 'folded', 'folded']);
    expect((await rig.bag()).state.packs).toMatchObject([{ kind: 'fold' }]);
    await folding.close();
  });

  it('ends its pause when the server stops', async () => {
    await using folded = await FoldRig.open();
    const { folding, ends, passes } = await failing(folded);
    await passes(3, 1);
    await folding.close();
    await folding.idle();
    expect([ends, folding.queued]).toEqual([['failed'], 0]);
  });
});

describe('whole versions', () => {
  const VERSIONS = 130;

  /** A project of many versions of one file, each with its check-in, all of them whole. */
  async function versions(rig: FossilRig): Promise<void> {
    let parent: ReceivedArtifact | undefined;
    const artifacts: ReceivedArtifact[] = [];
    for (let version = 0; version < VERSIONS; version++) {
      const other = Object.fromEntries(FILES.map((name) => [name, whole(name)]));
      const file = whole(`${lines(0, 60)}version ${version}\n${noise(version)}${lines(60, 60)}`);
      const made = checkInWith({
        comment: `version\\s${version}`,
        files: { 'changed.txt': file, ...other },
        ...(parent === undefined ? {} : { parent }),
      });
      artifacts.push(file, made);
      parent = made;
    }
    const half = artifacts.length / 2;
    await rig.push(artifacts.slice(0, half));
    await rig.push(artifacts.slice(half));
  }

  it('become deltas of later versions, in chains of bounded length, and the project shrinks', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    await versions(rig);
    const before = await rig.bag();
    expect(await folded.fold()).toMatchObject({ outcome: 'folded', records: 2 * VERSIONS });
    const bag = await rig.another().bag();
    expect(await verifyBag(bag)).toEqual([]);
    expect(await contentsOf(bag)).toEqual(await contentsOf(before));
    expect(sizeOf(bag)).toBeLessThan(sizeOf(before) / 2);
    const entries = Array.from({ length: bag.count }, (_, at) => bag.at(at));
    const depthOf = (entry: BagEntry): number =>
      entry.source === undefined ? 0 : 1 + depthOf(bag.find(entry.source) ?? entry);
    expect(Math.max(...entries.map(depthOf))).toBe(100);
    for (const entry of entries) {
      expect(bag.view.table.depthOf(bag.slotOf(entry.name)), entry.name).toBe(depthOf(entry));
    }
    // The newest version, which is read most, is whole.
    expect(entries.at(-1)?.source).toBeUndefined();
    expect(entries.filter(({ source }) => source === undefined).length).toBe(4);
    // Nothing is left to do, and clones get the deltas as they are.
    expect(await folded.fold()).toEqual({ outcome: 'nothing to do' });
    const requests = new FossilRequests(fossilHost(rig.repository), bag.state.projectCode);
    const clone = await requests.send([{ card: 'clone', version: 3, position: 1 }]);
    const files = cardsOf(clone, 'cfile');
    expect(files.length).toBe(2 * VERSIONS);
    expect(files.filter(({ source }) => source !== undefined).length).toBe(2 * VERSIONS - 4);
  });

  it('never become deltas of private or shunned artifacts, nor of their deltas', async () => {
    await using folded = await FoldRig.open();
    const { rig } = folded;
    const text = (at: number) => whole(`${lines(0, 80)}${at}\n`);
    const chain: ReceivedArtifact[] = [];
    for (let at = 0; at < 6; at++) {
      const parent = chain.at(-1);
      const files = { 'a.txt': text(at) };
      chain.push(checkInWith({ comment: `c${at}`, files, ...(parent === undefined ? {} : { parent }) }));
    }
    const isPrivate = (at: number) => at === 1 || at === 2;
    // A version that is stored as a delta of the one before it: that one may not be made of it.
    await rig.push([text(3), text(4), delta(text(4), text(5)), text(0)]);
    await rig.push([1, 2].map((at) => ({ ...text(at), isPrivate: true })));
    await rig.push(chain.map((made, at) => ({ ...made, isPrivate: isPrivate(at) })));
    await folded.shun({ shun: [text(3).name] });
    const before = await rig.bag();
    await folded.fold();
    const bag = await rig.another().bag();
    expect(await verifyBag(bag)).toEqual([]);
    expect(await contentsOf(bag)).toEqual(await contentsOf(before));
    for (let at = 0; at < bag.count; at++) {
      const entry = bag.at(at);
      const source = entry.source === undefined ? undefined : bag.find(entry.source);
      if (entry.source !== undefined) expect(source, entry.name).toBeDefined();
      if (!entry.isPrivate) expect(source?.isPrivate ?? false, entry.name).toBe(false);
    }
    expect(bag.find(text(1).name)?.source).toBe(text(2).name);
    expect(bag.find(text(5).name)?.source).toBe(text(4).name);
    expect([0, 2, 4].map((at) => bag.find(text(at).name)?.source)).toEqual([undefined, undefined, undefined]);
  });

  it('that became deltas are read completely by the stock client', async (test) => {
    test.skip(noFossil !== undefined, noFossil);
    await using folded = await FoldRig.open();
    const { rig } = folded;
    await versions(rig);
    await folded.fold();
    await using served = await listenFossil(fossilHost(rig.repository));
    await using home = await tempDir();
    const client = new FossilClient(home.path);
    const said = await client.try(['clone', served.url, 'clone.fossil']);
    expect(await client.artifacts('clone.fossil'), said.all).toEqual(namesOf(await rig.bag()));
    expect(await client.run(['test-integrity', 'clone.fossil'])).toContain('0 errors');
  });
});

/** Files that no check-in changes, so that check-ins are large. */
const FILES = Array.from({ length: 40 }, (_, at) => `unchanged/${at}.txt`);

/** Text that differs in each version and cannot be compressed. */
function noise(version: number): string {
  return `${nameOf(Buffer.from(`noise ${version}`), 'sha3-256')}\n`;
}

function sizeOf(bag: Bag): number {
  return bag.state.packs.reduce((sum, { pack }) => sum + pack.size, 0);
}
