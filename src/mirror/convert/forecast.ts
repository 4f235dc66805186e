import { PACKED_COMMIT, PACKED_TAG, PACKED_TREE } from '../../git/index.ts';
import { listWithPaths } from '../../git-process/convert-commands.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { type CommitText, mostMessageBytes, parseCommit, parseTag, rewriteMentions } from './commit-text.ts';
import type { ConversionForecast, SubmoduleLink } from './conversion.ts';
import { beginStep, type PreparedSource } from './prepared-source.ts';
import { eachLineOfGit } from './run-git.ts';
import { entryStarts } from './tree-translation.ts';

/** Submodule links that a forecast names. */
const NAMED = 20;

/** Trees with submodule links whose paths are looked for. */
const REMEMBERED = 10_000;

/** Mode of a submodule link, as git writes it, and the space after it. */
const SUBMODULE = '160000 ';

/** Finds out what a conversion will do and lose. It reads all trees, commits and tags, and writes nothing but progress. */
export async function inspectSource(source: PreparedSource): Promise<ConversionForecast> {
  const known = source.folder.progress.forecast;
  if (known !== undefined) return known;
  const { counts, notesRefs, folder } = source;
  const { trees, treeCount, texts } = await inspectObjects(source);
  const submodules = trees.size === 0 ? [] : await findSubmodules(source, trees);
  const forecast: ConversionForecast = {
    objects: counts,
    ...texts,
    notesRefs: notesRefs.map(({ name }) => name),
    submodules,
    submoduleTrees: treeCount,
    refusals: treeCount === 0 ? [] : [submoduleRefusal(submodules, treeCount)],
  };
  await folder.save({ forecast });
  return forecast;
}

function submoduleRefusal(submodules: readonly SubmoduleLink[], treeCount: number): string {
  const [{ path, commit } = { path: 'a folder', commit: '' }] = submodules;
  const where = commit === '' ? path : `${path} in commit ${commit}`;
  const others = treeCount > 1 ? `, and ${treeCount - 1} more folders of all commits together` : '';
  return `it has submodules, which SHA-256 trees cannot name by SHA-1 ids: ${where}${others}`;
}

type TextCounts = Pick<
  ConversionForecast,
  'signaturesOfCommits' | 'signaturesOfTags' | 'mergetags' | 'mentions' | 'ambiguousMentions' | 'longMessages'
>;

/** Reads all trees, commits and tags. @returns ids of trees with submodule links, how many there are, and what texts lose */
async function inspectObjects(
  source: PreparedSource,
): Promise<{ readonly trees: ReadonlySet<string>; readonly treeCount: number; readonly texts: TextCounts }> {
  const { context, objects, table, counts, pause } = source;
  const advanced = beginStep(context, 'inspect', counts.trees + counts.commits + counts.tags);
  const trees = new Set<string>();
  const texts = {
    ...{ signaturesOfCommits: 0, signaturesOfTags: 0, mergetags: 0 },
    ...{ mentions: 0, ambiguousMentions: 0, longMessages: 0 },
  };
  let [done, treeCount] = [0, 0];
  for (let number = 0; number < objects.count; number++) {
    const type = table.typeOf(number);
    if (type === PACKED_TREE) {
      if (hasSubmodule(objects.content(number)) && ++treeCount <= REMEMBERED) trees.add(objects.idOf(number));
    } else if (type === PACKED_COMMIT || type === PACKED_TAG) {
      countText(source, parseText(source, number), texts);
    } else continue;
    if (++done % 1000 === 0) advanced(done);
    await pause();
  }
  advanced(done);
  return { trees, treeCount, texts };
}

/**
 * Reads a commit or tag of the source.
 * @throws CairnError `corrupt` that names it, if it is malformed
 */
export function parseText({ objects, table }: PreparedSource, number: number): CommitText {
  const content = objects.content(number);
  try {
    return table.typeOf(number) === PACKED_COMMIT ? parseCommit(content) : parseTag(content);
  } catch (error) {
    throw new CairnError('corrupt', `${objects.idOf(number)}: ${messageOf(error)}`, { cause: error });
  }
}

function countText(
  { objects, options }: PreparedSource,
  { kind, signatures, mergetags, message }: CommitText,
  counts: { -readonly [K in keyof TextCounts]: TextCounts[K] },
): void {
  counts[kind === 'commit' ? 'signaturesOfCommits' : 'signaturesOfTags'] += signatures;
  counts.mergetags += mergetags;
  if (options.rewriteMessages === false) return;
  if (message.length > mostMessageBytes) counts.longMessages++;
  rewriteMentions(message, (prefix) => {
    const found = objects.findAbbreviated(prefix);
    if (found >= 0) counts.mentions++;
    if (found === -2) counts.ambiguousMentions++;
    return undefined;
  });
}

function hasSubmodule(tree: Buffer): boolean {
  // The bytes may also be part of a name or an id.
  return tree.includes(SUBMODULE) && submodulesOf(tree).next().done !== true;
}

/** Names (a character for each byte) and targets of the submodule links of a tree. */
function* submodulesOf(tree: Buffer): Generator<{ readonly name: string; readonly target: string }> {
  const starts = entryStarts(tree);
  for (let entry = 0; entry + 1 < starts.length; entry++) {
    const [from = 0, to = 0] = [starts[entry], starts[entry + 1]];
    const [, mode = '', name = ''] = /^(\d+) (.*)$/s.exec(tree.toString('latin1', from, to - 21)) ?? [];
    if ((Number.parseInt(mode, 8) & 0o170_000) === 0o160_000) {
      yield { name, target: tree.toString('hex', to - 20, to) };
    }
  }
}

/** Names the first submodule links with path and commit. */
async function findSubmodules(
  { context, refs, objects }: PreparedSource,
  trees: ReadonlySet<string>,
): Promise<SubmoduleLink[]> {
  const found: SubmoduleLink[] = [];
  let commit = '';
  const input = refs.map(({ oid }) => `${oid}\n`);
  await eachLineOfGit(context.git, listWithPaths(context.gitDir), context.signal, input, (line) => {
    const [, oid = '', folder] = /^([0-9a-f]{40})(?: (.*))?$/.exec(line) ?? [];
    if (folder === undefined) commit = oid;
    else if (trees.has(oid)) {
      for (const { name, target } of submodulesOf(objects.content(objects.findHex(oid)))) {
        const path = Buffer.from(folder === '' ? name : `${folder}/${name}`, 'latin1').toString('utf8');
        if (found.length < NAMED) found.push({ path, commit, target });
      }
    }
    return found.length >= NAMED;
  });
  return found;
}
