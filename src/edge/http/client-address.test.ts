import { describe, expect, test } from 'bun:test';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { trustProxies } from './client-address.ts';

const forwarded = (...hops: readonly string[]): Headers =>
  new Headers(hops.length === 0 ? {} : { 'x-forwarded-for': hops.join(', ') });

describe('without trusted proxies', () => {
  const direct = trustProxies([]);

  test('X-Forwarded-For says nothing: the peer is the client', () => {
    expect(direct.of('203.0.113.9', forwarded('198.51.100.1'))).toBe('203.0.113.9');
    expect(direct.of('127.0.0.1', forwarded('198.51.100.1'))).toBe('127.0.0.1');
    expect(direct.isTrusted('127.0.0.1')).toBe(false);
  });

  test('IPv4 inside IPv6 is IPv4', () => {
    expect(direct.of('::ffff:203.0.113.9', forwarded())).toBe('203.0.113.9');
    expect(direct.of('::FFFF:203.0.113.9', forwarded())).toBe('203.0.113.9');
    expect(direct.of('2001:db8::1', forwarded())).toBe('2001:db8::1');
  });
});

describe('behind trusted proxies', () => {
  const proxied = trustProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8:1::/48', 'fd00::1']);

  test.each([
    ['one proxy', '10.0.0.1', ['198.51.100.1'], '198.51.100.1'],
    ['a chain of them', '10.0.0.1', ['198.51.100.1', '10.2.3.4', '192.0.2.7'], '198.51.100.1'],
    ['what the client wrote itself', '10.0.0.1', ['1.2.3.4', '198.51.100.1'], '198.51.100.1'],
    [
      'a client that wrote a proxy’s address',
      '10.0.0.1',
      ['10.9.9.9', '198.51.100.1'],
      '198.51.100.1',
    ],
    ['a proxy over IPv6', '2001:db8:1:2::3', ['2001:db8:ffff::1'], '2001:db8:ffff::1'],
    ['a single IPv6 proxy', 'fd00::1', ['198.51.100.1'], '198.51.100.1'],
    ['a proxy as mapped IPv4', '::ffff:10.0.0.1', ['::ffff:198.51.100.1'], '198.51.100.1'],
    ['proxies alone, all the way', '10.0.0.1', ['10.0.0.2', '10.0.0.3'], '10.0.0.1'],
    ['no header', '10.0.0.1', [], '10.0.0.1'],
    ['an empty header', '10.0.0.1', [''], '10.0.0.1'],
  ])(
    'the client behind %s is the first that is no proxy, from the right',
    (_, peer, hops, client) => {
      expect(proxied.of(peer, forwarded(...hops))).toBe(client);
    },
  );

  test.each([
    ['another address', '203.0.113.9'],
    ['the neighbour of a proxy', '192.0.2.8'],
    ['a network next to theirs', '11.0.0.1'],
    ['another IPv6 network', '2001:db8:2::1'],
    ['nothing', ''],
  ])('a peer of %s is believed nothing', (_, peer) => {
    expect(proxied.of(peer, forwarded('198.51.100.1'))).toBe(peer);
    expect(proxied.isTrusted(peer)).toBe(false);
  });

  test.each([
    'unknown',
    '_hidden',
    '198.51.100.1:8080',
    '[2001:db8::1]:443',
    '999.1.1.1',
    '<script>',
  ])('where a hop is no address the walk ends: %p', (hop) => {
    expect(proxied.of('10.0.0.1', forwarded('1.2.3.4', hop))).toBe('10.0.0.1');
    expect(proxied.of('10.0.0.1', forwarded('1.2.3.4', hop, '10.0.0.2'))).toBe('10.0.0.1');
  });

  test('whatever stands in the header, what comes out is an address', () => {
    const hops = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('10.0.0.2', 'fe80::1%eth0', '::', '::ffff:a00:1', '', ' ', '-', '10.0.0.0/8'),
      fc.stringMatching(/^[!-~]{0,20}$/),
    );
    fc.assert(
      fc.property(fc.array(hops, { maxLength: 6 }), (list) => {
        expect(isIP(proxied.of('10.0.0.1', forwarded(...list)))).not.toBe(0);
      }),
    );
  });
});

describe('the list of proxies', () => {
  test.each([
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    '10.0.0.0/1e1',
    '2001:db8::/129',
    '10.0.0.0/',
    '10.0.0.0/ 8',
    '10.0.0.0/8/8',
    '/8',
    '',
    '*',
  ])('is refused where it names no network: %p', (proxy) => {
    expect(() => trustProxies(['127.0.0.1', proxy])).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(`APURA_TRUSTED_PROXIES names "${proxy}"`),
      }),
    );
  });

  test('may name everybody, where that is what it says', () => {
    const everybody = trustProxies(['0.0.0.0/0', '::/0']);
    expect(everybody.isTrusted('203.0.113.9')).toBe(true);
    expect(everybody.isTrusted('2001:db8::1')).toBe(true);
  });

  test('holds to the bit', () => {
    const odd = trustProxies(['198.51.100.64/27', '2001:db8::/33']);
    expect(
      ['198.51.100.63', '198.51.100.64', '198.51.100.95', '198.51.100.96'].map(odd.isTrusted),
    ).toEqual([false, true, true, false]);
    expect(['2001:db8:7fff::1', '2001:db8:8000::1'].map(odd.isTrusted)).toEqual([true, false]);
  });
});
