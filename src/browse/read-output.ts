import type { GitCommand } from '../git-process/commands.ts';
import { failureReason, ranOutOfMemory } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import type { RepositoryView } from './repository-view.ts';

/** How much of the output of a command is read. */
export interface ReadBounds {
  readonly bytes: number;
  readonly milliseconds: number;
  /** Exit codes that are no failure; 0 if absent. */
  readonly fine?: readonly number[];
}

/**
 * Why reading ended: git printed everything, the reader had enough, or a bound was met, git's own bound of memory included.
 */
export type ReadEnd = 'whole' | 'enough' | 'cut';

/**
 * Runs a command and hands out what it prints until a bound is met; then git is ended.
 * @param take gets each piece; returns false when it has enough
 * @throws CairnError `unavailable` when git fails; the reason of the view's signal
 */
export async function readOutput(
  view: RepositoryView,
  command: GitCommand,
  input: string | Uint8Array,
  { bytes, milliseconds, fine = [0] }: ReadBounds,
  take: (piece: Buffer) => boolean,
): Promise<ReadEnd> {
  const running = view.git.start(command, { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(input);
  let size = 0;
  let enough = false;
  const bound = { met: false };
  const timer = setTimeout(() => {
    bound.met = true;
    view.onCut?.();
    running.stop();
  }, milliseconds);
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      const piece = chunk.subarray(0, bytes - size);
      size += piece.length;
      enough = !take(piece);
      bound.met ||= !enough && piece.length < chunk.length;
      if (enough || bound.met) break;
    }
  } catch (error) {
    running.stop();
    throw error;
  } finally {
    clearTimeout(timer);
    if (enough || bound.met) running.stop();
    running.stdout.destroy();
  }
  const result = await running.ended;
  view.signal.throwIfAborted();
  if (enough) return 'enough';
  if (bound.met || ranOutOfMemory(result)) return 'cut';
  if (result.exitCode !== null && fine.includes(result.exitCode)) return 'whole';
  throw new CairnError('unavailable', failureReason(command.name, result));
}

/** Splits pieces of output at each `separator`, which ends a field. What no separator ends is left out. */
export class Fields {
  private readonly separator: number;
  private readonly begun: Buffer[] = [];

  /** @param separator a byte */
  constructor(separator: number) {
    this.separator = separator;
  }

  *of(piece: Buffer): Generator<Buffer> {
    let from = 0;
    for (let at = piece.indexOf(this.separator); at !== -1; at = piece.indexOf(this.separator, from)) {
      const last = piece.subarray(from, at);
      yield this.begun.length === 0 ? last : Buffer.concat([...this.begun.splice(0), last]);
      from = at + 1;
    }
    if (from < piece.length) this.begun.push(piece.subarray(from));
  }
}
