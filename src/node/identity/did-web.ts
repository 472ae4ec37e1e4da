const PREFIX = 'did:web:'
const LENGTH_MAX = PREFIX.length + 250
/** A domain name as URLs have it (IDNs in their ASCII form), with or without its port. */
const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[1-9][0-9]{0,4})?$/
const SEGMENT = /^(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+$/

/**
 * Where the DID document of a did:web stands (W3C CCG did:web method specification §3.2): `did:web:acme.example` at
 * https://acme.example/.well-known/did.json, `did:web:acme.example%3A8443:a:b` at https://acme.example:8443/a/b/did.json.
 * Undefined: the text is no did:web that an authority can vouch for, such as one of an IP address, or not in the one spelling
 * of its URL.
 */
export function didWebUrl(did: string): URL | undefined {
  if (!did.startsWith(PREFIX) || did.length > LENGTH_MAX) return undefined
  const [first = '', ...segments] = did.slice(PREFIX.length).split(':')
  const host = first.replace('%3A', ':')
  if (!HOST.test(host) || !segments.every((segment) => SEGMENT.test(segment))) return undefined
  const path = segments.length === 0 ? '/.well-known' : `/${segments.join('/')}`
  const text = `https://${host}${path}/did.json`
  // What a URL spells otherwise (addresses, the standard port, steps up) would be another place than the one that is read here.
  if (!URL.canParse(text) || new URL(text).href !== text) return undefined
  return /^[0-9.]+(?::|$)/.test(host) ? undefined : new URL(text)
}
