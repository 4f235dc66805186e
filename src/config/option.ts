/** One setting: its flag, its variable, its meaning and its default. */
export interface Option {
  /** Flag without the dashes, which is also the name of the setting. */
  readonly name: string;
  /** Environment variable. The flag takes precedence. */
  readonly variable: string;
  /** Placeholder of the value in help, or undefined for a switch. */
  readonly value?: string;
  readonly default: string;
  readonly description: string;
  /**
   * Commands that accept it: `all` for all that work on a store, `serve` for the server, `client` for those that talk
   * to a server.
   */
  readonly commands: 'all' | 'serve' | 'client';
}
