import type { Option } from './option.ts';
import { SLOW_CLIENT_OPTIONS } from './slow-client-options.ts';

export type { Option } from './option.ts';

/**
 * Every setting of Cairn in one table: its flag, its variable, what it means and what it is when nobody says.
 * The reference page is printed from this table.
 */
export const OPTIONS = [
  {
    name: 'store',
    variable: 'CAIRN_STORE',
    value: '<url>',
    default: 'file:./data',
    description: 'Where repositories live: `file:<folder>` or `s3://<bucket>[/<prefix>]`.',
    commands: 'all',
  },
  {
    name: 's3-endpoint',
    variable: 'CAIRN_S3_ENDPOINT',
    value: '<url>',
    default: '',
    description: 'URL of an S3 service other than AWS.',
    commands: 'all',
  },
  {
    name: 's3-region',
    variable: 'CAIRN_S3_REGION',
    value: '<region>',
    default: '',
    description: 'Region of the bucket; without it AWS_REGION, or `auto` when an endpoint is given.',
    commands: 'all',
  },
  {
    name: 's3-path-style',
    variable: 'CAIRN_S3_PATH_STYLE',
    value: '<true|false>',
    default: '',
    description:
      'Name the bucket in the path instead of the host name; without it true when an endpoint is given.',
    commands: 'all',
  },
  {
    name: 'cache',
    variable: 'CAIRN_CACHE',
    value: '<folder>',
    default: './cache',
    description:
      'Folder for copies of artifacts and for scratch files. One server each; losing it loses nothing. Made for its user alone (mode 700), and refused when others may look into it.',
    commands: 'all',
  },
  {
    name: 'log-level',
    variable: 'CAIRN_LOG_LEVEL',
    value: '<level>',
    default: 'info',
    description: 'debug, info, warn, error or silent. Logs are JSON lines on standard error.',
    commands: 'all',
  },
  {
    name: 'git',
    variable: 'CAIRN_GIT',
    value: '<program>',
    default: 'git',
    description: 'The git to run, 2.39 or newer.',
    commands: 'all',
  },
  {
    name: 'git-memory',
    variable: 'CAIRN_GIT_MEMORY',
    value: '<size>',
    default: '',
    description:
      'Memory that a git process may have, at least 16MiB. A push or fetch that needs more is refused with that reason; files that git maps do not count. A fold may have four times as much, and so may a push or fetch of very many objects while others leave it. Without it as much as the machine allows, up to 1GiB: [all processes together](../explanation/security.md#memory-of-git) fit beside the server.',
    commands: 'all',
  },
  {
    name: 'unreachable-grace',
    variable: 'CAIRN_UNREACHABLE_GRACE',
    value: '<days>',
    default: '7',
    description:
      'Days for which a fold keeps objects that no ref reaches any more. All servers of a bucket need the same.',
    commands: 'all',
  },
  {
    name: 'host',
    variable: 'CAIRN_HOST',
    value: '<address>',
    default: '127.0.0.1',
    description: 'Address to listen on.',
    commands: 'serve',
  },
  {
    name: 'port',
    variable: 'CAIRN_PORT',
    value: '<port>',
    default: '8080',
    description: 'Port to listen on; 0 picks a free one.',
    commands: 'serve',
  },
  {
    name: 'admin-listen',
    variable: 'CAIRN_ADMIN_LISTEN',
    value: '<host:port>',
    default: '',
    description:
      'Address for operators, for example `127.0.0.1:9090`: `/metrics`, and `/readyz` with reasons, are then only there. Keep it from the public.',
    commands: 'serve',
  },
  {
    name: 'access',
    variable: 'CAIRN_ACCESS',
    value: '<mode>',
    default: 'signed',
    description:
      '`signed`: pushes are authorized by signatures. `read-only`: nobody may push. `open`: anyone may, for development, on a loopback address only.',
    commands: 'serve',
  },
  {
    name: 'public-url',
    variable: 'CAIRN_PUBLIC_URL',
    value: '<url>',
    default: '',
    description:
      'URL clients reach this server at, for example `https://git.example.org`: signatures are made for it. Without it the address listened on, which must then be a loopback address.',
    commands: 'serve',
  },
  {
    name: 'trusted-proxies',
    variable: 'CAIRN_TRUSTED_PROXIES',
    value: '<count>',
    default: '0',
    description:
      'Proxies in front of this server whose word on who calls (X-Forwarded-For) is believed; limits by address need it.',
    commands: 'serve',
  },
  {
    name: 'service-key',
    variable: 'CAIRN_SERVICE_KEY',
    value: '<file>',
    default: './service.key',
    description:
      'File with the secret key this service signs with, made at the first start. All servers of a bucket need the same one.',
    commands: 'serve',
  },
  {
    name: 'service-name',
    variable: 'CAIRN_SERVICE_NAME',
    value: '<name>',
    default: 'Cairn',
    description: 'What the service is called on its pages and in its relay information.',
    commands: 'serve',
  },
  {
    name: 'service-description',
    variable: 'CAIRN_SERVICE_DESCRIPTION',
    value: '<text>',
    default: 'Git repositories, and the events that belong to them.',
    description: 'What the service says of itself on its front page and in its relay information.',
    commands: 'serve',
  },
  {
    name: 'service-contact',
    variable: 'CAIRN_SERVICE_CONTACT',
    value: '<url>',
    default: '',
    description:
      'How to reach the operator, in the relay information: a URL such as `mailto:admin@example.org` or `https://…`.',
    commands: 'serve',
  },
  {
    name: 'service-icon',
    variable: 'CAIRN_SERVICE_ICON',
    value: '<url>',
    default: '',
    description:
      'URL of a square image for the relay information. Pages of Cairn load nothing from elsewhere.',
    commands: 'serve',
  },
  {
    name: 'operator',
    variable: 'CAIRN_OPERATOR',
    value: '<key>',
    default: '',
    description:
      'Public key of whoever runs the service, npub or hex: `pubkey` in the relay information. It gives no rights.',
    commands: 'serve',
  },
  {
    name: 'maintainers',
    variable: 'CAIRN_MAINTAINERS',
    value: '<rule>',
    default: 'recursive',
    description:
      'Who may write besides an owner. `recursive`: whom announcements name, and whom those name. `reciprocal`: of them only those who name a member in turn. `owner-only`: nobody.',
    commands: 'serve',
  },
  {
    name: 'max-repositories',
    variable: 'CAIRN_MAX_REPOSITORIES',
    value: '<count>',
    default: '1000',
    description: 'Most repositories one key may have.',
    commands: 'serve',
  },
  {
    name: 'removal-grace',
    variable: 'CAIRN_REMOVAL_GRACE',
    value: '<days>',
    default: '7',
    description: 'Days for which the objects of a withdrawn repository are kept.',
    commands: 'serve',
  },
  {
    name: 'tls-cert',
    variable: 'CAIRN_TLS_CERT',
    value: '<file>',
    default: '',
    description: 'Certificate chain in PEM; with `--tls-key`, HTTPS is served instead of HTTP.',
    commands: 'serve',
  },
  {
    name: 'tls-key',
    variable: 'CAIRN_TLS_KEY',
    value: '<file>',
    default: '',
    description: 'Private key in PEM.',
    commands: 'serve',
  },
  {
    name: 'probe',
    variable: 'CAIRN_PROBE',
    value: '<on|off>',
    default: 'on',
    description:
      'Prove at start that the object store keeps its promises, and refuse to run if not. `off` risks lost pushes.',
    commands: 'serve',
  },
  {
    name: 'cache-size',
    variable: 'CAIRN_CACHE_SIZE',
    value: '<size>',
    default: '20GiB',
    description: 'Bytes of artifacts kept in the cache; what is in use stays even beyond it.',
    commands: 'serve',
  },
  {
    name: 'answer-cache-size',
    variable: 'CAIRN_ANSWER_CACHE_SIZE',
    value: '<size>',
    default: '2GiB',
    description:
      'Bytes of answers of git kept for clients that ask the same again, beside the cache; none is kept that takes more than a quarter. 0 keeps none.',
    commands: 'serve',
  },
  {
    name: 'max-push-size',
    variable: 'CAIRN_MAX_PUSH_SIZE',
    value: '<size>',
    default: '8GiB',
    description: 'Largest pack accepted in one push.',
    commands: 'serve',
  },
  {
    name: 'max-object-size',
    variable: 'CAIRN_MAX_OBJECT_SIZE',
    value: '<size>',
    default: '100MiB',
    description:
      'Largest file, or other object, accepted in a push; at least 1MiB. Up to two fifths of `--git-memory`, git holds objects in memory and unpacks nothing that is larger. Above that, files are streamed, and one that is too large is noticed only when it has been unpacked. Strangers never get to send more than these two fifths.',
    commands: 'serve',
  },
  {
    name: 'max-refs-per-push',
    variable: 'CAIRN_MAX_REFS_PER_PUSH',
    value: '<count>',
    default: '50000',
    description: 'Most refs changed by one push.',
    commands: 'serve',
  },
  {
    name: 'anonymous-pushes',
    variable: 'CAIRN_ANONYMOUS_PUSHES',
    value: '<on|off|limits>',
    default: 'bytes=512MiB,objects=400000,refs=1000,object=16MiB,places=2',
    description:
      'What people without a right of their own may push to `refs/nostr/<event id>`, the tips of pull requests: `bytes` of packs, `objects` and `refs` in one repository, no `object` larger than that, by as many at once as there are `places`. One push may bring a quarter of it, one network address as much in an hour, all together 16 times that. What is not named is as by default, which is `on`; `off` takes such pushes from nobody.',
    commands: 'serve',
  },
  ...SLOW_CLIENT_OPTIONS,
  {
    name: 'git-concurrency',
    variable: 'CAIRN_GIT_CONCURRENCY',
    value: '<count>',
    default: '',
    description:
      'Fetches and pushes that run git at once; no more than three quarters of them for any one repository. Without it one for each GiB of memory that the machine has, 4 to 32, and fewer where `--git-memory` is set to more than so many could have.',
    commands: 'serve',
  },
  {
    name: 'git-queue',
    variable: 'CAIRN_GIT_QUEUE',
    value: '<count>',
    default: '512',
    description:
      'Fetches and pushes that may wait for their turn; of more, the last of the repository with most is answered `busy`.',
    commands: 'serve',
  },
  {
    name: 'fold',
    variable: 'CAIRN_FOLD',
    value: '<on|off>',
    default: 'on',
    description: 'Gather the packs of repositories in the background, so that they stay fast as they grow.',
    commands: 'serve',
  },
  {
    name: 'offload',
    variable: 'CAIRN_OFFLOAD',
    value: '<what>',
    default: 'off',
    description:
      'Send clients that ask for it to the S3 bucket for what is large: `bundle-uri`, `packfile-uris`, `both` or `off`. Of public repositories only.',
    commands: 'serve',
  },
  {
    name: 'offload-endpoint',
    variable: 'CAIRN_OFFLOAD_ENDPOINT',
    value: '<url>',
    default: '',
    description: 'URL of the S3 service as clients reach it; without it the one this server uses.',
    commands: 'serve',
  },
  {
    name: 'offload-expiry',
    variable: 'CAIRN_OFFLOAD_EXPIRY',
    value: '<seconds>',
    default: '3600',
    description:
      'Seconds for which clients may begin to read what they are sent to. A download that has begun goes on.',
    commands: 'serve',
  },
  {
    name: 'swap-patience',
    variable: 'CAIRN_SWAP_PATIENCE',
    value: '<seconds>',
    default: '30',
    description: 'Seconds to go on asking a store that does not answer what became of a push.',
    commands: 'serve',
  },
  {
    name: 'shutdown-grace',
    variable: 'CAIRN_SHUTDOWN_GRACE',
    value: '<seconds>',
    default: '60',
    description: 'Seconds that running requests get to finish when the server is asked to stop.',
    commands: 'serve',
  },
  {
    name: 'server',
    variable: 'CAIRN_SERVER',
    value: '<url>',
    default: '',
    description: 'The server to speak to, by its public URL, for example `https://git.example.org`.',
    commands: 'client',
  },
  {
    name: 'key',
    variable: 'CAIRN_KEY_FILE',
    value: '<file>',
    default: '~/.config/cairn/key',
    description: 'File with your secret key; `cairn key new` makes one.',
    commands: 'client',
  },
] as const satisfies readonly Option[];

export type OptionName = (typeof OPTIONS)[number]['name'];
