import { BlockList, isIP } from 'node:net'
import { networkIn } from '../config/webhook-settings.ts'

/** What is not on the public Internet: IANA's registry of special-purpose addresses, and multicast. */
const specialIPv4 = listOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
])
/** All that is given out (RFC 4291 §2.4). Outside of it are loopback, link-local, unique local, multicast and what stands for an IPv4 address. */
const globalIPv6 = listOf(['2000::/3'])
/** Of these, protocol assignments with Teredo, documentation, and 6to4, behind which any IPv4 address may be. */
const specialIPv6 = listOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])

/** Whether it is an address of the public Internet. An IPv6 address that stands for an IPv4 address is none. */
export function isPublic(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !specialIPv4.check(address, 'ipv4')
  return version === 6 && isPlain(address) && globalIPv6.check(address, 'ipv6') && !specialIPv6.check(address, 'ipv6')
}

/** Whether it lies in one of the networks. An IPv6 address that stands for an IPv4 one lies in none of that. */
export function networksOf(networks: readonly string[]): (address: string) => boolean {
  const ofFamily = (family: 'ipv4' | 'ipv6') => listOf(networks.filter((text) => networkIn(text)?.family === family))
  const [ipv4, ipv6] = [ofFamily('ipv4'), ofFamily('ipv6')]
  return (address) => {
    const version = isIP(address)
    if (version === 4) return ipv4.check(address, 'ipv4')
    return version === 6 && isPlain(address) && ipv6.check(address, 'ipv6')
  }
}

/** Without a zone, which only an address of this link has. */
function isPlain(address: string): boolean {
  return !address.includes('%')
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of networks) {
    const network = networkIn(text)
    if (network !== undefined) list.addSubnet(network.address, network.bits, network.family)
  }
  return list
}
