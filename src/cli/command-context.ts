/** What a command may use of the world. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  /** What was asked for; one call, one line or more. */
  readonly print: (text: string) => void;
  /** What a person should know besides: one line, on standard error. */
  readonly warn: (text: string) => void;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
}
