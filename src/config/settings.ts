import { resolve } from 'node:path';
import { z } from 'zod';
import { CairnError } from '../lib/errors.ts';
import { type AnonymousPushSettings, anonymousPushes } from './anonymous-pushes.ts';
import { FOSSIL_SCHEMAS, type FossilSettings } from './fossil-settings.ts';
import { type GivenFlags, givenValue, invalidValue } from './given-flags.ts';
import { MIRROR_SCHEMAS, type MirrorSettings } from './mirror-settings.ts';
import type { OptionName } from './options.ts';
import { EXPECTED_HTTP_URL, isHttpUrlOrEmpty, parseHomeFile, parseServiceUrl } from './plain-values.ts';
import { automaticIfEmpty, filled, oneOf, onOff, parsed, size, whole } from './values.ts';

/** Where repositories live. */
export type StoreSettings =
  | { readonly kind: 'file'; readonly folder: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly prefix: string;
      readonly endpoint: string | undefined;
      readonly region: string | undefined;
      readonly pathStyle: boolean;
      /** The URL under which clients reach the service, if it differs from the one of this server. */
      readonly publicEndpoint?: string;
    };

/** What clients may fetch directly from the bucket. */
export interface OffloadSettings {
  readonly bundleUri: boolean;
  readonly packfileUris: boolean;
  /** In seconds, as in URLs. */
  readonly expiry: number;
}

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * All settings, checked. A property is undefined only where its comment says so. Sizes in bytes, times in
 * milliseconds.
 */
export interface Settings {
  readonly store: StoreSettings;
  readonly cache: {
    readonly folder: string;
    readonly size: number;
    readonly answers: number;
    readonly downloads: number;
  };
  readonly listen: Address;
  /** Address for operators. Undefined: operators use the public address. */
  readonly adminListen: Address | undefined;
  readonly access: 'signed' | 'open' | 'read-only';
  /** Without a trailing slash. Undefined: the listen address. */
  readonly publicUrl: string | undefined;
  readonly trustedProxies: number;
  readonly serviceKeyFile: string;
  readonly serviceName: string;
  readonly serviceDescription: string;
  /** A URL. */
  readonly serviceContact: string | undefined;
  readonly serviceIcon: string | undefined;
  /** A public key as npub or hex, as given. */
  readonly operator: string | undefined;
  readonly maintainers: 'recursive' | 'reciprocal' | 'owner-only';
  readonly maxRepositories: number;
  readonly removalGrace: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly probe: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly git: string;
  /** Bytes that a git process may use. Undefined: depends on the machine. */
  readonly gitMemory: number | undefined;
  readonly maxPushSize: number;
  readonly maxObjectSize: number;
  readonly maxUnpackedSize: number;
  readonly maxRefsPerPush: number;
  /** Undefined: off. */
  readonly anonymousPushes: AnonymousPushSettings | undefined;
  readonly idleTimeout: number;
  /** Bytes per second. */
  readonly minRate: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxRequestsPerAddress: number;
  readonly spoolSize: number;
  /** Undefined: depends on the machine. */
  readonly gitConcurrency: number | undefined;
  readonly gitQueue: number;
  readonly fold: boolean;
  readonly unreachableGrace: number;
  /** Undefined: off. */
  readonly offload: OffloadSettings | undefined;
  readonly mirrors: MirrorSettings;
  readonly fossil: FossilSettings;
  /** Seconds that a browser stays signed in. 0: signing in is turned off. */
  readonly sessionLifetime: number;
  readonly swapPatience: number;
  readonly shutdownGrace: number;
}

const seconds = whole(1, 86_400).transform((value) => value * 1000);

const flag = z.enum(['true', 'false', '1', '0', ''], 'expected true or false').transform((text) => {
  return text === '' ? undefined : text === 'true' || text === '1';
});

const url = z.string().transform((text, context) => {
  const [, folder] = /^file:(?:\/\/)?(.*\S.*)$/.exec(text) ?? [];
  if (folder !== undefined) return { kind: 'file', folder: resolve(folder) } as const;
  const [, bucket, prefix = ''] = /^s3:\/\/([^/\s]+)(?:\/(.*))?$/.exec(text) ?? [];
  if (bucket !== undefined) return { kind: 's3', bucket, prefix: prefix.replace(/\/+$/, '') } as const;
  context.addIssue({ code: 'custom', message: 'expected file:<folder> or s3://<bucket>[/<prefix>]' });
  return z.NEVER;
});

const httpUrl = z.string().refine(isHttpUrlOrEmpty, EXPECTED_HTTP_URL);
const serviceUrl = parsed(parseServiceUrl);
const homeFile = parsed(parseHomeFile);

/** `host:port`, an IPv6 address in brackets. */
const address = z.string().transform((text, context): Address | undefined => {
  if (text === '') return undefined;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  if (host !== undefined && port <= 65_535) return { host, port };
  context.addIssue({ code: 'custom', message: 'expected <host>:<port>, such as 127.0.0.1:9090' });
  return z.NEVER;
});

const SCHEMAS = {
  store: url,
  's3-endpoint': httpUrl,
  's3-region': z.string(),
  's3-path-style': flag,
  cache: filled('a folder').transform((folder) => resolve(folder)),
  'log-level': oneOf('debug', 'info', 'warn', 'error', 'silent'),
  git: filled('a program'),
  host: filled('an address'),
  port: whole(0, 65_535),
  'admin-listen': address,
  access: oneOf('signed', 'open', 'read-only'),
  'public-url': serviceUrl,
  'trusted-proxies': whole(0, 16),
  'service-key': filled('a file').transform((file) => resolve(file)),
  'service-name': filled('a name').max(100, 'expected a name of at most 100 characters'),
  'service-description': z.string().max(2_000, 'expected a text of at most 2000 characters'),
  'service-contact': z
    .string()
    .refine(
      (text) => text === '' || URL.canParse(text),
      'expected a URL such as mailto:admin@example.org or https://…',
    ),
  'service-icon': httpUrl,
  operator: z
    .string()
    .refine(
      (text) => text === '' || /^(?:npub1[0-9a-z]{58}|[0-9a-f]{64})$/.test(text),
      'expected a public key, an npub or 64 hex characters',
    ),
  maintainers: oneOf('recursive', 'reciprocal', 'owner-only'),
  'max-repositories': whole(0, 1_000_000),
  'removal-grace': whole(0, 3_650).transform((days) => days * 86_400_000),
  'tls-cert': z.string(),
  'tls-key': z.string(),
  probe: onOff,
  'cache-size': size(),
  'answer-cache-size': size(),
  'download-cache-size': size(),
  'git-memory': automaticIfEmpty(size(16 * 2 ** 20)),
  'max-push-size': size(1),
  'max-object-size': size(2 ** 20),
  'max-unpacked-size': size(2 ** 20),
  'max-refs-per-push': whole(1, 1_000_000),
  'anonymous-pushes': anonymousPushes,
  'idle-timeout': seconds,
  'min-rate': size(1),
  'max-connections': whole(1, 1_000_000),
  'max-connections-per-address': whole(1, 1_000_000),
  'max-requests-per-address': whole(1, 1_000_000),
  'spool-size': size(),
  'git-concurrency': automaticIfEmpty(whole(1, 10_000)),
  'git-queue': whole(0, 1_000_000),
  fold: onOff,
  'unreachable-grace': whole(0, 3_650).transform((days) => days * 86_400_000),
  offload: oneOf('off', 'bundle-uri', 'packfile-uris', 'both'),
  'offload-endpoint': httpUrl,
  // No signature is valid for more than a week.
  'offload-expiry': whole(60, 604_800),
  ...MIRROR_SCHEMAS,
  ...FOSSIL_SCHEMAS,
  // A week, `LONGEST_SESSION`.
  'session-lifetime': whole(0, 604_800),
  'swap-patience': seconds,
  'shutdown-grace': seconds,
  server: serviceUrl,
  key: homeFile,
} satisfies Record<OptionName, z.ZodType<unknown, string>>;

/**
 * Reads all settings: a flag wins over its variable, a variable over the default.
 * @throws CairnError `invalid`, naming the flag or variable at fault and what was expected
 */
export function readSettings(flags: GivenFlags, environment: NodeJS.ProcessEnv): Settings {
  const read = <N extends OptionName>(name: N) => readOption(name, flags, environment);
  const tlsCert = read('tls-cert');
  const tlsKey = read('tls-key');
  if ((tlsCert === '') !== (tlsKey === '')) {
    throw new CairnError('invalid', '--tls-cert and --tls-key go together: one of them is missing');
  }
  const settings: Settings = {
    store: readStore(flags, environment),
    cache: {
      folder: read('cache'),
      size: read('cache-size'),
      answers: read('answer-cache-size'),
      downloads: read('download-cache-size'),
    },
    listen: { host: read('host'), port: read('port') },
    adminListen: read('admin-listen'),
    access: read('access'),
    publicUrl: read('public-url'),
    trustedProxies: read('trusted-proxies'),
    serviceKeyFile: read('service-key'),
    serviceName: read('service-name'),
    serviceDescription: read('service-description'),
    serviceContact: read('service-contact') || undefined,
    serviceIcon: read('service-icon') || undefined,
    operator: read('operator') || undefined,
    maintainers: read('maintainers'),
    maxRepositories: read('max-repositories'),
    removalGrace: read('removal-grace'),
    tls: tlsCert === '' ? undefined : { certFile: tlsCert, keyFile: tlsKey },
    probe: read('probe'),
    logLevel: read('log-level'),
    git: read('git'),
    gitMemory: read('git-memory'),
    maxPushSize: read('max-push-size'),
    maxObjectSize: read('max-object-size'),
    maxUnpackedSize: read('max-unpacked-size'),
    maxRefsPerPush: read('max-refs-per-push'),
    anonymousPushes: read('anonymous-pushes'),
    idleTimeout: read('idle-timeout'),
    minRate: read('min-rate'),
    maxConnections: read('max-connections'),
    maxConnectionsPerAddress: read('max-connections-per-address'),
    maxRequestsPerAddress: read('max-requests-per-address'),
    spoolSize: read('spool-size'),
    gitConcurrency: read('git-concurrency'),
    gitQueue: read('git-queue'),
    fold: read('fold'),
    unreachableGrace: read('unreachable-grace'),
    offload: readOffload(flags, environment),
    mirrors: {
      on: read('mirrors'),
      allowed: read('mirror-allow'),
      shortest: read('mirror-interval'),
      concurrency: read('mirror-concurrency'),
    },
    fossil: {
      maxMessage: read('fossil-max-message'),
      maxArtifact: read('fossil-max-artifact'),
      maxArtifacts: read('fossil-max-artifacts'),
      maxExpanded: read('fossil-max-expanded'),
      maxUnversioned: read('fossil-max-unversioned'),
      replyBytes: read('fossil-reply-size'),
      replyMilliseconds: read('fossil-reply-time'),
    },
    sessionLifetime: read('session-lifetime'),
    swapPatience: read('swap-patience'),
    shutdownGrace: read('shutdown-grace'),
  };
  return settings;
}

/**
 * Checks what is allowed only while the server cannot be reached from other machines.
 * @throws CairnError `invalid` for open access, or for a missing public URL, on any other address
 */
export function refuseBeyondLoopback(settings: Settings): void {
  const { host } = settings.listen;
  if (isLoopback(host)) return;
  if (settings.access === 'open') {
    throw new CairnError(
      'invalid',
      `--access open lets anyone push and is allowed on a loopback address only, not on --host ${host}`,
    );
  }
  if (settings.publicUrl === undefined) {
    throw new CairnError(
      'invalid',
      `--public-url is missing: signatures are made for the URL clients use, which cannot be derived from --host ${host}`,
    );
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function readOffload(flags: GivenFlags, environment: NodeJS.ProcessEnv): OffloadSettings | undefined {
  const what = readOption('offload', flags, environment);
  const expiry = readOption('offload-expiry', flags, environment);
  if (what === 'off') return undefined;
  const store = readStore(flags, environment);
  if (store.kind === 'file') {
    throw new CairnError(
      'invalid',
      `--offload ${what} sends clients to a bucket, so it needs --store s3://…`,
    );
  }
  const named = store.publicEndpoint ?? store.endpoint;
  if (named !== undefined && new URL(named).protocol !== 'https:' && !isLoopback(new URL(named).hostname)) {
    throw new CairnError('invalid', `--offload sends clients to https:// addresses only, not to ${named}`);
  }
  return {
    bundleUri: what !== 'packfile-uris',
    packfileUris: what !== 'bundle-uri',
    expiry,
  };
}

function readStore(flags: GivenFlags, environment: NodeJS.ProcessEnv): StoreSettings {
  const store = readOption('store', flags, environment);
  const endpoint =
    readOption('s3-endpoint', flags, environment) || environment['AWS_ENDPOINT_URL_S3'] || undefined;
  const publicEndpoint = readOption('offload-endpoint', flags, environment);
  const region = readOption('s3-region', flags, environment) || environment['AWS_REGION'] || undefined;
  const pathStyle = readOption('s3-path-style', flags, environment) ?? endpoint !== undefined;
  if (store.kind === 'file') return store;
  return {
    ...store,
    endpoint,
    region: region ?? (endpoint === undefined ? undefined : 'auto'),
    pathStyle,
    ...(publicEndpoint === '' ? {} : { publicEndpoint }),
  };
}

function readOption<N extends OptionName>(
  name: N,
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv,
): z.output<(typeof SCHEMAS)[N]> {
  const given = givenValue(name, flags, environment);
  const result = SCHEMAS[name].safeParse(given.text);
  if (result.success) return result.data as z.output<(typeof SCHEMAS)[N]>;
  throw invalidValue(given, result.error.issues[0]?.message ?? 'not valid');
}
