import type { Option } from './option.ts';

/** What clients may cost by being many, or slow. */
export const SLOW_CLIENT_OPTIONS = [
  {
    name: 'idle-timeout',
    variable: 'CAIRN_IDLE_TIMEOUT',
    value: '<seconds>',
    default: '120',
    description:
      'Seconds by which a client may fall behind `--min-rate`, or be silent, while the server waits for it. After that it is cut off.',
    commands: 'serve',
  },
  {
    name: 'min-rate',
    variable: 'CAIRN_MIN_RATE',
    value: '<size>',
    default: '512B',
    description:
      'Bytes a second that a client has to send, or to take, on average while the server waits for it. What the server itself takes its time for does not count.',
    commands: 'serve',
  },
  {
    name: 'max-connections',
    variable: 'CAIRN_MAX_CONNECTIONS',
    value: '<count>',
    default: '8192',
    description:
      'Connections that may be open at once. When there are more, an idle one of the address that has most is closed. The limit on open files of the process has to be at least twice as high.',
    commands: 'serve',
  },
  {
    name: 'max-connections-per-address',
    variable: 'CAIRN_MAX_CONNECTIONS_PER_ADDRESS',
    value: '<count>',
    default: '256',
    description:
      'Connections that may be open at once from one network address (of IPv6: from one /64). Not looked at behind proxies (`--trusted-proxies`), where all connections come from a proxy.',
    commands: 'serve',
  },
  {
    name: 'max-requests-per-address',
    variable: 'CAIRN_MAX_REQUESTS_PER_ADDRESS',
    value: '<count>',
    default: '128',
    description:
      'Git requests under way at once from one network address (of IPv6: from one /64). As many more wait, and beyond them requests are answered `busy`.',
    commands: 'serve',
  },
  {
    name: 'spool-size',
    variable: 'CAIRN_SPOOL_SIZE',
    value: '<size>',
    default: '8GiB',
    description:
      'Bytes on disk, beside the cache, for pushes that come slowly and answers that are read slowly, so that they keep no git waiting. One address gets half of it at most.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
