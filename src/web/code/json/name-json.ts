import { z } from 'zod';
import { encodeSegment } from '../code-links.ts';

/** A name or a path of git. It is bytes, which need not be UTF-8. */
export const nameSchema = z.object({
  text: z.string().describe('as UTF-8; bytes that are none are replaced'),
  encoded: z.string().describe('exact: percent-encoded, as in URLs'),
});

/** @param names of folders, and of a file at last */
export function pathJson(names: readonly Buffer[]): z.infer<typeof nameSchema> {
  return {
    text: names.map((name) => name.toString('utf8')).join('/'),
    encoded: names.map(encodeSegment).join('/'),
  };
}

/** @param path whole, with slashes */
export function wholePathJson(path: Buffer): z.infer<typeof nameSchema> {
  const encoded = path
    .toString('latin1')
    .split('/')
    .map((name) => encodeSegment(Buffer.from(name, 'latin1')))
    .join('/');
  return { text: path.toString('utf8'), encoded };
}
