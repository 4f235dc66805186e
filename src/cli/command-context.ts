/** What a command may use of its environment. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  /** Prints output: one call, one or more lines. */
  readonly print: (text: string) => void;
  /** Prints a warning, one line on standard error. */
  readonly warn: (text: string) => void;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
}
