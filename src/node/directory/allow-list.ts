import { ConcordataError } from '../../runtime/errors.ts'

/** `partners` in concordata.json does not name the domain of the party's DID. Evidence: `did`. */
export class PartyNotAllowed extends ConcordataError {}

/**
 * Which parties may be approved at all, by the domain in their did:web. Undefined: any that a person approves. It
 * proves no identity; the fingerprint does (decision 0036).
 */
export type Partners = readonly string[] | undefined

export function isAllowed(partners: Partners, did: string): boolean {
  if (partners === undefined) return true
  const host = hostIn(did)
  const name = host.replace(/:\d+$/, '')
  return partners.some((partner) =>
    partner.startsWith('*.') ? name.endsWith(partner.slice(1)) : partner === host || partner === name,
  )
}

/** Throws PartyNotAllowed. */
export function requireAllowed(partners: Partners, did: string): void {
  if (isAllowed(partners, did)) return
  const message = `${did} may not be approved: \`partners\` in concordata.json does not name its domain`
  throw new PartyNotAllowed('party_not_allowed', message, { did })
}

/** did:web, method specification §3.2: the first part is the host, its port behind `%3A`. */
function hostIn(did: string): string {
  const [host = ''] = did.slice('did:web:'.length).split(':')
  return host.replace(/%3A/i, ':').toLowerCase()
}
