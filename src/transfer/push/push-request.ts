import type { Random } from '../../lib/random.ts';
import type { IntakeContext } from '../../repository/intake/intake-context.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import type { Output } from '../output.ts';
import type { BeginningPush } from './begin.ts';
import type { PushLimits } from './limits.ts';
import type { SlowPushes } from './pack-intake.ts';
import type { PushRulesContext } from './rules.ts';
import type { StrangerPushes } from './stranger-push.ts';
import type { PushSummary } from './summary.ts';
import type { UnpackTime } from './unpack-time.ts';

/** The context of all pushes of a server. */
export interface ReceivePushContext extends PushRulesContext, IntakeContext {
  readonly slots: FairSemaphore;
  /** Slots and traffic limits for pushes of strangers. Absent if strangers may not push. */
  readonly strangerPushes?: StrangerPushes;
  readonly unpackTime: UnpackTime;
  readonly slowPushes: SlowPushes;
  readonly random: Random;
  readonly limits: PushLimits;
}

/** One incoming push. */
export interface PushRequestIn extends BeginningPush {
  readonly output: Output;
  /** Aborted when the client has gone; a push that has joined the publisher goes on. */
  readonly signal: AbortSignal;
  /** Called when the client has its answer, while the files of the push are still being deleted in the background. */
  readonly onAnswered: (summary: PushSummary) => Promise<void>;
}
