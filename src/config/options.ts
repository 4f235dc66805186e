import { CACHE_OPTIONS } from './cache-options.ts';
import { FOSSIL_OPTIONS } from './fossil-options.ts';
import { MIRROR_OPTIONS } from './mirror-options.ts';
import type { Option } from './option.ts';
import { SESSION_OPTIONS } from './session-options.ts';
import { SLOW_CLIENT_OPTIONS } from './slow-client-options.ts';

export type { Option } from './option.ts';

/**
 * Every setting of Cairn in one table: its flag, its variable, its meaning and its default. The reference page is
 * generated from this table.
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
    description: 'Region of the bucket. The default is AWS_REGION, or `auto` if an endpoint is given.',
    commands: 'all',
  },
  {
    name: 's3-path-style',
    variable: 'CAIRN_S3_PATH_STYLE',
    value: '<true|false>',
    default: '',
    description:
      'Put the bucket into the path instead of the host name. The default is true if an endpoint is given.',
    commands: 'all',
  },
  {
    name: 'cache',
    variable: 'CAIRN_CACHE',
    value: '<folder>',
    default: './cache',
    description:
      'Folder for cached artifacts and scratch files. Each server needs its own. Its content can be lost without harm, and deleted while the server runs. Created with mode 700, and refused if other users can read it.',
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
    description: 'The git program, version 2.39 or newer.',
    commands: 'all',
  },
  {
    name: 'git-memory',
    variable: 'CAIRN_GIT_MEMORY',
    value: '<size>',
    default: '',
    description:
      'Memory limit of a git process, at least 16MiB. A push or fetch that needs more is refused with that reason; memory-mapped files do not count. One fifth of it is for commits, tags, and trees within each other: a push of larger ones is refused. A fold may use four times as much, and so may a push or fetch of very many objects while memory is free. The default depends on the memory of the machine, up to 1GiB, so that [all processes together](../explanation/security.md#memory-of-git) fit beside the server.',
    commands: 'all',
  },
  {
    name: 'unreachable-grace',
    variable: 'CAIRN_UNREACHABLE_GRACE',
    value: '<days>',
    default: '7',
    description:
      'How many days a fold keeps unreachable objects. Must be the same on all servers of a bucket.',
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
      'Address for operators, for example `127.0.0.1:9090`. If set, only this address serves `/metrics` and the reasons of `/readyz`. Do not expose it to the public.',
    commands: 'serve',
  },
  {
    name: 'access',
    variable: 'CAIRN_ACCESS',
    value: '<mode>',
    default: 'signed',
    description:
      '`signed`: pushes need signatures. `read-only`: nobody can push. `open`: anyone can push; for development, on a loopback address only.',
    commands: 'serve',
  },
  {
    name: 'public-url',
    variable: 'CAIRN_PUBLIC_URL',
    value: '<url>',
    default: '',
    description:
      'URL under which clients reach this server, for example `https://git.example.org`. Signatures are made for it. The default is the listen address, which must then be a loopback address.',
    commands: 'serve',
  },
  {
    name: 'trusted-proxies',
    variable: 'CAIRN_TRUSTED_PROXIES',
    value: '<count>',
    default: '0',
    description:
      'Number of proxies in front of this server whose X-Forwarded-For is trusted. Limits per address need it behind a proxy.',
    commands: 'serve',
  },
  {
    name: 'service-key',
    variable: 'CAIRN_SERVICE_KEY',
    value: '<file>',
    default: './service.key',
    description:
      'File with the secret key that this service signs with, created at the first start. Must be the same on all servers of a bucket.',
    commands: 'serve',
  },
  {
    name: 'service-name',
    variable: 'CAIRN_SERVICE_NAME',
    value: '<name>',
    default: 'Cairn',
    description: 'Name of the service on its pages and in its relay information.',
    commands: 'serve',
  },
  {
    name: 'service-description',
    variable: 'CAIRN_SERVICE_DESCRIPTION',
    value: '<text>',
    default: 'Git repositories, and the events that belong to them.',
    description: 'Description of the service on its front page and in its relay information.',
    commands: 'serve',
  },
  {
    name: 'service-contact',
    variable: 'CAIRN_SERVICE_CONTACT',
    value: '<url>',
    default: '',
    description:
      'Contact of the operator in the relay information: a URL such as `mailto:admin@example.org` or `https://…`.',
    commands: 'serve',
  },
  {
    name: 'service-icon',
    variable: 'CAIRN_SERVICE_ICON',
    value: '<url>',
    default: '',
    description: 'URL of a square image for the relay information. The pages of Cairn do not load it.',
    commands: 'serve',
  },
  {
    name: 'operator',
    variable: 'CAIRN_OPERATOR',
    value: '<key>',
    default: '',
    description:
      'Public key of the operator, npub or hex: `pubkey` in the relay information. It gives no rights.',
    commands: 'serve',
  },
  {
    name: 'maintainers',
    variable: 'CAIRN_MAINTAINERS',
    value: '<rule>',
    default: 'recursive',
    description:
      'Who can write besides the owner. `recursive`: maintainers named in announcements, and the maintainers that those name. `reciprocal`: of these, only those who name a member in return. `owner-only`: nobody.',
    commands: 'serve',
  },
  {
    name: 'max-repositories',
    variable: 'CAIRN_MAX_REPOSITORIES',
    value: '<count>',
    default: '1000',
    description: 'Maximum number of repositories per key. `0`: no new ones; those that are here stay.',
    commands: 'serve',
  },
  {
    name: 'removal-grace',
    variable: 'CAIRN_REMOVAL_GRACE',
    value: '<days>',
    default: '7',
    description: 'How many days the objects of a withdrawn repository are kept.',
    commands: 'serve',
  },
  {
    name: 'tls-cert',
    variable: 'CAIRN_TLS_CERT',
    value: '<file>',
    default: '',
    description: 'Certificate chain in PEM. With `--tls-key`, the server speaks HTTPS instead of HTTP.',
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
      'Probe at start whether the object store keeps its promises, and refuse to run if it does not. `off` risks lost pushes.',
    commands: 'serve',
  },
  ...CACHE_OPTIONS,
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
      'Largest file, or other object, accepted in a push; at least 1MiB. If this is at most two fifths of `--git-memory`, git holds objects in memory and unpacks nothing larger. If it is more, git streams large files, and the server looks for one that is too large when git takes long (see `--max-unpacked-size`). For strangers the two fifths are always the limit.',
    commands: 'serve',
  },
  {
    name: 'max-unpacked-size',
    variable: 'CAIRN_MAX_UNPACKED_SIZE',
    value: '<size>',
    default: '16GiB',
    description:
      'What all objects of one push may unpack to together, at least 1MiB; 1,032 times the bytes sent where that is more, which only deltas can exceed. A pack is looked into when git works on it for longer than a second and 50 ms per MiB, and refused before git unpacks what is beyond this or `--max-object-size`. For strangers it is 256 MiB and 64 times the bytes sent.',
    commands: 'serve',
  },
  {
    name: 'max-refs-per-push',
    variable: 'CAIRN_MAX_REFS_PER_PUSH',
    value: '<count>',
    default: '50000',
    description: 'Maximum number of refs in one push.',
    commands: 'serve',
  },
  {
    name: 'anonymous-pushes',
    variable: 'CAIRN_ANONYMOUS_PUSHES',
    value: '<on|off|limits>',
    default: 'bytes=512MiB,objects=400000,refs=1000,object=16MiB,slots=2',
    description:
      'Limits for pushes without rights to `refs/nostr/<event id>`, the tips of pull requests. `bytes` (of packs), `objects` and `refs` count per repository, `object` is the largest object, `slots` is the number of concurrent pushes (also accepted under its earlier name, `places`). One push may use a quarter of a limit, one network address the whole limit per hour, all addresses together 16 times the limit. Limits that are not given have their defaults, which `on` means too. `off` refuses such pushes.',
    commands: 'serve',
  },
  ...SLOW_CLIENT_OPTIONS,
  {
    name: 'git-concurrency',
    variable: 'CAIRN_GIT_CONCURRENCY',
    value: '<count>',
    default: '',
    description:
      'Fetches and pushes that run git at the same time; one repository gets at most three quarters of them. The default is one per GiB of memory of the machine, from 4 to 32, and fewer if `--git-memory` leaves no room for that many.',
    commands: 'serve',
  },
  {
    name: 'git-queue',
    variable: 'CAIRN_GIT_QUEUE',
    value: '<count>',
    default: '512',
    description:
      'Queue length for fetches and pushes. When it is full, the newest request of the busiest repository is answered `busy`.',
    commands: 'serve',
  },
  {
    name: 'fold',
    variable: 'CAIRN_FOLD',
    value: '<on|off>',
    default: 'on',
    description:
      'Combine the packs of repositories in the background, so that repositories stay fast as they grow.',
    commands: 'serve',
  },
  {
    name: 'offload',
    variable: 'CAIRN_OFFLOAD',
    value: '<what>',
    default: 'off',
    description:
      'Send clients that support it to the S3 bucket for large downloads: `bundle-uri`, `packfile-uris`, `both` or `off`. Applies to public repositories only.',
    commands: 'serve',
  },
  {
    name: 'offload-endpoint',
    variable: 'CAIRN_OFFLOAD_ENDPOINT',
    value: '<url>',
    default: '',
    description:
      'URL under which clients reach the S3 service. The default is the URL that this server uses.',
    commands: 'serve',
  },
  {
    name: 'offload-expiry',
    variable: 'CAIRN_OFFLOAD_EXPIRY',
    value: '<seconds>',
    default: '3600',
    description:
      'How long a presigned URL stays valid, in seconds. A download that has started continues after that.',
    commands: 'serve',
  },
  ...MIRROR_OPTIONS,
  ...FOSSIL_OPTIONS,
  ...SESSION_OPTIONS,
  {
    name: 'swap-patience',
    variable: 'CAIRN_SWAP_PATIENCE',
    value: '<seconds>',
    default: '30',
    description: 'How many seconds the server keeps asking a silent store for the outcome of a push.',
    commands: 'serve',
  },
  {
    name: 'shutdown-grace',
    variable: 'CAIRN_SHUTDOWN_GRACE',
    value: '<seconds>',
    default: '60',
    description: 'How many seconds running requests get to finish when the server stops.',
    commands: 'serve',
  },
  {
    name: 'server',
    variable: 'CAIRN_SERVER',
    value: '<url>',
    default: '',
    description: 'Public URL of the server to talk to, for example `https://git.example.org`.',
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
