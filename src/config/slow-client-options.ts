import type { Option } from './option.ts';

/** Limits for many or slow clients. */
export const SLOW_CLIENT_OPTIONS = [
  {
    name: 'idle-timeout',
    variable: 'CAIRN_IDLE_TIMEOUT',
    value: '<seconds>',
    default: '120',
    description:
      'How many seconds a client may fall behind `--min-rate`, or be silent, while the server waits for it. After that it is disconnected.',
    commands: 'serve',
  },
  {
    name: 'min-rate',
    variable: 'CAIRN_MIN_RATE',
    value: '<size>',
    default: '512B',
    description:
      'Bytes per second that a client must send or receive on average while the server waits for it. The time that the server itself needs does not count.',
    commands: 'serve',
  },
  {
    name: 'max-connections',
    variable: 'CAIRN_MAX_CONNECTIONS',
    value: '<count>',
    default: '8192',
    description:
      'Maximum number of open connections. Above it, an idle connection of the address with the most connections is closed. The limit on open files of the process must be at least twice as high.',
    commands: 'serve',
  },
  {
    name: 'max-connections-per-address',
    variable: 'CAIRN_MAX_CONNECTIONS_PER_ADDRESS',
    value: '<count>',
    default: '256',
    description:
      'Maximum number of open connections from one network address (IPv6: from one /64). Not applied behind proxies (`--trusted-proxies`), where all connections come from a proxy.',
    commands: 'serve',
  },
  {
    name: 'max-requests-per-address',
    variable: 'CAIRN_MAX_REQUESTS_PER_ADDRESS',
    value: '<count>',
    default: '128',
    description:
      'Concurrent git requests from one network address (IPv6: from one /64). As many more wait; further requests are answered `busy`.',
    commands: 'serve',
  },
  {
    name: 'spool-size',
    variable: 'CAIRN_SPOOL_SIZE',
    value: '<size>',
    default: '8GiB',
    description:
      'Disk space, beside the cache, for slow pushes and for responses that are read slowly, so that they do not occupy git processes. One address gets at most half of it.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
