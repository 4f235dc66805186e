import { z } from 'zod';
import { readBlame } from '../../../../browse/blame.ts';
import { readBlob } from '../../../../browse/objects.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { readFileText } from '../../file-text.ts';
import { personJson, personSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson, wholePathJson } from '../../json/name-json.ts';
import { LiesElsewhere } from '../../lies-elsewhere.ts';
import { shownLines } from '../../shown-lines.ts';
import { findEntry } from '../file/find-file.ts';
import { SHOWN_SIZE } from '../file/show-file.ts';
import { type BlameContent, blameHtml } from './blame-html.ts';

/** Milliseconds for which git looks for where lines come from. */
const TIME_LIMIT = 5_000;

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  commit: z.string(),
  lines: z.array(z.string()),
  cut: z.boolean().describe('whether lines, or parts of them, were left out'),
  complete: z
    .boolean()
    .describe('whether every line is in a group: very long histories are not followed completely'),
  groups: z.array(
    z.object({
      first: z.number().int().describe('line in this file, from 1'),
      count: z.number().int(),
      commit: z.string(),
      firstThere: z.number().int().describe('line in the file of that commit'),
      path: nameSchema.describe('of the file in that commit'),
      previous: z
        .object({ commit: z.string(), path: nameSchema })
        .nullable()
        .describe('the previous commit, without these lines; null at the beginning of the file'),
    }),
  ),
  commits: z
    .array(z.object({ oid: z.string(), author: personSchema, subject: z.string() }))
    .describe('of the groups'),
});

/** Where the lines of a file come from. */
export const blamePage: CodePage<Revision, BlameContent, z.infer<typeof schema>> = {
  word: 'blame',
  offersRefs: true,
  description: {
    summary: 'The author, date and commit of each line of a file',
    path: 'blame/{revision}/{path}',
  },
  ask: (_, { manifest }, segments) => readRevision(manifest, segments),
  read: async ({ view, renderer, representation }, at) => {
    const { kind, oid, commit } = await findEntry(view, at);
    if (kind === 'folder') throw new LiesElsewhere('tree');
    const isText = kind === 'file' || kind === 'executable';
    if (commit === undefined || !isText) throw new CairnError('not-found', `a ${kind} has no lines`);
    const read = readFileText(await readBlob(view, oid, SHOWN_SIZE));
    if (read.is === 'binary') throw new LiesElsewhere('file');
    const name = at.path.at(-1)?.toString('utf8') ?? '';
    const lines = await shownLines(read, representation === 'html' ? { renderer, name } : undefined);
    const blame = await readBlame(view, commit, at.path, lines.lines.length, TIME_LIMIT);
    return { commit, lines, blame };
  },
  html: blameHtml,
  json: {
    schema,
    of: (_, at, { commit, lines, blame }) => ({
      revision: at.name,
      path: pathJson(at.path),
      commit,
      lines: [...lines.lines],
      cut: lines.cut,
      complete: blame.complete,
      groups: blame.groups.map(({ oid, first, count, firstThere, path, previous }) => ({
        first,
        count,
        commit: oid,
        firstThere,
        path: wholePathJson(path),
        previous:
          previous === undefined ? null : { commit: previous.oid, path: wholePathJson(previous.path) },
      })),
      commits: [...blame.commits.values()].map(({ oid, author, subject }) => ({
        oid,
        author: personJson(author),
        subject,
      })),
    }),
  },
};
