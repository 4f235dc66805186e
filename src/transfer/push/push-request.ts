import type { Random } from '../../lib/random.ts';
import type { IntakeContext } from '../../repository/intake/intake-context.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import type { Output } from '../output.ts';
import type { BeginningPush } from './begin.ts';
import type { PushLimits } from './limits.ts';
import type { PuttingAside } from './pack-intake.ts';
import type { PushRulesContext } from './rules.ts';
import type { StrangerPushes } from './stranger-push.ts';
import type { PushSummary } from './summary.ts';
import type { UnpackTime } from './unpack-time.ts';

/** What pushes are taken in with: the same for all of them. */
export interface ReceivePushContext extends PushRulesContext, IntakeContext {
  readonly places: FairSemaphore;
  /** What strangers push has places of its own, and limits by network address. Absent where they may push nothing. */
  readonly strangerPushes?: StrangerPushes;
  readonly unpackTime: UnpackTime;
  readonly puttingAside: PuttingAside;
  readonly random: Random;
  readonly limits: PushLimits;
}

/** One push as it comes in. */
export interface PushRequestIn extends BeginningPush {
  readonly output: Output;
  /** Aborted when the client has gone; a push that has joined the publisher goes on. */
  readonly signal: AbortSignal;
  /** Called once the client has been told all, while what the push leaves behind is cleared away: nobody is to wait for that. */
  readonly onAnswered: (summary: PushSummary) => Promise<void>;
}
