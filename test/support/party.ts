import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/party-card.ts'
import { type Introduction, type SignedIntroduction, signIntroduction } from '../../src/node/introduction.ts'

/** A party with real keys, for tests about who is who. */
export interface TestParty {
  readonly card: PartyCard
  introduce(changes?: Partial<Introduction>): Promise<SignedIntroduction>
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
  const introduction: Introduction = {
    card,
    endpoint: `https://${handle}.example:7443`,
    certificate: sha256(`certificate of ${handle}`),
    serial: 0,
  }
  return {
    card,
    introduce: (changes = {}) => signIntroduction({ ...introduction, ...changes }, keySigner(privateKey)),
  }
}
