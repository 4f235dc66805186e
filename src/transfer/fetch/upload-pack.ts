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

/** Replaces git's message "possible repository corruption", which it sends whenever its child process fails. */
const PACKING_LACKS_MEMORY = needsMoreMemory('pack-objects');

export interface UploadPackRun {
  /** The repository. */
  readonly gitDir: string;
  /** Approximate number of its objects. */
  readonly objects: number;
  readonly version: ProtocolVersion;
  readonly body: RequestBody;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** True for a way that takes less memory and makes a larger response: no new differences, and none from what the client has. */
  readonly sparing?: boolean;
}

/** How git ended: with a whole response; with a refusal; or it failed, and the response reports that to the client. */
export type UploadPackEnd =
  | { readonly end: 'whole' }
  | { readonly end: 'refused'; readonly reason: string }
  | { readonly end: 'broken'; readonly trouble: CairnError };

/**
 * Runs `git upload-pack`. Both directions stream at the same time, so that thousands of haves cannot fill a pipe and block.
 *
 * git reports some errors in its response, and exits without a message to the client for others. Those are added here, as an
 * ERR packet or, once a side-band has begun, on side-band 3: of a failed POST, git's client shows only what the response says.
 *
 * @throws CairnError `unavailable` if git failed and the response cannot report it, because it has not begun or is in the
 *   middle of a packet; what reading the body throws; the signal's reason if it is aborted
 */
export async function runUploadPack(git: Git, run: UploadPackRun): Promise<UploadPackEnd> {
  const { gitDir, objects, version, body, output, signal, sparing = false } = run;
  const running = git.start(uploadPack(gitDir, version, objects, sparing), { signal });
  running.stderr.resume();
  const copying = copyBody(body, running.stdin).catch((error: unknown) => {
    running.stop();
    return error;
  });
  const frames = new ResponseFrames();
  let answered = false;
  let lacksMemory = false;
  let held: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      answered = true;
      // The error packet ends the response: drop what follows.
      if (lacksMemory) continue;
      const before = held.length;
      const bytes = before === 0 ? chunk : Buffer.concat([held, chunk]);
      const errorAt = frames.push(chunk);
      lacksMemory = errorAt !== undefined && saysThatMemoryIsShort(frames.progress);
      // The beginning of a packet that may have to be replaced waits for the rest of it.
      const decided = bytes.length - frames.undecided;
      held = bytes.subarray(decided);
      const sent = lacksMemory
        ? Buffer.concat([
            bytes.subarray(0, before + (errorAt ?? 0)),
            ...encodeSideband(3, `${PACKING_LACKS_MEMORY}\n`),
          ])
        : bytes.subarray(0, decided);
      if (sent.length > 0 && !(await output.write(sent))) {
        running.stop();
        break;
      }
    }
    if (held.length > 0 && !lacksMemory) await output.write(held);
  } catch (error) {
    // It might work on for long before it notices, and its slot is about to be given to others.
    running.stop();
    running.stdout.destroy();
    await running.ended;
    throw error;
  }
  running.stdout.destroy();
  const result = await running.ended;
  signal.throwIfAborted();
  const bodyError = result.cancelled ? await copying : undefined;
  if (isCairnError(bodyError)) throw bodyError;
  // A client that has gone needs no error.
  if (result.exitCode === 0 || result.cancelled) return { end: 'whole' };
  if (lacksMemory) return { end: 'refused', reason: PACKING_LACKS_MEMORY };
  const refusal = ranOutOfMemory(result) ? failureReason('upload-pack', result) : uploadRefusal(result);
  const reportedByGit = frames.endsWithError;
  if (refusal !== undefined) {
    const packet = frames.errorPacket(refusal);
    if (packet !== undefined) await output.write(packet);
    if (packet !== undefined || reportedByGit) return { end: 'refused', reason: refusal };
  }
  const broken = new CairnError('unavailable', failureReason('upload-pack', result), {
    publicText: 'git could not make this answer; the log of the server has the reason',
  });
  if (!answered) throw broken;
  const packet = frames.errorPacket(broken.publicText);
  if (packet !== undefined) await output.write(packet);
  if (packet === undefined && !reportedByGit) throw broken;
  return { end: 'broken', trouble: broken };
}

/** Copies the body to git. If git stops reading, it needs no more, and the rest stays unread. */
async function copyBody(body: RequestBody, stdin: Parameters<typeof writeChunk>[0]): Promise<void> {
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
    if (!(await writeChunk(stdin, chunk))) return;
  }
  stdin.end();
}
