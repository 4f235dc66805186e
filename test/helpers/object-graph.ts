import { execa } from 'execa';
import type { ObjectFormat } from '../../src/git/object-id.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface GitObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** Every object of a repository in memory, and what refers to what: to say what a client has without asking git. */
export class ObjectGraph {
  readonly objects: ReadonlyMap<string, GitObject>;
  private readonly format: ObjectFormat;
  private readonly links = new Map<string, { readonly parents: string[]; readonly others: string[] }>();

  constructor(objects: ReadonlyMap<string, GitObject>, format: ObjectFormat) {
    this.objects = objects;
    this.format = format;
  }

  /** Reads all objects of a repository, reachable or not. */
  static async read(gitDir: string, format: ObjectFormat): Promise<ObjectGraph> {
    const args = ['cat-file', '--batch-all-objects', '--unordered', '--buffer', '--batch'];
    const { stdout } = await execa('git', args, {
      env: { PATH: process.env['PATH'], GIT_DIR: gitDir },
      extendEnv: false,
      encoding: 'buffer',
      stripFinalNewline: false,
      maxBuffer: 2 ** 30,
    });
    return new ObjectGraph(
      parseBatch(Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength)),
      format,
    );
  }

  ids(type: ObjectType): string[] {
    return [...this.objects].flatMap(([oid, object]) => (object.type === type ? [oid] : [])).sort();
  }

  /** What a tag leads to in the end; anything else is what it is. */
  peel(oid: string): string {
    const object = this.objects.get(oid);
    const [target] = object?.type === 'tag' ? this.linksOf(oid).others : [];
    return target === undefined ? oid : this.peel(target);
  }

  /** The seconds at which a commit was made. */
  dateOf(commit: string): number {
    return Number(/^committer .*> (\d+) /m.exec(this.contentOf(commit).toString('latin1'))?.[1]);
  }

  parentsOf(commit: string): readonly string[] {
    return this.linksOf(commit).parents;
  }

  /**
   * Everything reachable, the given ids included; ids that are not here are passed over.
   * @param shallow commits whose parents are not looked at
   */
  closure(oids: Iterable<string>, shallow: ReadonlySet<string> = new Set()): Set<string> {
    const reached = new Set<string>();
    const next = [...oids];
    for (let oid = next.pop(); oid !== undefined; oid = next.pop()) {
      if (reached.has(oid) || !this.objects.has(oid)) continue;
      reached.add(oid);
      const { parents, others } = this.linksOf(oid);
      next.push(...others);
      if (!shallow.has(oid)) next.push(...parents);
    }
    return reached;
  }

  private contentOf(oid: string): Buffer {
    const object = this.objects.get(oid);
    if (object === undefined) throw new Error(`no object ${oid}`);
    return object.content;
  }

  private linksOf(oid: string) {
    let links = this.links.get(oid);
    if (links === undefined) {
      links = this.readLinks(oid);
      this.links.set(oid, links);
    }
    return links;
  }

  private readLinks(oid: string) {
    const content = this.contentOf(oid);
    const type = this.objects.get(oid)?.type;
    if (type === 'tree') return { parents: [], others: treeEntries(content, this.format) };
    const head = type === 'blob' ? '' : content.toString('latin1').split('\n\n', 1).join('');
    const named = (word: string) =>
      [...head.matchAll(new RegExp(`^${word} (\\S+)$`, 'gm'))].map(([, id = '']) => id);
    if (type === 'tag') return { parents: [], others: named('object').slice(0, 1) };
    return { parents: named('parent'), others: named('tree') };
  }
}

/** The ids in a tree, without those of submodules, whose commits are elsewhere. */
function treeEntries(content: Buffer, format: ObjectFormat): string[] {
  const length = format === 'sha1' ? 20 : 32;
  const oids: string[] = [];
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(0, at) + 1;
    const submodule = content.toString('latin1', at, at + 6) === '160000';
    if (!submodule) oids.push(content.toString('hex', end, end + length));
    at = end + length;
  }
  return oids;
}

/** Reads `<oid> <type> <size>`, content and a line feed, again and again. */
function parseBatch(bytes: Buffer): Map<string, GitObject> {
  const objects = new Map<string, GitObject>();
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', at);
    const [oid = '', type, size] = bytes.toString('latin1', at, end).split(' ');
    const start = end + 1;
    at = start + Number(size) + 1;
    objects.set(oid, { type: type as ObjectType, content: bytes.subarray(start, at - 1) });
  }
  return objects;
}
