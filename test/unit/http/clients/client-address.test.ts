import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../../../src/http/clients/client-address.ts';

function from(forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { headers, socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage;
}

describe('the address of a client', () => {
  it.each([
    ['nobody is believed', 0, '192.0.2.1', '127.0.0.1'],
    ['our proxy is believed', 1, '192.0.2.1', '192.0.2.1'],
    ['what its client wrote is not', 1, '203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['the outer one of two proxies is', 2, '203.0.113.9, 192.0.2.1, 10.0.0.1', '192.0.2.1'],
    ['IPv6', 1, '2001:db8::1', '2001:db8::1'],
    ['fewer addresses than proxies', 2, '192.0.2.1', '127.0.0.1'],
    ['no address', 1, 'unknown', '127.0.0.1'],
    ['no header', 1, undefined, '127.0.0.1'],
  ])('%s', (_what, proxies, header, expected) => {
    expect(clientAddress(from(header), proxies)).toBe(expected);
  });
});
