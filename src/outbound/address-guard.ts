import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { CairnError, publicError } from '../lib/errors.ts';

/** Finds all addresses of a host name. */
export type Resolver = (host: string) => Promise<readonly LookupAddress[]>;

export interface AddressGuardOptions {
  /** Exceptions: addresses, ranges (`10.1.0.0/16`, `fd00:1::/64`), and host names, which may have any address. */
  readonly allowed?: readonly string[];
  /** The resolver of the system if absent. */
  readonly resolve?: Resolver;
}

/**
 * IPv4 addresses that are not of the public internet (IANA, "IPv4 Special-Purpose Address Registry"), and one that is, but
 * answers each machine of a cloud about itself.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network; 0.0.0.0 leads to the machine itself
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; metadata of Alibaba Cloud
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; metadata of Oracle Cloud
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved; broadcast
  '168.63.129.16/32', // metadata of Azure
];

/** All public IPv6 addresses. Outside are loopback, private, link-local, multicast, IPv4-mapped and NAT64 addresses. */
const GLOBAL_IPV6 = '2000::/3';

/** Exceptions within (IANA, "IPv6 Special-Purpose Address Registry"). */
const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments; Teredo, which embeds IPv4 addresses
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which embeds IPv4 addresses
  '3fff::/20', // documentation
];

const special = rangesOf([...SPECIAL_IPV4, ...SPECIAL_IPV6]);
const globalIpv6 = rangesOf([GLOBAL_IPV6]);

/**
 * Keeps a server that connects to addresses of its users' choice away from its own network (server-side request forgery):
 * only public addresses are connected to. The address that was checked is the one connected to, because each connection
 * uses {@link AddressGuard.lookup}.
 */
export class AddressGuard {
  private readonly allowedRanges: BlockList;
  private readonly allowedHosts: ReadonlySet<string>;
  private readonly resolver: Resolver;

  /** @throws CairnError `invalid` when an exception is neither an address, nor a range, nor a host name */
  constructor(options: AddressGuardOptions = {}) {
    const { allowed = [], resolve = resolveBySystem } = options;
    this.allowedRanges = rangesOf(allowed.filter(isRange));
    this.allowedHosts = new Set(allowed.filter((entry) => !isRange(entry)).map(hostName));
    this.resolver = resolve;
  }

  /**
   * The addresses of a host that may be connected to, in the order of the resolver.
   * @param host a name, or an address without brackets
   * @throws CairnError `forbidden` when there is none, `unavailable` when there is no such host
   */
  async resolve(host: string): Promise<LookupAddress[]> {
    const family = isIP(host);
    const found = family === 0 ? await this.lookUp(host) : [{ address: host, family }];
    if (this.allowedHosts.has(hostName(host))) return [...found];
    const allowed = found.filter(({ address }) => this.allows(address));
    if (allowed.length > 0) return allowed;
    throw notPublic(host);
  }

  /**
   * Checks the host of an address as far as that is possible without looking up its name.
   * @param host a name, or an address without brackets
   * @throws CairnError `forbidden` for an address that is not public, and for names that every machine has for itself
   */
  checkLiteral(host: string): void {
    const isLocal = /(^|\.)localhost\.?$/i.test(host) && !this.allowedHosts.has(hostName(host));
    const isOwn = isLocal && !this.allows('127.0.0.1') && !this.allows('::1');
    if (isOwn || (isIP(host) !== 0 && !this.allows(host))) throw notPublic(host);
  }

  /** True for a host, a name or an address without brackets, that the operator has named as an exception. */
  isException(host: string): boolean {
    const version = isIP(host);
    if (version === 0) return this.allowedHosts.has(hostName(host));
    return this.allowedRanges.check(host, version === 4 ? 'ipv4' : 'ipv6');
  }

  /** In the form that `net.connect` takes. It is called for names only: addresses are checked by {@link resolve}. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.resolve(host).then(
      (found) => {
        const wanted = options.family === 4 || options.family === 6 ? options.family : undefined;
        const fitting = found.filter(({ family }) => wanted === undefined || family === wanted);
        const [first] = fitting;
        if (first === undefined) callback(notFound(host), '', 0);
        else if (options.all === true) callback(null, fitting);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, '', 0),
    );
  };

  /** Whether an address may be connected to. @param address IPv4 or IPv6, perhaps with a zone */
  allows(address: string): boolean {
    const plain = address.split('%')[0] ?? '';
    const version = isIP(plain);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (this.allowedRanges.check(plain, family)) return true;
    if (family === 'ipv6' && !globalIpv6.check(plain, family)) return false;
    return !special.check(plain, family);
  }

  private async lookUp(host: string): Promise<readonly LookupAddress[]> {
    try {
      return await this.resolver(host);
    } catch (error) {
      const text = `the host ${host} cannot be found`;
      throw new CairnError('unavailable', text, { cause: error, publicText: text });
    }
  }
}

function resolveBySystem(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} has no address of this family`), { code: 'ENOTFOUND' });
}

/** Errors do not contain the address of a name: it would reveal the network of the server. */
function notPublic(host: string): CairnError {
  return publicError(
    'forbidden',
    `this server does not connect to ${host}: its address is not public, and --mirror-allow does not name it`,
  );
}

function isRange(entry: string): boolean {
  return isIP(entry.split('/')[0] ?? '') !== 0;
}

function hostName(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '');
  const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) && !looksLikeAddress(name);
  if (isIP(name) === 0 && !isName) {
    throw new CairnError(
      'invalid',
      `${JSON.stringify(host)} is neither a host name nor a range of addresses`,
    );
  }
  return name;
}

/**
 * True for what was most likely to become an IPv4 address, for example `127.0.0.x`. No top-level domain is a number or a single
 * character.
 */
function looksLikeAddress(name: string): boolean {
  const labels = name.split('.');
  const last = labels.at(-1) ?? '';
  const numbers = labels.filter((label) => /^\d+$/.test(label)).length;
  return /^\d+$/.test(last) || (numbers > 0 && last.length === 1) || (labels.length === 4 && numbers === 3);
}

function rangesOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    const longest = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (prefix < 0 || prefix > longest) {
      throw new CairnError('invalid', `${JSON.stringify(text)} is not a range of addresses`);
    }
    list.addSubnet(address, prefix, family);
  }
  return list;
}
