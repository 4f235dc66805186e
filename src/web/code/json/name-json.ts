import { z } from 'zod';
import { pathText, splitPath } from '../../../browse/paths.ts';
import { beginningOfPath, encodePath } from '../code-links.ts';

/** A name or a path of git. It is bytes, which need not be UTF-8. */
export const nameSchema = z.object({
  text: z.string().describe('as UTF-8; invalid bytes are replaced'),
  encoded: z
    .string()
    .describe('exact: percent-encoded, as in URLs; names are cut at 1,024 bytes, paths at 8,192'),
});

/** @param names of folders, and of a file at last */
export function pathJson(names: readonly Buffer[]): z.infer<typeof nameSchema> {
  return { text: pathText(names.map(beginningOfPath)), encoded: encodePath(names) };
}

/** @param path whole, with slashes */
export function wholePathJson(path: Buffer): z.infer<typeof nameSchema> {
  const beginning = beginningOfPath(path);
  return { text: beginning.toString('utf8'), encoded: encodePath(splitPath(beginning)) };
}
