/** Requests to upload-pack as clients of all kinds might send them, and some that none would, each by chance. */
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { cloneWants } from '../../src/git/protocol/want-set.ts';
import type { GeneratedHistory } from './generated-history.ts';
import { absentId } from './raw-git.ts';
import type { SeededRandom } from './seeded-random.ts';

export type ProtocolVersion = 0 | 1 | 2;

export interface FetchCase {
  readonly version: ProtocolVersion;
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** Commits whose parents the client says it lacks. */
  readonly shallow: readonly string[];
  /** `deepen 3` and the like. */
  readonly limits: readonly string[];
  readonly filter: string | undefined;
  readonly done: boolean;
  /** Capabilities of v0 or arguments of v2. */
  readonly features: ReadonlySet<string>;
  /** In v0 and v1: how the pack is framed. */
  readonly band: '' | 'side-band' | 'side-band-64k';
  /** The object format the client says it uses; undefined when it says nothing, and means SHA-1. */
  readonly objectFormat: string | undefined;
  /** What the client calls itself, which changes nothing. */
  readonly agent?: string;
}

/** True for what a clone of everything sends: all branches and tags, nothing known, nothing left out. */
export function isWhole({ haves, shallow, limits, filter }: FetchCase): boolean {
  return haves.length === 0 && shallow.length === 0 && limits.length === 0 && filter === undefined;
}

/** The request as it is sent. */
export function encodeCase(one: FetchCase): Buffer {
  const { wants, haves, shallow, limits, filter, done, features, band, objectFormat, agent } = one;
  const words = [
    ...(objectFormat === undefined ? [] : [`object-format=${objectFormat}`]),
    ...(agent === undefined ? [] : [`agent=${agent}`]),
  ];
  const narrowing = [
    ...shallow.map((oid) => `shallow ${oid}`),
    ...limits.filter((line) => one.version === 2 || line !== 'deepen-relative'),
    ...(filter === undefined ? [] : [`filter ${filter}`]),
  ];
  const asked = haves.map((oid) => `have ${oid}`);
  if (one.version === 2) {
    const args = [...features, ...wants.map((oid) => `want ${oid}`), ...asked, ...narrowing];
    return Buffer.concat([
      encodePacket('command=fetch\n'),
      ...words.map((word) => encodePacket(`${word}\n`)),
      delimiterPacket,
      ...[...args, ...(done ? ['done'] : [])].map((line) => encodePacket(`${line}\n`)),
      flushPacket,
    ]);
  }
  const relative = limits.includes('deepen-relative') ? ['deepen-relative'] : [];
  const capabilities = [...features, band, ...words, 'filter', ...relative];
  const lines = wants.map(
    (oid, at) => `want ${oid}${at === 0 ? ` ${capabilities.filter((word) => word !== '').join(' ')}` : ''}`,
  );
  return Buffer.concat([
    ...[...lines, ...narrowing].map((line) => encodePacket(`${line}\n`)),
    flushPacket,
    ...asked.map((line) => encodePacket(`${line}\n`)),
    ...(asked.length > 0 && !done ? [flushPacket] : []),
    ...(done ? [encodePacket('done\n')] : []),
  ]);
}

/** A case in words, to be read when it fails. */
export function describeCase(one: FetchCase): string {
  const words = [
    `v${one.version}`,
    `object-format ${one.objectFormat}`,
    ...(one.version === 2 ? [] : [one.band === '' ? 'no side-band' : one.band]),
    ...one.features,
    ...one.wants.map((oid) => `want ${oid}`),
    ...one.haves.map((oid) => `have ${oid}`),
    ...one.shallow.map((oid) => `shallow ${oid}`),
    ...one.limits,
    ...(one.filter === undefined ? [] : [`filter ${one.filter}`]),
    ...(one.done ? ['done'] : []),
  ];
  return words.join(', ');
}

/** Throws requests about a history. */
export class CaseDeck {
  private readonly random: SeededRandom;
  private readonly history: GeneratedHistory;
  private readonly refs: ReadonlyMap<string, string>;
  private readonly commits: readonly string[];
  private readonly reachable: readonly string[];

  constructor(history: GeneratedHistory, random: SeededRandom) {
    this.history = history;
    this.random = random;
    this.refs = history.stages.at(-1) ?? new Map();
    this.commits = history.graph.ids('commit');
    const reachable = history.graph.closure(this.refs.values());
    this.reachable = this.commits.filter((oid) => reachable.has(oid));
  }

  /** One request; see {@link clone} for those that want everything. */
  next(): FetchCase {
    const version = this.version();
    const wants = this.wants(version);
    const haves = this.chance(0.5) ? this.haves() : [];
    const { shallow, limits } = this.chance(0.3) ? this.depth() : { shallow: [], limits: [] };
    return {
      version,
      wants,
      haves,
      shallow,
      limits,
      filter: this.chance(0.25) ? this.filter() : undefined,
      done: haves.length === 0 ? version !== 2 || this.chance(0.9) : this.chance(0.7),
      features: this.features(version),
      band: this.band(version),
      objectFormat: this.objectFormat(),
    };
  }

  /** A request for all branches and tags, or for all refs, by one that has nothing. */
  clone(): FetchCase {
    const version = this.version();
    const wants = this.shuffled(
      this.chance(0.8) ? [...cloneWants(this.refs)] : [...new Set(this.refs.values())],
    );
    const features = this.features(version);
    const band = this.band(version);
    const nothing = { haves: [], shallow: [], limits: [], filter: undefined };
    return { version, wants, ...nothing, done: true, features, band, objectFormat: this.objectFormat() };
  }

  /** The same request, as another client might word it. */
  reworded(one: FetchCase): FetchCase {
    return { ...one, wants: this.shuffled(one.wants), agent: `client/${this.random.below(1000)}` };
  }

  private wants(version: ProtocolVersion): string[] {
    const { random, refs } = this;
    const values = [...refs.values()];
    const under = (prefix: string) =>
      [...refs].flatMap(([name, oid]) => (name.startsWith(prefix) ? [oid] : []));
    const { graph, stages } = this.history;
    const ways: (() => string[])[] = [
      () => values,
      () => [...cloneWants(refs)],
      () => under('refs/heads/'),
      () => [refs.get('refs/heads/main') ?? ''],
      () => [random.pick(under('refs/heads/'))],
      () => this.some(values, 4),
      () => this.some(values, 2),
      () => [random.pick([...under('refs/tags/'), ...values])],
      () => [graph.peel(random.pick([...under('refs/tags/'), ...values]))],
      () => [random.pick(this.reachable)],
      () => this.some(this.reachable, 3),
      () => [random.pick(this.commits)],
      () => [random.pick([...random.pick(stages).values()]), random.pick(values)],
      () => [random.pick(graph.ids(random.pick(['tree', 'blob', 'tag'])))],
    ];
    const wants = random.pick(ways)();
    if (this.chance(0.02)) wants.push(absentId(this.history.shape.format));
    // Clients name a ref's object once; servers have to stand any number.
    const once = this.chance(0.95) ? [...new Set(wants)] : wants;
    return version === 2 && this.chance(0.01) ? [] : this.shuffled(once);
  }

  private haves(): string[] {
    const { random, refs } = this;
    const { stages } = this.history;
    const ways: (() => string[])[] = [
      () => this.some(this.reachable, 2),
      () => this.some(this.reachable, 12),
      () => this.some(this.commits, 4),
      () => [...random.pick(stages).values()],
      () => [...random.pick(stages).values()],
      () => this.some([...refs.values()], 3),
      () => [...refs.values()],
      () => [absentId(this.history.shape.format)],
    ];
    const haves = random.pick(ways)();
    if (this.chance(0.2)) haves.push(absentId(this.history.shape.format));
    return this.shuffled([...new Set(haves)]);
  }

  private depth(): { shallow: string[]; limits: string[] } {
    const { random, refs } = this;
    const since = () => `deepen-since ${this.history.graph.dateOf(random.pick(this.reachable))}`;
    const not = () =>
      `deepen-not ${random.pick([...refs.keys()].filter((name) => !name.startsWith('refs/tags/')))}`;
    const depth = () => `deepen ${random.pick([1, 1, 1, 2, 3, 5, 10, 1000, 0x7fffffff])}`;
    const cut = () => this.some(this.reachable, 3);
    const ways: (() => { shallow: string[]; limits: string[] })[] = [
      () => ({ shallow: [], limits: [depth()] }),
      () => ({ shallow: [], limits: [depth()] }),
      () => ({ shallow: [], limits: [since()] }),
      () => ({ shallow: [], limits: [not()] }),
      () => ({ shallow: [], limits: [since(), not()] }),
      () => ({ shallow: cut(), limits: [] }),
      () => ({ shallow: cut(), limits: [depth()] }),
      () => ({ shallow: cut(), limits: [since()] }),
      () => ({ shallow: cut(), limits: [depth(), 'deepen-relative'] }),
    ];
    return random.pick(ways)();
  }

  private filter(): string {
    const { random } = this;
    return random.pick([
      'blob:none',
      'blob:none',
      'blob:limit=0',
      `blob:limit=${random.below(3000)}`,
      'tree:0',
      'tree:1',
      'tree:3',
      'object:type=commit',
      'object:type=tree',
      'object:type=blob',
      'object:type=tag',
      'combine:blob:none+tree:2',
    ]);
  }

  private features(version: ProtocolVersion): Set<string> {
    const features = new Set<string>();
    for (const [word, odds] of [
      ['thin-pack', 0.6],
      ['ofs-delta', 0.8],
      ['no-progress', 0.6],
      ['include-tag', 0.5],
    ] as const) {
      if (this.chance(odds)) features.add(word);
    }
    if (version === 2) {
      if (this.chance(0.05)) features.add('wait-for-done');
      return features;
    }
    const ack = this.random.pick(['', 'multi_ack', 'multi_ack_detailed', 'multi_ack_detailed']);
    if (ack !== '') features.add(ack);
    if (ack === 'multi_ack_detailed' && this.chance(0.5)) features.add('no-done');
    return features;
  }

  private objectFormat(): string | undefined {
    const { format } = this.history.shape;
    const chance = this.random.fraction();
    if (chance < 0.01) return format === 'sha1' ? 'sha256' : 'sha1';
    return chance < 0.2 && format === 'sha1' ? undefined : format;
  }

  private version(): ProtocolVersion {
    return this.random.pick([2, 2, 2, 2, 2, 0, 0, 1]);
  }

  private band(version: ProtocolVersion): FetchCase['band'] {
    return version === 2
      ? 'side-band-64k'
      : this.random.pick(['side-band-64k', 'side-band-64k', 'side-band', '']);
  }

  private chance(odds: number): boolean {
    return this.random.fraction() < odds;
  }

  private some<T>(things: readonly T[], most: number): T[] {
    return Array.from({ length: 1 + this.random.below(most) }, () => this.random.pick(things));
  }

  private shuffled(things: readonly string[]): string[] {
    return things
      .map((thing) => ({ thing, at: this.random.fraction() }))
      .sort((left, right) => left.at - right.at)
      .map(({ thing }) => thing);
  }
}
