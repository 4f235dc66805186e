import { describe, expect, it } from 'vitest';
import { AddressGuard } from '../../../src/outbound/address-guard.ts';

const v4 = (address: string) => ({ address, family: 4 });
const v6 = (address: string) => ({ address, family: 6 });

describe('public addresses', () => {
  const guard = new AddressGuard();

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:8.8.8.8',
    '::ffff:0:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '100::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '3fff::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ])('do not include %s', (address) => {
    expect(guard.allows(address)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '2606:4700::1',
    '2a00:1450::5',
  ])('include %s', (address) => {
    expect(guard.allows(address)).toBe(true);
  });
});

describe('a host name', () => {
  it('is connected to at its public addresses only', async () => {
    const resolve = async () => [v4('10.0.0.1'), v4('8.8.8.8'), v6('::1'), v6('2606:4700::1')];
    const guard = new AddressGuard({ resolve });
    await expect(guard.resolve('git.example')).resolves.toEqual([v4('8.8.8.8'), v6('2606:4700::1')]);
  });

  it('without a public address is refused without showing its address', async () => {
    const guard = new AddressGuard({ resolve: async () => [v4('10.20.30.40'), v6('fd00::1')] });
    const refusal = guard.resolve('git.internal');
    await expect(refusal).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(refusal).rejects.not.toThrow(/10\.20|fd00/);
  });

  it('that is unknown is reported without internals', async () => {
    const resolve = async () => Promise.reject(new Error('getaddrinfo ENOTFOUND at 10.0.0.53'));
    const missing = new AddressGuard({ resolve }).resolve('nowhere.example');
    await expect(missing).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(missing).rejects.not.toThrow(/10\.0/);
  });

  it('is looked up as net.connect asks: all addresses, the first one, or those of a family', async () => {
    const guard = new AddressGuard({ resolve: async () => [v6('2606:4700::1'), v4('8.8.8.8')] });
    const look = (options: { all?: boolean; family?: number }) =>
      new Promise((resolve, reject) => {
        guard.lookup('git.example', options, (error, address, family) => {
          if (error === null) resolve(options.all === true ? address : { address, family });
          else reject(error);
        });
      });
    await expect(look({ all: true })).resolves.toEqual([v6('2606:4700::1'), v4('8.8.8.8')]);
    await expect(look({})).resolves.toEqual(v6('2606:4700::1'));
    await expect(look({ family: 4 })).resolves.toEqual(v4('8.8.8.8'));
    await expect(look({ all: true, family: 4 })).resolves.toEqual([v4('8.8.8.8')]);
  });
});

describe('addresses that need no look-up (issue 13, point 7)', () => {
  it.each(['127.0.0.1', '169.254.169.254', '10.0.0.8', '::1', 'fd00:ec2::254', 'localhost', 'a.localhost.'])(
    'like %s are refused',
    (host) => {
      expect(() => new AddressGuard().checkLiteral(host)).toThrow(/is not public/);
    },
  );

  it('that are public, names, and exceptions are accepted', () => {
    const guard = new AddressGuard({ allowed: ['127.0.0.1', '10.0.0.0/8'] });
    for (const host of ['8.8.8.8', 'git.example.org', '10.0.0.8', 'localhost', '2606:4700::1']) {
      expect(() => guard.checkLiteral(host)).not.toThrow();
    }
  });
});

describe('exceptions of the guard', () => {
  it('are ranges, addresses and names', async () => {
    const resolve = async (host: string) => [v4(host === 'gitea.lan' ? '192.168.7.7' : '10.9.9.9')];
    const guard = new AddressGuard({
      allowed: ['10.1.0.0/16', 'fd00:1::/64', '127.0.0.1', 'Gitea.LAN.'],
      resolve,
    });
    expect(['10.1.2.3', 'fd00:1::9', '127.0.0.1'].every((address) => guard.allows(address))).toBe(true);
    expect(['10.2.0.1', 'fd00:1:0:1::1', '127.0.0.2'].some((address) => guard.allows(address))).toBe(false);
    await expect(guard.resolve('gitea.lan')).resolves.toEqual([v4('192.168.7.7')]);
    await expect(guard.resolve('other.lan')).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(guard.resolve('10.1.0.1')).resolves.toEqual([v4('10.1.0.1')]);
    await expect(guard.resolve('10.2.0.1')).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it.each(['127.0.0.x', '10.0.0', '10.1.2.300', '127.0.0.o1', '192.168.1.l', '1.2.3.4.5'])(
    'do not include %j, which is no host',
    (entry) => {
      expect(() => new AddressGuard({ allowed: [entry] })).toThrow(/neither/);
    },
  );

  it.each(['git1', '1and1.example', '4.example.org', 'x', 'host-10.lan', '0-24.internal'])(
    'accept %j',
    (entry) => {
      expect(new AddressGuard({ allowed: [entry] }).isException(entry)).toBe(true);
    },
  );

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', 'a host', 'http://example.com', ''])(
    'refuse %j',
    (entry) => {
      expect(() => new AddressGuard({ allowed: [entry] })).toThrow(/neither|not a range/);
    },
  );
});
