import ipaddr, { type IPv6 } from 'ipaddr.js'

/**
 * What counts as one address: an IPv4 address, or a /64 of IPv6, which is what a provider gives to one
 * customer.
 * @param address as Node.js writes it, where IPv4 may be mapped into IPv6, or as a proxy wrote it
 */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.parse(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const ipv6 = parsed as IPv6
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().toString()
  return ipv6.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')
}
