import t from 'tap'
import { addressKey } from '../../../../src/server/http/limits/address-key.ts'

t.test('an address is one of IPv4, or a /64 of IPv6', (t) => {
  const cases: Array<[address: string, key: string]> = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:DB8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['unknown', 'unknown'],
    ['', 'unknown']
  ]
  for (const [address, key] of cases) t.equal(addressKey(address), key, address)
  t.end()
})
