import type { PartyCard } from '../../events/parties/party-card.ts'
import { INTRODUCTION_PATH } from '../../gossip/transport/protocol.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { PartyConflict } from '../../node/directory/directory-state.ts'
import { fetchIntroduction } from '../../node/directory/discovery.ts'
import { type FiledIdentity, readFiledIdentity, verifyFiled } from '../../node/directory/filed-identity.ts'
import type { SignedIntroduction } from '../../node/directory/introduction.ts'
import { didWebUrl } from '../../node/identity/did-web.ts'
import { readCard } from '../../node/identity/identity.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { FileUnavailable, textIn } from '../file-unavailable.ts'
import { complain } from '../output.ts'

const FETCH_TIMEOUT_MS = 10_000

/** Nobody can be looked up there. Evidence: `address`. */
export class PartyAddressUnfit extends ConcordataError {}

/** Evidence: `url`. */
export class PartyIsSelf extends ConcordataError {}

/** Throws PartyAddressUnfit, PartyIsSelf, PartyConflict, and what `fetchIntroduction` and `introductionFiled` throw. */
export async function introductionAt(
  dir: string,
  address: string,
  ca: string | undefined,
): Promise<SignedIntroduction> {
  const configuration = await readConfiguration(dir, readEnvironment(process.env))
  const own = await readCard(configuration)
  const signed = address.startsWith('did:')
    ? await introductionFiled(address, own, ca)
    : await introductionOf(endpointIn(address), new URL(configuration.endpoint).origin)
  const { card } = signed.introduction
  if (card.did === own.did || card.keys.signing === own.keys.signing) throw isSelf(address)
  if (card.handle !== own.handle) return signed
  const message = `the handle ${card.handle} of ${card.did} is that of this party: one of the two has to take another`
  throw new PartyConflict('party_conflict', message, { handle: card.handle, other: own.handle, claim: 'handle' })
}

function introductionOf(endpoint: string, own: string): Promise<SignedIntroduction> {
  if (endpoint === own) throw isSelf(endpoint)
  return fetchIntroduction(endpoint, FETCH_TIMEOUT_MS)
}

/**
 * The introduction of the node whose address is filed for a did:web. Prints whom it asks before each look-up, and at
 * the end who vouches for what. Throws PartyAddressUnfit, PartyIsSelf, FileUnavailable, and what `readFiledIdentity`,
 * `verifyFiled` and `fetchIntroduction` throw.
 */
async function introductionFiled(did: string, own: PartyCard, ca: string | undefined): Promise<SignedIntroduction> {
  const url = didWebUrl(did)
  if (url === undefined) throw unfitAddress(did)
  if (did === own.did) throw isSelf(did)
  const authorities = ca === undefined ? undefined : await readAuthorities(ca)
  complain(`asks         ${url.href}`)
  const filed = await readFiledIdentity(did, url, { ca: authorities, timeoutMs: FETCH_TIMEOUT_MS })
  complain(`asks         ${filed.endpoint}${INTRODUCTION_PATH}`)
  const signed = await fetchIntroduction(filed.endpoint, FETCH_TIMEOUT_MS)
  verifyFiled(filed, signed.introduction)
  complain(...vouchedFor(filed), '')
  return signed
}

function vouchedFor({ did, endpoint, vouching }: FiledIdentity): string[] {
  const { domain, issuer, root, validFrom, validTo, address } = vouching
  return [
    `domain       ${domain} (${address}) has filed ${endpoint} and its keys as those of ${did}; the node there says the same, signed with them`,
    `authority    ${issuer} has certified that the server is that of ${domain}, from ${validFrom} to ${validTo}; its root is ${root}`,
    `not proven   who the people are, and which company: whoever holds the domain, or could have its certificate made, files what it likes`,
  ]
}

/** Throws FileUnavailable. */
async function readAuthorities(path: string): Promise<string> {
  const text = await textIn(path)
  if (/^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----$/m.test(text)) return text
  const message = `${path} has no certificate of an authority: PEM is expected`
  throw new FileUnavailable('file_unavailable', message, { path, reason: 'no certificate' })
}

function isSelf(url: string): PartyIsSelf {
  return new PartyIsSelf('party_is_self', `${url} is this party itself`, { url })
}

/** Throws PartyAddressUnfit. */
function endpointIn(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url.origin
  throw unfitAddress(text)
}

function unfitAddress(address: string): PartyAddressUnfit {
  const message = address.startsWith('did:')
    ? `${address} is no DID that can be looked up: it has to be did:web and a domain name, such as did:web:acme.example`
    : `${address} is no address of a node: it has to be https://host or https://host:port, with nothing behind it, or a did:web`
  return new PartyAddressUnfit('party_address_unfit', message, { address })
}
