import { PACKED_COMMIT, PACKED_TAG } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { GrowingWords } from '../../lib/growing-words.ts';
import { CommitOrder } from './commit-order.ts';
import { type CommitText, encodeCommitText, rewriteMentions } from './commit-text.ts';
import type { ConversionTally } from './conversion.ts';
import { parseText } from './forecast.ts';
import { objectId } from './object-id.ts';
import { OpenMentions } from './open-mentions.ts';
import type { PackWriter } from './pack-writer.ts';
import type { PreparedSource } from './prepared-source.ts';
import { writePack } from './write-pack.ts';
import { forgetUnwritten } from './write-trees.ts';

/** Converts all commits and tags, each after what it links to and mentions. */
export async function convertCommits(source: PreparedSource): Promise<void> {
  const { counts } = source;
  const tally: Tally = { ...source.folder.progress.tally };
  await writePack(source, {
    kind: 'commits',
    step: 'commits',
    objects: counts.commits + counts.tags,
    tally: () => ({ ...tally }),
    async write(part) {
      await forgetUnwritten(source, [PACKED_COMMIT, PACKED_TAG], part.writer.length);
      const graph = await readGraph(source);
      const isDone = (node: number) => source.table.placeOf(graph.numbers[node] ?? 0) !== 0;
      const order = new CommitOrder(graph.dates, graph, isDone);
      const mentions = new OpenMentions();
      for (let next = order.next(); next !== undefined; next = order.next()) {
        const { node, isForced } = next;
        const awaited = convertText(source, graph, order, mentions, node, isForced, part.writer, tally);
        if (awaited === undefined) {
          order.done(node);
          await part.added(0);
        } else {
          order.wait(node, awaited);
        }
        await source.pause();
      }
    },
  });
}

type Tally = { -readonly [K in keyof ConversionTally]: ConversionTally[K] };

/** The commits and tags, and what they link to, all as nodes: numbered from 0 in the order of the source pack. */
interface CommitGraph {
  /** The number of each node in the table of objects, in ascending order. */
  readonly numbers: Uint32Array;
  readonly dates: Float64Array;
  readonly starts: Uint32Array;
  readonly targets: Uint32Array;
}

async function readGraph(source: PreparedSource): Promise<CommitGraph> {
  const { table, objects, counts, pause } = source;
  const count = counts.commits + counts.tags;
  const numbers = new Uint32Array(count);
  let filled = 0;
  for (let number = 0; number < objects.count; number++) {
    const type = table.typeOf(number);
    if (type === PACKED_COMMIT || type === PACKED_TAG) numbers[filled++] = number;
    await pause();
  }
  const dates = new Float64Array(count);
  const starts = new Uint32Array(count + 1);
  const targets = new GrowingWords(0);
  for (let node = 0; node < count; node++) {
    const text = parseText(source, numbers[node] ?? 0);
    dates[node] = text.date;
    for (const oid of linksOf(text)) {
      const target = nodeOf(numbers, objects.findHex(oid));
      if (target === -1)
        throw new CairnError(
          'corrupt',
          `${objects.idOf(numbers[node] ?? 0)} links to ${oid}, which is not a commit or tag of this history`,
        );
      targets.push(target);
    }
    starts[node + 1] = targets.length;
    await pause();
  }
  return { numbers, dates, starts, targets: targets.values() };
}

/** The commits and tags that a commit or tag links to. */
function linksOf({ kind, target, targetType, parents }: CommitText): readonly string[] {
  if (kind === 'commit') return parents;
  return targetType === 'commit' || targetType === 'tag' ? [target] : [];
}

/** The node with a number in the table of objects; -1 if there is none. */
function nodeOf(numbers: Uint32Array, number: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === number ? low : -1;
}

/**
 * Converts a commit or tag, unless its message mentions one that is not converted yet.
 * @param isForced true to convert it in any case
 * @returns the mentioned node to wait for: the youngest, because it is probably converted last
 */
function convertText(
  source: PreparedSource,
  { numbers }: CommitGraph,
  order: CommitOrder,
  mentions: OpenMentions,
  node: number,
  isForced: boolean,
  writer: PackWriter,
  tally: Tally,
): number | undefined {
  const { table } = source;
  const number = numbers[node] ?? 0;
  if (!isForced) {
    const known = mentions.next(node, (other) => table.placeOf(numbers[other] ?? 0) !== 0);
    if (known !== undefined) return known;
  }
  const text = parseText(source, number);
  const mentioned: number[] = [];
  const rewritten = rewriteMessage(source, text.message, (number) => {
    const other = nodeOf(numbers, number);
    if (other !== -1) mentioned.push(other);
  });
  if (mentioned.length > 0 && !isForced) {
    return mentions.remember(node, mentioned, (a, b) => order.isBefore(a, b));
  }

  const type = table.typeOf(number);
  const content = encodeCommitText(
    text,
    newIdOf(source, text.target, number),
    text.parents.map((parent) => newIdOf(source, parent, number)),
    rewritten.message,
  );
  table.setNewId(number, objectId(text.kind, content));
  table.setPlace(number, writer.addWhole(type, content));
  tally[text.kind === 'commit' ? 'signaturesOfCommits' : 'signaturesOfTags'] += text.signatures;
  tally.mergetags += text.mergetags;
  tally.mentions += rewritten.mentions;
  tally.ambiguousMentions += rewritten.ambiguous;
  tally.circularMentions += rewritten.open;
  return undefined;
}

export interface RewrittenMessage {
  readonly message: string;
  /** Ids that were rewritten, that fit several objects, and whose object is not converted yet. */
  readonly mentions: number;
  readonly ambiguous: number;
  readonly open: number;
}

/**
 * Rewrites ids in a message. A whole id becomes a whole id, an abbreviated one an abbreviated one of the same length.
 * @param onOpen is called with the number of each mentioned object that is not converted yet
 */
export function rewriteMessage(
  { objects, table, options }: PreparedSource,
  message: string,
  onOpen: (number: number) => void = () => undefined,
): RewrittenMessage {
  let [mentions, ambiguous, open] = [0, 0, 0];
  if (options.rewriteMessages === false) return { message, mentions, ambiguous, open };
  const id = Buffer.alloc(32);
  const rewritten = rewriteMentions(message, (prefix) => {
    const found = objects.findAbbreviated(prefix);
    if (found === -2) ambiguous++;
    if (found < 0) return undefined;
    if (table.placeOf(found) === 0) {
      open++;
      onOpen(found);
      return undefined;
    }
    mentions++;
    table.copyNewId(found, id, 0);
    const hex = id.toString('hex');
    return prefix.length === 40 ? hex : hex.slice(0, prefix.length);
  });
  return { message: rewritten, mentions, ambiguous, open };
}

/** The new id of a converted object in hex. @param by the object that links to it */
function newIdOf({ objects, table }: PreparedSource, oid: string, by: number): string {
  const number = objects.findHex(oid);
  if (number === -1 || table.placeOf(number) === 0) {
    throw new CairnError('corrupt', `${objects.idOf(by)} links to ${oid}, which this history does not have`);
  }
  const id = Buffer.alloc(32);
  table.copyNewId(number, id, 0);
  return id.toString('hex');
}
