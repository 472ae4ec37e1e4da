import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Uid } from '../../events/ids.ts'
import { type PartyCard, partyFingerprint } from '../../events/parties/party-card.ts'
import { blockOf, type Founder, isFoundedBy, UID_BLOCK_BYTES, uidOf } from '../../events/uid.ts'
import { assert } from '../../runtime/assert.ts'

/** Bytes of a node's uid secret. */
export const UID_SECRET_BYTES = 32

const HALF_BYTES = UID_BLOCK_BYTES / 2

/**
 * The UIDs that one node gives out (design §9): the native record number and the first 64 bits of the party's
 * fingerprint, encrypted as one AES-128 block, and what binds that block to the party (events/uid.ts) (decision 0037). Nobody else's node
 * gives out the same ones, nobody else can found a contract under one, and from a UID nobody but the node learns the
 * number, so nobody learns how many records there are.
 *
 * Why that is so: AES under a secret key is a pseudorandom permutation. Different blocks become different UIDs (no two are
 * the same, whatever the numbers are), and who does not have the key cannot tell UIDs of consecutive numbers from blocks
 * drawn at random without putting back. One block needs no mode and no nonce, since no block is ever encrypted twice. To
 * guess a UID takes 2^128 tries, and one that was not given out decodes, with 64 bits to compare, with probability 2^-64.
 * The second half follows from the first and from what the contract shows of its founder, so it tells nothing more.
 *
 * What it does not hide: whether two UIDs are the same; how many UIDs a reader has been shown; when; and, from somebody who
 * knows the party's key, whose they are. Who has the secret reads every number, of old UIDs too. After 2^64 UIDs random
 * blocks would have shown a collision: no node gets there.
 *
 *     number 7, fingerprint ee52…       0000000000000007ee5205a3c49b50aa
 *     AES-128, secret 32 times 07       4d26fb57849252ddce1675ddd0af54d0
 *     bound to acme-re and its key      651f93346b9b154c5329c500c3eafc04
 *     base32, first four of 260 bits 0  0k96zdbr94jjvq71cxext2qn9m353y9k8twv2n656ae5031ynz04
 */
export class UidCodec {
  readonly #key: Uint8Array
  readonly #founder: Founder
  readonly #fingerprint: Uint8Array

  /** `secret`: UID_SECRET_BYTES random bytes. `card`: of the party that founds the contracts. */
  constructor(secret: Uint8Array, card: Pick<PartyCard, 'handle' | 'did' | 'keys'>) {
    assert(secret.length === UID_SECRET_BYTES, `a uid secret has ${UID_SECRET_BYTES} bytes`)
    this.#key = new Uint8Array(hkdfSync('sha256', secret, '', 'concordata/v1/uid', 16))
    this.#founder = { handle: card.handle, signing: card.keys.signing }
    this.#fingerprint = Buffer.from(partyFingerprint(card), 'hex').subarray(0, HALF_BYTES)
  }

  /** Requires an integer, 0 <= number <= Number.MAX_SAFE_INTEGER. */
  encode(number: number): Uid {
    assert(Number.isSafeInteger(number) && number >= 0, 'a native record number is a natural number')
    const block = Buffer.alloc(UID_BLOCK_BYTES)
    block.writeBigUInt64BE(BigInt(number))
    block.set(this.#fingerprint, HALF_BYTES)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return uidOf(cipher.update(block), this.#founder)
  }

  /** The number of a UID that this node gave out; undefined for those of others. */
  decode(uid: Uid): number | undefined {
    const block = blockOf(uid)
    if (block === undefined || !isFoundedBy(uid, this.#founder)) return undefined
    const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    const plain = decipher.update(block)
    const number = plain.readBigUInt64BE()
    const isOurs = this.#fingerprint.every((byte, i) => plain[HALF_BYTES + i] === byte)
    return isOurs && number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : undefined
  }
}
