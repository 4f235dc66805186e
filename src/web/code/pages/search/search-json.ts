import { z } from 'zod';
import { SEARCH_TYPES } from '../../../../browse/search/query.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import type { Found, SearchQuestion } from './search-question.ts';

const lineSchema = z.object({
  number: z.number().int(),
  text: z.string().describe('of a very long line, the part around the match'),
  found: z
    .object({ from: z.number().int(), to: z.number().int() })
    .nullable()
    .describe('positions of matches in the text, in UTF-16 units; null for lines around a match'),
});

export const searchSchema = z.object({
  revision: z.string(),
  type: z.enum(SEARCH_TYPES),
  query: z.string(),
  cut: z.boolean().describe('whether a limit was reached, so that there may be more'),
  files: z.array(z.object({ path: nameSchema, lines: z.array(lineSchema) })).describe('for code'),
  paths: z
    .array(z.object({ path: nameSchema, at: z.array(z.number().int()).describe('matching characters') }))
    .describe('for paths, the best first'),
  commits: z.array(commitSchema).describe('for commits, newest first'),
});

export type SearchJson = z.infer<typeof searchSchema>;

export function searchJson({ name, type, query }: SearchQuestion, found: Found): SearchJson {
  return {
    revision: name,
    type,
    query,
    cut: found.type !== 'nothing' && found.cut,
    files:
      found.type === 'code'
        ? found.files.map(({ path, lines }) => ({
            path: pathJson(path),
            lines: lines.map((line) => ({
              ...line,
              found: line.found === undefined ? null : { ...line.found },
            })),
          }))
        : [],
    paths:
      found.type === 'paths'
        ? found.paths.map(({ path, at }) => ({ path: pathJson(path), at: [...at] }))
        : [],
    commits: found.type === 'commits' ? found.commits.map(commitJson) : [],
  };
}
