import {
  type ChangedFile,
  ChangedFilesReader,
  countLines,
  type DiffBounds,
  type FileDiff,
  type LineTotals,
  markWords,
  type PatchSection,
  parseFileDiff,
  sectionHead,
  splitPatch,
  type WordBudget,
} from '../git/index.ts';
import { type ComparisonOptions, listDifferences, printPatch } from '../git-process/browse-commands.ts';
import { EMPTY_TREE } from '../git-process/commands.ts';
import { CairnError } from '../lib/errors.ts';
import { compareFile } from './file-difference.ts';
import { firstBytes } from './first-bytes.ts';
import { readOutput } from './read-output.ts';
import type { RepositoryView } from './repository-view.ts';

/** A changed file with its lines; undefined if they are beyond what one page shows. */
export interface FileDifference {
  readonly file: ChangedFile;
  readonly diff: FileDiff | undefined;
}

/** How one tree differs from another. */
export interface Differences {
  /** The files that are shown. */
  readonly files: readonly FileDifference[];
  /** Place of the first of them among all, from 0. */
  readonly first: number;
  /** Number of changed files, those left out included. */
  readonly count: number;
  /** Lines of all files; undefined if there are so many files that git does not count their lines. */
  readonly totals: LineTotals | undefined;
}

/** Which part of the differences is shown, and how lines are compared. */
export interface DifferencesQuestion extends ComparisonOptions {
  /** Only this file, with more of its lines; from 1. */
  readonly file?: number | undefined;
  /** Page of the list of files, from 1. Later pages have no lines. */
  readonly page?: number | undefined;
}

/** Files on a page. */
export const FILES_ON_A_PAGE = 300;
/** Bounds of a file on a page with others, and of all together. */
const BOUNDS: DiffBounds = { lines: 1_000, columns: 1_000 };
const MOST_LINES = 6_000;
const MOST_BYTES = 2 * 1024 * 1024;
/** Most files whose lines git counts: to count them it compares them all. */
const MOST_COUNTED = 1_000;
/** Most bytes that are read to count changed files: some 500,000 of them. */
const MOST_LISTED = 64 * 1024 * 1024;
/** Milliseconds for that. */
const LIST_MS = 15_000;
/** Bytes of a list that is not streamed: that of all changes but very large ones. */
const SHORT_LIST = 256 * 1024;
/** What a session may take for a comparison: more is read as it comes. */
const QUICK = { bytes: MOST_BYTES, milliseconds: 2_000 };
/** Between the list of files and the patch: the end of a field, and an empty one. */
const BETWEEN = Buffer.from('\0\0');
/** Steps of the search for changed words on a page. */
const WORD_STEPS = 2_000_000;

/**
 * Compares two trees, with renames.
 * @param from and @param to ids of trees; `from` is undefined for the empty tree
 * @throws CairnError `unavailable` when git fails, `too-large` when very many files differ, `not-found` for a file or a page
 *   beyond the last one
 */
export async function compareTrees(
  view: RepositoryView,
  from: string | undefined,
  to: string,
  question: DifferencesQuestion = {},
): Promise<Differences> {
  const before = from ?? EMPTY_TREE[view.manifest.objectFormat];
  const input = `${before} ${to}\n`;
  const { file, page = 1, ignoreSpace = false } = question;
  if (file !== undefined) return compareOne(view, input, file, question);
  if (page === 1 && !ignoreSpace) {
    const answer = await view.comparisons.compare(before, to, QUICK, view.signal);
    view.signal.throwIfAborted();
    const found = answer === undefined ? undefined : readAnswer(answer);
    if (found !== undefined) return found;
  }
  const first = (page - 1) * FILES_ON_A_PAGE;
  const [listed, patch] = await Promise.all([
    listFiles(view, input, first, FILES_ON_A_PAGE, question),
    page > 1 ? undefined : firstBytes(view, printPatch(await view.gitDir(), question), input, MOST_BYTES),
  ]);
  if (page > 1 && listed.files.length === 0) throw new CairnError('not-found', 'no more files differ');
  const files = listed.files.map((one) => ({ file: one, diff: undefined }));
  const { count, totals } = listed;
  return {
    files: patch === undefined ? files : withLines(listed.files, patch.output, patch.complete),
    first,
    count,
    totals,
  };
}

/** Reads the answer of a session. @returns undefined for one with so many files that their lines are not counted */
function readAnswer(answer: Buffer): Differences | undefined {
  const between = answer.indexOf(BETWEEN);
  const end = between === -1 ? answer.length : between + 1;
  const reader = new ChangedFilesReader(0, FILES_ON_A_PAGE);
  reader.push(answer.subarray(0, end));
  reader.end();
  const { files, count, totals } = reader;
  if (count > MOST_COUNTED) return undefined;
  return { files: withLines(files, answer.subarray(end + 1), true), first: 0, count, totals };
}

/** Compares one file, whatever the others are. */
async function compareOne(
  view: RepositoryView,
  input: string,
  at: number,
  question: DifferencesQuestion,
): Promise<Differences> {
  const { files, count, totals } = await listFiles(view, input, at - 1, 1, question);
  const [file] = files;
  if (file === undefined) throw new CairnError('not-found', 'there is no such changed file');
  const found = await compareFile(view, file, question);
  const diff = found === undefined ? undefined : withMarks(found, { steps: WORD_STEPS });
  return { files: [{ file, diff }], first: at - 1, count, totals };
}

async function listFiles(
  view: RepositoryView,
  input: string,
  first: number,
  most: number,
  question: DifferencesQuestion,
): Promise<Pick<Differences, 'count' | 'totals'> & { readonly files: readonly ChangedFile[] }> {
  const command = listDifferences(await view.gitDir(), question);
  const short = await firstBytes(view, command, input, SHORT_LIST);
  let reader = new ChangedFilesReader(first, most);
  const take = (piece: Buffer) => {
    reader.push(piece);
    return !(reader.listedAll && reader.count > MOST_COUNTED);
  };
  if (short.complete) take(short.output);
  else {
    reader = new ChangedFilesReader(first, most);
    const end = await readOutput(view, command, input, { bytes: MOST_LISTED, milliseconds: LIST_MS }, take);
    if (end === 'cut') throw new CairnError('too-large', 'too many files differ to show them');
  }
  const { files, count } = reader;
  if (reader.listedAll && count > MOST_COUNTED) return { files, count, totals: undefined };
  reader.end();
  return { files, count, totals: reader.totals };
}

/** Gives files the lines that a patch has of them, as many as a page shows. */
function withLines(files: readonly ChangedFile[], output: Buffer, complete: boolean): FileDifference[] {
  const sections = new Map<string, PatchSection[]>();
  for (const section of splitPatch(output, complete)) {
    const same = sections.get(section.head);
    if (same === undefined) sections.set(section.head, [section]);
    else same.push(section);
  }
  const budget = { steps: WORD_STEPS };
  let left = MOST_LINES;
  return files.map((file) => {
    const found = sections.get(sectionHead(file));
    // A patch has nothing about a file that differs only in white space, if that is left out.
    if (left === 0 || (found === undefined && !complete)) return { file, diff: undefined };
    const diff = parseFileDiff(found ?? [], { ...BOUNDS, lines: Math.min(BOUNDS.lines, left) });
    left -= countLines(diff);
    return { file, diff: withMarks(diff, budget) };
  });
}

function withMarks(diff: FileDiff, budget: WordBudget): FileDiff {
  return { ...diff, hunks: diff.hunks.map((hunk) => markWords(hunk, budget)) };
}
