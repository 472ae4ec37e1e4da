import { createPrivateKey, type KeyObject } from 'node:crypto'
import { sha256Bytes } from '../../src/crypto/hash.ts'
import { publicKeyOf, sign } from '../../src/crypto/key-pair.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import type { Handle, LedgerIndex } from '../../src/events/ids.ts'
import { type Acceptance, acceptanceBytes, type SignedAcceptance } from '../../src/events/parties/acceptance.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import type { Head } from '../../src/events/statement.ts'
import { foundedBy } from '../support/uid.ts'

/** RFC 8410 §7: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const PKCS8_BEFORE_SEED = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A party whose keys follow from its handle alone: so every run signs the same bytes and meets the same states. */
export class Party {
  readonly handle: Handle
  readonly card: PartyCard
  readonly #key: KeyObject

  constructor(handle: string) {
    this.handle = handle as Handle
    this.#key = keyFrom(`${handle} signing`)
    const keys = { signing: publicKeyOf(this.#key), recovery: publicKeyOf(keyFrom(`${handle} recovery`)) }
    this.card = { handle: this.handle, did: `did:web:${handle}.example`, name: handle, keys }
  }

  sign(bytes: Uint8Array): string {
    return sign(this.#key, bytes)
  }

  /** Its word that it joins, given over the ledger of that head. */
  accepts(invitation: LedgerIndex, head: Head): SignedAcceptance {
    const { handle, card } = this
    const { keys } = card
    const acceptance: Acceptance = {
      contract: CONTRACT,
      invitation,
      handle,
      keys,
      charter: defaultCharter,
      head,
      lastIndex: 1000,
    }
    return { acceptance, signature: this.sign(acceptanceBytes(acceptance)) }
  }
}

function keyFrom(seed: string): KeyObject {
  const key = Buffer.concat([PKCS8_BEFORE_SEED, sha256Bytes(seed)])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

/** Founded by ana in each configuration. */
export const CONTRACT = foundedBy(new Party('ana').card)
