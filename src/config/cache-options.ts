import type { Option } from './option.ts';

/** Settings of what is kept on local disk, beside its folder. */
export const CACHE_OPTIONS = [
  {
    name: 'cache-size',
    variable: 'CAIRN_CACHE_SIZE',
    value: '<size>',
    default: '20GiB',
    description: 'Size of the artifact cache. Artifacts in use stay even above this size.',
    commands: 'serve',
  },
  {
    name: 'answer-cache-size',
    variable: 'CAIRN_ANSWER_CACHE_SIZE',
    value: '<size>',
    default: '2GiB',
    description:
      'Size of the cache of git responses, which serves clients that repeat a request; it is separate from the artifact cache. A response above a quarter of this size is not cached. 0 turns the cache off.',
    commands: 'serve',
  },
  {
    name: 'download-cache-size',
    variable: 'CAIRN_DOWNLOAD_CACHE_SIZE',
    value: '<size>',
    default: '2GiB',
    description:
      'Size of the cache of archives, and of files above 4 MiB that were sent raw. It is separate from the other caches. A download above a quarter of this size is not cached. 0 turns the cache off.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
