/** Whose request it is: the peer's address, or what trusted proxies say of it. */
import { BlockList, isIP } from 'node:net';
import { ApuraError } from '../../domain/errors.ts';

export interface ClientAddress {
  /** The client's address, given the connection's and the request's headers. */
  of(peer: string, headers: Headers): string;
  /** Whether the peer is a proxy whose headers are to be believed. */
  isTrusted(peer: string): boolean;
}

/**
 * Walks X-Forwarded-For from its right end, past the proxies that are trusted: what stands left of
 * them was written by the client and says nothing.
 *
 * @throws ApuraError `invalid_config`: an entry is neither an address nor a network in CIDR notation.
 */
export function trustProxies(proxies: readonly string[]): ClientAddress {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', prefix, ...rest] = proxy.split('/');
    const family = isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    // Digits and nothing else: an empty prefix must not read as 0 and trust everybody.
    const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax);
    if (family === 0 || !fits || rest.length > 0) {
      throw new ApuraError(
        'invalid_config',
        `APURA_TRUSTED_PROXIES names "${proxy}", neither an address nor a network like 10.0.0.0/8.`,
      );
    }
    const bits = prefix === undefined ? bitsMax : Number(prefix);
    trusted.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  const isTrusted = (address: string): boolean => {
    if (proxies.length === 0) return false;
    const plain = unmapped(address);
    const family = isIP(plain);
    return family !== 0 && trusted.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
  return {
    isTrusted,
    of(peer, headers) {
      if (!isTrusted(peer)) return unmapped(peer);
      const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim());
      for (const hop of hops.reverse()) {
        if (isIP(hop) === 0) break;
        if (!isTrusted(hop)) return unmapped(hop);
      }
      return unmapped(peer);
    },
  };
}

/** IPv4 inside IPv6 is IPv4. */
function unmapped(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}
