import { z } from 'zod';
import type { Differences, FileDifference } from '../../../browse/differences.ts';
import { nameSchema, wholePathJson } from './name-json.ts';

const lineSchema = z.object({
  kind: z.enum(['context', 'added', 'deleted']),
  oldLine: z.number().int().nullable(),
  newLine: z.number().int().nullable(),
  text: z.string(),
  noLineFeed: z.boolean(),
});

export const differencesSchema = z.object({
  count: z.number().int().describe('number of changed files, including those left out'),
  first: z.number().int().describe('position of the first listed file among all, from 0'),
  totals: z
    .object({ added: z.number().int(), deleted: z.number().int() })
    .nullable()
    .describe('lines of all files; null if very many files differ'),
  files: z.array(
    z.object({
      status: z.enum(['added', 'deleted', 'modified', 'renamed', 'copied', 'type-changed']),
      oldPath: nameSchema,
      newPath: nameSchema,
      oldMode: z.string(),
      newMode: z.string(),
      oldId: z.string(),
      newId: z.string(),
      added: z
        .number()
        .int()
        .nullable()
        .describe('lines; null for binary files, and if very many files differ'),
      deleted: z.number().int().nullable(),
      diff: z
        .object({
          binary: z.boolean(),
          cut: z.boolean().describe('whether lines were left out'),
          hunks: z.array(z.object({ heading: z.string(), lines: z.array(lineSchema) })),
        })
        .nullable()
        .describe('null if the lines exceed the size of one answer'),
    }),
  ),
});

export function differencesJson(differences: Differences): z.infer<typeof differencesSchema> {
  const { files, first, count, totals } = differences;
  return { count, first, totals: totals ?? null, files: files.map(fileJson) };
}

function fileJson({ file, diff }: FileDifference): z.infer<typeof differencesSchema>['files'][number] {
  const { status, oldMode, newMode, oldId, newId, added, deleted } = file;
  return {
    status,
    oldPath: wholePathJson(file.oldPath),
    newPath: wholePathJson(file.newPath),
    oldMode,
    newMode,
    oldId,
    newId,
    added: added ?? null,
    deleted: deleted ?? null,
    diff:
      diff === undefined
        ? null
        : {
            binary: diff.binary,
            cut: diff.cut,
            hunks: diff.hunks.map(({ heading, lines }) => ({
              heading,
              lines: lines.map(({ kind, oldLine, newLine, text, noLineFeed }) => ({
                kind,
                oldLine: oldLine ?? null,
                newLine: newLine ?? null,
                text,
                noLineFeed: noLineFeed === true,
              })),
            })),
          },
  };
}
