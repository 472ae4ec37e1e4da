import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { type Introduction, type SignedIntroduction, signIntroduction } from '../../src/node/directory/introduction.ts'
import { type TlsIdentity, tlsIdentity } from './tls.ts'

/** A party with real keys, for tests about who is who. */
export interface TestParty {
  readonly card: PartyCard
  /** With its own certificate, or, where `tls` is given, with that one. */
  introduce(changes?: Partial<Introduction>, tls?: TlsIdentity): Promise<SignedIntroduction>
}

export function testParty(handle: string, changes: Partial<PartyCard> = {}): TestParty {
  const { privateKey, publicKey: signing } = generateKeyPair()
  const card: PartyCard = {
    handle: handle as Handle,
    did: `did:web:${handle}.example`,
    name: `The ${handle} company`,
    keys: { signing, recovery: generateKeyPair().publicKey },
    ...changes,
  }
  const own = tlsIdentity(handle)
  const introduction = {
    card,
    endpoint: `https://${handle}.example:7443`,
    serial: 0,
  }
  // ECDSA draws a number for each signature: what is said again is signed once, so that tests can compare.
  const signed = new Map<string, Promise<SignedIntroduction>>()
  return {
    card,
    introduce: (changes = {}, tls = own) => {
      const said = { ...introduction, certificate: tls.fingerprint, ...changes }
      const key = JSON.stringify([said, tls])
      const again = signed.get(key) ?? signIntroduction(said, keySigner(privateKey), tls)
      signed.set(key, again)
      return again
    },
  }
}
