import type { Context } from 'hono';
import { writePatch } from '../../../browse/downloads/write-patch.ts';
import type { GitCommand } from '../../../git-process/commands.ts';
import { sha256 } from '../../../lib/digest.ts';
import { CairnError } from '../../../lib/errors.ts';
import { contentDisposition } from '../../../lib/safe-file-name.ts';
import type { FoundRepository } from '../../find-repository.ts';
import { isKnown } from '../../validators.ts';
import type { DownloadSources } from '../code-download.ts';

/** A patch for `git am`, or a diff for `git apply`. */
export type PatchForm = 'patch' | 'diff';

const ENDING = /\.(patch|diff)$/;

/** Whether the last segment of a path ends like a patch. */
export function isPatch(segments: readonly Buffer[]): boolean {
  return ENDING.test(segments.at(-1)?.toString('latin1') ?? '');
}

/** Splits the ending off. */
export function withoutEnding(segments: readonly Buffer[]): {
  readonly names: readonly Buffer[];
  readonly form: PatchForm;
} {
  const last = segments.at(-1) ?? Buffer.alloc(0);
  const form = last.toString('latin1').endsWith('.diff') ? 'diff' : 'patch';
  return { names: [...segments.slice(0, -1), last.subarray(0, -form.length - 1)], form };
}

/** What a patch is made by: everything that its bytes depend on. */
export interface PatchParts {
  /** Object ids and the form. */
  readonly key: readonly string[];
  readonly name: string;
  command(gitDir: string): GitCommand;
  readonly input: string;
}

/** Answers with a patch, as plain text in which nothing runs. */
export async function answerPatch(
  c: Context,
  { downloads }: DownloadSources,
  found: FoundRepository,
  { key, name, command, input }: PatchParts,
): Promise<Response> {
  if (downloads === undefined) throw new CairnError('not-found', 'there are no patches here');
  const headers = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Disposition': contentDisposition('inline', name),
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
    ETag: `"${sha256(key.join('\n')).slice(0, 32)}"`,
  };
  if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
  if (c.req.method === 'HEAD') return c.body(null, 200, headers);
  const body = await downloads.body(c, found, key, async (view, output) =>
    writePatch(view, command(await view.gitDir()), input, output),
  );
  return c.body(body, 200, headers);
}
