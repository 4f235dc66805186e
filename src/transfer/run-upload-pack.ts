import { uploadPack } from '../git-process/commands.ts';
import type { Git } from '../git-process/git.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError, isCairnError } from '../lib/errors.ts';
import { writeChunk } from '../lib/streams.ts';
import type { ProtocolVersion } from './advertise-refs.ts';
import type { Output } from './output.ts';
import type { RequestBody } from './request-body.ts';

export interface UploadPackRun {
  /** The repository to answer from. */
  readonly gitDir: string;
  readonly version: ProtocolVersion;
  readonly body: RequestBody;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/**
 * Runs `git upload-pack`, both directions streamed at once so that thousands of haves cannot fill a pipe nobody reads.
 *
 * @returns `flawed` when git has told the client itself what is wrong, or the client has gone
 * @throws CairnError `unavailable` when git ended without a word, or violently; what reading the body throws; the
 *   signal's reason when it is aborted
 */
export async function runUploadPack(git: Git, run: UploadPackRun): Promise<'whole' | 'flawed'> {
  const { gitDir, version, body, output, signal } = run;
  const running = git.start(uploadPack(gitDir, version), { signal });
  running.stderr.resume();
  const feeding = feed(body, running.stdin).catch((error: unknown) => {
    running.stop();
    return error;
  });
  let answered = false;
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      answered = true;
      if (!(await output.write(chunk))) {
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
  // git tells its client what is wrong in the stream, if it can: only silence, or a violent end, is left to be told.
  if (result.exitCode !== 0 && (!answered || result.signal !== null)) {
    throw new CairnError('unavailable', failureReason('upload-pack', result));
  }
  return result.exitCode === 0 ? 'whole' : 'flawed';
}

/** Copies the body to git. When git stops reading, it has what it needs: the rest stays unread. */
async function feed(body: RequestBody, stdin: Parameters<typeof writeChunk>[0]): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await writeChunk(stdin, chunk))) return;
  }
  stdin.end();
}
