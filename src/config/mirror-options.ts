import type { Option } from './option.ts';

/** Settings of the mirrors that a server keeps. */
export const MIRROR_OPTIONS = [
  {
    name: 'mirrors',
    variable: 'CAIRN_MIRRORS',
    value: '<on|off>',
    default: 'on',
    description:
      'Keep [mirrors](../how-to/keep-a-mirror.md): repositories that follow others elsewhere, or are copied there. Whoever may push to a repository may add mirrors of it. `off`: none run here, and none can be added.',
    commands: 'serve',
  },
  {
    name: 'mirror-allow',
    variable: 'CAIRN_MIRROR_ALLOW',
    value: '<addresses>',
    default: '',
    description:
      'Addresses that mirrors may reach although they are not public, separated by commas: addresses, ranges such as `10.1.0.0/16`, and host names. Credentials may be sent to them over http.',
    commands: 'serve',
  },
  {
    name: 'mirror-interval',
    variable: 'CAIRN_MIRROR_INTERVAL',
    value: '<seconds>',
    default: '60',
    description: 'Shortest interval of a mirror, in seconds.',
    commands: 'serve',
  },
  {
    name: 'mirror-concurrency',
    variable: 'CAIRN_MIRROR_CONCURRENCY',
    value: '<count>',
    default: '2',
    description: 'Mirrors that run at the same time; those of one owner get at most three quarters of them.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
