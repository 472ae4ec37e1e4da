import type { Uid } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { UID_BLOCK_BYTES, uidOf } from '../../src/events/uid.ts'

/** The n-th UID under which the party of this card can open a contract. The same each time. */
export function foundedBy({ handle, keys }: Pick<PartyCard, 'handle' | 'keys'>, n = 0): Uid {
  const block = Buffer.alloc(UID_BLOCK_BYTES)
  block.writeBigUInt64BE(BigInt(n), UID_BLOCK_BYTES - 8)
  return uidOf(block, { handle, signing: keys.signing })
}

/** A UID that is of the right form and belongs to nobody, for tests in which nothing is founded. */
export function nobodysUid(n = 0): Uid {
  return String(n).padStart(52, '0') as Uid
}
