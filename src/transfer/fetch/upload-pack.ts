import { encodeSideband, ResponseFrames } from '../../git/index.ts';
import { uploadPack } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import {
  failureReason,
  needsMoreMemory,
  ranOutOfMemory,
  saysThatMemoryIsShort,
} from '../../git-process/result.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { writeChunk } from '../../lib/streams.ts';
import type { Output } from '../output.ts';
import type { RequestBody } from '../request-body.ts';
import type { ProtocolVersion } from './advertise-refs.ts';
import { uploadRefusal } from './upload-refusal.ts';

/** What a client is told in place of "possible repository corruption", which git makes of any death of its child. */
const PACKING_LACKS_MEMORY = needsMoreMemory('pack-objects');

export interface UploadPackRun {
  /** The repository to answer from. */
  readonly gitDir: string;
  /** About how many objects it has. */
  readonly objects: number;
  readonly version: ProtocolVersion;
  readonly body: RequestBody;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** How git answered: all of it; with a reason in place of an answer; or it broke, and the client was told so in the answer. */
export type UploadPackEnd =
  | { readonly end: 'whole' }
  | { readonly end: 'refused'; readonly reason: string }
  | { readonly end: 'broken'; readonly trouble: CairnError };

/**
 * Runs `git upload-pack`, both directions streamed at once so that thousands of haves cannot fill a pipe nobody reads.
 *
 * Git tells its clients some reasons in the answer and dies of others without a word to them. Those are added here, as an ERR
 * packet, or on side-band 3 once that has begun: of a failed POST git shows nothing but an answer.
 *
 * @throws CairnError `unavailable` when git broke and the client cannot be told in the answer, because none has begun or
 *   because it stands in the middle of something; what reading the body throws; the signal's reason when it is aborted
 */
export async function runUploadPack(git: Git, run: UploadPackRun): Promise<UploadPackEnd> {
  const { gitDir, objects, version, body, output, signal } = run;
  const running = git.start(uploadPack(gitDir, version, objects), { signal });
  running.stderr.resume();
  const feeding = feed(body, running.stdin).catch((error: unknown) => {
    running.stop();
    return error;
  });
  const frames = new ResponseFrames();
  let answered = false;
  let lacksMemory = false;
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      answered = true;
      // What follows git's own last words is nothing.
      if (lacksMemory) continue;
      const givesUpAt = frames.push(chunk);
      lacksMemory = givesUpAt !== undefined && saysThatMemoryIsShort(frames.progress);
      const told = lacksMemory
        ? Buffer.concat([chunk.subarray(0, givesUpAt), ...encodeSideband(3, `${PACKING_LACKS_MEMORY}\n`)])
        : chunk;
      if (!(await output.write(told))) {
        running.stop();
        break;
      }
    }
  } finally {
    running.stdout.destroy();
  }
  const result = await running.ended;
  signal.throwIfAborted();
  const trouble = result.cancelled ? await feeding : undefined;
  if (isCairnError(trouble)) throw trouble;
  // Who has gone does not hear how it ended.
  if (result.exitCode === 0 || result.cancelled) return { end: 'whole' };
  if (lacksMemory) return { end: 'refused', reason: PACKING_LACKS_MEMORY };
  const refusal = ranOutOfMemory(result) ? failureReason('upload-pack', result) : uploadRefusal(result);
  const toldByGit = frames.endsWithError;
  if (refusal !== undefined) {
    const packet = frames.errorPacket(refusal);
    if (packet !== undefined) await output.write(packet);
    if (packet !== undefined || toldByGit) return { end: 'refused', reason: refusal };
  }
  const broken = new CairnError('unavailable', failureReason('upload-pack', result), {
    publicText: 'git could not make this answer; the log of the server has the reason',
  });
  if (!answered) throw broken;
  const packet = frames.errorPacket(broken.publicText);
  if (packet !== undefined) await output.write(packet);
  if (packet === undefined && !toldByGit) throw broken;
  return { end: 'broken', trouble: broken };
}

/** Copies the body to git. When git stops reading, it has what it needs: the rest stays unread. */
async function feed(body: RequestBody, stdin: Parameters<typeof writeChunk>[0]): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await writeChunk(stdin, chunk))) return;
  }
  stdin.end();
}
