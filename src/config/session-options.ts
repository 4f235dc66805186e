import type { Option } from './option.ts';

/** Settings of browsers that sign in. */
export const SESSION_OPTIONS = [
  {
    name: 'session-lifetime',
    variable: 'CAIRN_SESSION_LIFETIME',
    value: '<seconds>',
    default: '43200',
    description:
      'How many seconds a browser stays signed in to the pages of private repositories, at most a week. 0 lets nobody sign in. Should be the same on all servers of a bucket.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
