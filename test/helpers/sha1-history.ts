/** SHA-1 histories made object by object, with everything that a conversion to SHA-256 meets, and what has to become of them. */
import { createHash } from 'node:crypto';
import { CraftedPack } from './craft-pack.ts';
import { GitClient } from './git-client.ts';
import { objectId, type RawObject } from './raw-git.ts';
import type { SeededRandom } from './seeded-random.ts';

export const WHO = 'A User <user@example.com>';
export const SIGNATURE = '-----BEGIN PGP SIGNATURE-----\n\niQEzBAAB\n-----END PGP SIGNATURE-----';

interface File {
  readonly mode: string;
  readonly oid: string;
}

/** Objects in memory, and refs. */
export class Sha1History {
  readonly objects = new Map<string, RawObject>();
  readonly refs = new Map<string, string>();

  add(type: RawObject['type'], content: string | Buffer): string {
    const object = { type, content: typeof content === 'string' ? Buffer.from(content, 'latin1') : content };
    const oid = objectId(object);
    this.objects.set(oid, object);
    return oid;
  }

  /** Writes the trees of files. @returns the id of the root */
  addTree(files: ReadonlyMap<string, File>): string {
    const folders = new Map<string, Map<string, File>>();
    const entries: { name: string; mode: string; oid: string }[] = [];
    for (const [path, file] of files) {
      const [first = '', ...rest] = path.split('/');
      if (rest.length === 0) entries.push({ name: first, ...file });
      else folders.set(first, (folders.get(first) ?? new Map()).set(rest.join('/'), file));
    }
    for (const [name, inside] of folders) entries.push({ name, mode: '40000', oid: this.addTree(inside) });
    const order = ({ name, mode }: { name: string; mode: string }) => (mode === '40000' ? `${name}/` : name);
    entries.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    const parts = entries.flatMap(({ name, mode, oid }) => [
      Buffer.from(`${mode} ${name}\0`, 'latin1'),
      Buffer.from(oid, 'hex'),
    ]);
    return this.add('tree', Buffer.concat(parts));
  }

  addCommit(tree: string, parents: readonly string[], date: number, message: string, headers = ''): string {
    const links = [`tree ${tree}\n`, ...parents.map((parent) => `parent ${parent}\n`)].join('');
    const who = `author ${WHO} ${date} +0100\ncommitter ${WHO} ${date} +0100\n`;
    return this.add('commit', `${links}${who}${headers}\n${message}`);
  }

  addTag(oid: string, name: string, message: string): string {
    const type = this.objects.get(oid)?.type ?? 'commit';
    return this.add(
      'tag',
      `object ${oid}\ntype ${type}\ntag ${name}\ntagger ${WHO} 1700000000 +0000\n\n${message}`,
    );
  }

  /**
   * Writes a bare repository into a folder.
   * @param packed `deltas` to let git pack it anew, as a server would have it
   */
  async write(folder: string, packed: 'deltas' | 'whole' = 'deltas'): Promise<GitClient> {
    const client = new GitClient(folder);
    await client.run(['init', '--quiet', '--bare', '--initial-branch=main', '.']);
    await client.run(['index-pack', '--stdin'], {
      input: new CraftedPack().all(this.objects.values()).bytes(),
    });
    const lines = [...this.refs].map(([name, oid]) => `create ${name} ${oid}\n`);
    await client.run(['update-ref', '--stdin'], { input: lines.join('') });
    if (packed === 'deltas') await client.run(['repack', '-a', '-d', '-f', '-q', '--window=50']);
    return client;
  }

  /** All refs as a conversion takes them. */
  list(): { readonly name: string; readonly oid: string }[] {
    return [...this.refs].map(([name, oid]) => ({ name, oid }));
  }
}

/**
 * A random history: merges, several roots, skewed and equal dates, odd modes, long folders, mentions of every form across
 * branches, signatures, signed tags in merges, encodings, messages without a line feed, tags of everything.
 */
export function randomSha1History(random: SeededRandom, count: number): Sha1History {
  const history = new Sha1History();
  const commits: { readonly oid: string; readonly files: Map<string, File> }[] = [];
  const heads = new Set<string>();
  for (let number = 0; number < count; number++) {
    const recent = commits.slice(-6);
    const parents =
      number === 0 || random.fraction() < 0.03
        ? []
        : Array.from({ length: random.fraction() < 0.2 ? 2 : 1 }, () => random.pick(recent));
    const files = new Map(parents[0]?.files);
    for (let edits = 1 + random.below(3); edits > 0; edits--) editFiles(history, random, files);
    const parentIds = [...new Set(parents.map(({ oid }) => oid))];
    for (const oid of parentIds) heads.delete(oid);
    const date = 1_700_000_000 + Math.floor(number / 5) - (random.fraction() < 0.1 ? random.below(1000) : 0);
    const known = commits.map(({ oid }) => oid);
    const message = `Change ${number}\n\n${mentions(random, known)}`;
    const oid = history.addCommit(
      history.addTree(files),
      parentIds,
      date,
      random.fraction() < 0.2 ? message.trimEnd() : message,
      randomHeaders(random, parentIds),
    );
    commits.push({ oid, files });
    heads.add(oid);
  }
  const known = commits.map(({ oid }) => oid);
  history.refs.set('refs/heads/main', known.at(-1) ?? '');
  for (const [at, oid] of [...heads].entries()) history.refs.set(`refs/heads/head-${at}`, oid);
  const tagged = [random.pick(known), history.addTag(random.pick(known), 'inner', 'Inner\n')];
  for (const type of ['tree', 'blob']) {
    tagged.push(
      random.pick([...history.objects].flatMap(([oid, object]) => (object.type === type ? [oid] : []))),
    );
  }
  for (const [at, oid] of tagged.entries()) {
    history.refs.set(`refs/tags/light-${at}`, oid);
    const message = `Tag of ${random.pick(known)}\n${at % 2 === 0 ? `${SIGNATURE}\n` : ''}`;
    history.refs.set(`refs/tags/v${at}`, history.addTag(oid, `v${at}`, message));
  }
  // A commit that mentions a tag object.
  const tag = history.refs.get('refs/tags/v1') ?? '';
  history.refs.set(
    'refs/changes/1',
    history.addCommit(history.addTree(new Map()), [], 1, `See ${tag.slice(0, 12)}\n`),
  );
  return history;
}

function editFiles(history: Sha1History, random: SeededRandom, files: Map<string, File>): void {
  const known = [...files.keys()];
  if (known.length > 20 && random.fraction() < 0.2) {
    files.delete(random.pick(known));
    return;
  }
  const folder = random.pick(['', 'src/', 'src/deep/er/', 'docs/', 'a long name of a folder/', '160000 x/']);
  const path =
    known.length > 0 && random.fraction() < 0.6 ? random.pick(known) : `${folder}file-${random.below(40)}`;
  const lines = Array.from({ length: 1 + random.below(30) }, () => `line ${random.below(50)} of a file`);
  const mode = random.pick(['100644', '100644', '100644', '100755', '120000']);
  files.set(path, { mode, oid: history.add('blob', lines.join('\n')) });
}

function mentions(random: SeededRandom, known: readonly string[]): string {
  if (known.length === 0) return '1234567 and deadbee\n';
  const forms: ((oid: string) => string)[] = [
    (oid) => `(cherry picked from commit ${oid})`,
    (oid) => `Fixes: ${oid.slice(0, 12)} ("something")`,
    (oid) => `see ${oid.slice(0, 7)}, or v1-3-g${oid.slice(0, 9)}`,
    (oid) => `${oid.slice(0, 10).toUpperCase()}..${oid.slice(0, 8)}`,
    (oid) => `not ${oid.slice(0, 6)} nor x${oid}`,
    () => 'Gr\u00fc\u00dfe 20240101 and 0123456789abcdef0123456789abcdef01234567',
  ];
  const lines = Array.from({ length: random.below(4) }, () => random.pick(forms)(random.pick(known)));
  return lines.map((line) => `${line}\n`).join('');
}

function randomHeaders(random: SeededRandom, parents: readonly string[]): string {
  const indented = (text: string) => text.replaceAll('\n', '\n ');
  const headers: string[] = [];
  const [parent] = parents;
  if (parents.length > 1 && random.fraction() < 0.5) {
    headers.push(
      `mergetag ${indented(`object ${parent}\ntype commit\ntag v9\ntagger ${WHO} 1 +0000\n\nv9\n${SIGNATURE}`)}`,
    );
  }
  if (random.fraction() < 0.2) headers.push('encoding ISO-8859-1');
  if (random.fraction() < 0.2) headers.push(`gpgsig ${indented(SIGNATURE)}`);
  if (random.fraction() < 0.05) headers.push('HG:extra branch:default');
  return headers.map((header) => `${header}\n`).join('');
}

/**
 * What a conversion has to make of a history, worked out in the plainest way: recursively, in memory, one object after the
 * other. It knows no circles of mentions, which no history of this file has.
 * @returns new ids by old ids
 */
export function referenceConversion(objects: ReadonlyMap<string, RawObject>): Map<string, string> {
  const converted = new Map<string, string>();
  const texts = [...objects].flatMap(([oid, { type }]) => (type === 'commit' || type === 'tag' ? [oid] : []));
  const rewrite = (message: string) =>
    message.replace(/(?<![0-9A-Za-z])(?:g(?<=-g))?([0-9a-fA-F]{7,40})(?![0-9A-Za-z])/g, (run, id: string) => {
      const found = texts.filter((oid) => oid.startsWith(id.toLowerCase()));
      const [only = ''] = found;
      if (found.length !== 1) return run;
      const fresh = convert(only);
      return run.slice(0, run.length - id.length) + (id.length === 40 ? fresh : fresh.slice(0, id.length));
    });
  const convertTree = (content: Buffer) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < content.length; ) {
      const end = content.indexOf(0, at) + 1;
      parts.push(
        content.subarray(at, end),
        Buffer.from(convert(content.toString('hex', end, end + 20)), 'hex'),
      );
      at = end + 20;
    }
    return Buffer.concat(parts);
  };
  const convertText = (content: Buffer) => {
    const text = content.toString('latin1');
    const [head = '', ...rest] = text.split('\n\n');
    const kept = `${head}\n`
      .replace(/^(?:gpgsig|mergetag) .*\n(?: .*\n)*/gm, '')
      .replace(
        /^(tree|parent|object) (.{40})$/gm,
        (_, word: string, oid: string) => `${word} ${convert(oid)}`,
      );
    const [message = ''] = rest.join('\n\n').split(text.startsWith('object') ? /^-----BEGIN PGP/m : /$^/);
    return Buffer.from(`${kept}\n${rewrite(message)}`, 'latin1');
  };
  const convert = (oid: string): string => {
    const known = converted.get(oid);
    if (known !== undefined) return known;
    const object = objects.get(oid);
    if (object === undefined) throw new Error(`no object ${oid}`);
    const { type } = object;
    const content = Buffer.from(object.content);
    const fresh = type === 'blob' ? content : type === 'tree' ? convertTree(content) : convertText(content);
    const id = createHash('sha256').update(`${type} ${fresh.length}\0`).update(fresh).digest('hex');
    converted.set(oid, id);
    return id;
  };
  for (const oid of objects.keys()) convert(oid);
  return converted;
}
