import type { Option } from './option.ts';

/** Settings of the Fossil repositories that a server has. */
export const FOSSIL_OPTIONS = [
  {
    name: 'fossil-max-message',
    variable: 'CAIRN_FOSSIL_MAX_MESSAGE',
    value: '<size>',
    default: '128MiB',
    description:
      'Largest request of a Fossil client, uncompressed. Clients send some 250 kB in one request, and a larger artifact alone.',
    commands: 'serve',
  },
  {
    name: 'fossil-max-artifact',
    variable: 'CAIRN_FOSSIL_MAX_ARTIFACT',
    value: '<size>',
    default: '128MiB',
    description: 'Largest artifact, and largest unversioned file, that a Fossil client may send.',
    commands: 'serve',
  },
  {
    name: 'fossil-max-artifacts',
    variable: 'CAIRN_FOSSIL_MAX_ARTIFACTS',
    value: '<count>',
    default: '40000',
    description:
      'How many artifacts one request of a Fossil client may bring: each takes memory, however small it is. Clients send some hundred.',
    commands: 'serve',
  },
  {
    name: 'fossil-max-expanded',
    variable: 'CAIRN_FOSSIL_MAX_EXPANDED',
    value: '<size>',
    default: '2GiB',
    description:
      'Bytes that the artifacts of one request may have together, once their deltas are applied. It bounds the work of a request.',
    commands: 'serve',
  },
  {
    name: 'fossil-max-unversioned',
    variable: 'CAIRN_FOSSIL_MAX_UNVERSIONED',
    value: '<size>',
    default: '1GiB',
    description: 'Bytes that the unversioned files of one Fossil repository may have together.',
    commands: 'serve',
  },
  {
    name: 'fossil-reply-size',
    variable: 'CAIRN_FOSSIL_REPLY_SIZE',
    value: '<size>',
    default: '5000000',
    description:
      'Bytes of artifacts in a reply to a Fossil client. What does not fit comes with the next reply. At least one artifact is always sent.',
    commands: 'serve',
  },
  {
    name: 'fossil-reply-time',
    variable: 'CAIRN_FOSSIL_REPLY_TIME',
    value: '<seconds>',
    default: '30',
    description: 'How many seconds a reply to a Fossil client collects artifacts.',
    commands: 'serve',
  },
] as const satisfies readonly Option[];
