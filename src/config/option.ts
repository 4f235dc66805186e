/** One setting: its flag, its variable, what it means and what it is when nobody says. */
export interface Option {
  /** Flag without the dashes; also the name of the setting. */
  readonly name: string;
  /** Environment variable. A flag wins over it. */
  readonly variable: string;
  /** What stands for the value in help, or undefined for a switch. */
  readonly value?: string;
  readonly default: string;
  readonly description: string;
  /** Commands that know it: all that work on a store, the server alone, or those by which people speak to a server. */
  readonly commands: 'all' | 'serve' | 'client';
}
