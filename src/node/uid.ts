import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Hash } from '../crypto/hash.ts'
import { UID_PATTERN, type Uid } from '../events/ids.ts'
import { assert } from '../runtime/assert.ts'

/** Bytes of a node's uid secret. */
export const UID_SECRET_BYTES = 32

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const CHARACTERS = 26
const HALF_BYTES = 8
const form = new RegExp(UID_PATTERN)

/**
 * The UIDs that one node gives out (design §9): the native record number and the first 64 bits of the party's
 * fingerprint, encrypted as one AES-128 block, in Crockford base32. Nobody else's node gives out the same ones, and
 * from a UID nobody but the node learns the number, so nobody learns how many records there are.
 *
 * Why that is so: AES under a secret key is a pseudorandom permutation. Different blocks become different UIDs (no two are
 * the same, whatever the numbers are), and who does not have the key cannot tell UIDs of consecutive numbers from blocks
 * drawn at random without putting back. One block needs no mode and no nonce, since no block is ever encrypted twice. To
 * guess a UID takes 2^128 tries, and one that was not given out decodes, with 64 bits to compare, with probability 2^-64.
 *
 * What it does not hide: whether two UIDs are the same; how many UIDs a reader has been shown; when. Who has the secret
 * reads every number, of old UIDs too. After 2^64 UIDs random blocks would have shown a collision: no node gets there.
 *
 *     number 7, fingerprint 3fc9…       00000000000000073fc9b689459d738f
 *     AES-128, secret 32 times 07       cb7d8ce3adf711c10266e0f1f3dd03b9
 *     base32, first two of 130 bits 0   6bfp6e7bfq270g4sq0y7sxt0xs
 */
export class UidCodec {
  readonly #key: Uint8Array
  readonly #fingerprint: Uint8Array

  /** `secret`: UID_SECRET_BYTES random bytes. `fingerprint`: the party's (`partyFingerprint`). */
  constructor(secret: Uint8Array, fingerprint: Hash) {
    assert(secret.length === UID_SECRET_BYTES, `a uid secret has ${UID_SECRET_BYTES} bytes`)
    this.#key = new Uint8Array(hkdfSync('sha256', secret, '', 'concordata/v1/uid', 16))
    this.#fingerprint = Buffer.from(fingerprint, 'hex').subarray(0, HALF_BYTES)
  }

  /** Requires an integer, 0 <= number <= Number.MAX_SAFE_INTEGER. */
  encode(number: number): Uid {
    assert(Number.isSafeInteger(number) && number >= 0, 'a native record number is a natural number')
    const block = Buffer.alloc(2 * HALF_BYTES)
    block.writeBigUInt64BE(BigInt(number))
    block.set(this.#fingerprint, HALF_BYTES)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return toBase32(cipher.update(block)) as Uid
  }

  /** The number of a UID that this node gave out; undefined for those of others. */
  decode(uid: Uid): number | undefined {
    const block = fromBase32(uid)
    if (block === undefined) return undefined
    const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    const plain = decipher.update(block)
    const number = plain.readBigUInt64BE()
    const isOurs = this.#fingerprint.every((byte, i) => plain[HALF_BYTES + i] === byte)
    return isOurs && number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : undefined
  }
}

function toBase32(block: Buffer): string {
  let rest = BigInt(`0x${block.toString('hex')}`)
  let text = ''
  for (let i = 0; i < CHARACTERS; i++) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text
    rest >>= 5n
  }
  return text
}

/** Undefined for what is spelled otherwise, or exceeds 128 bits: such a UID no node gave out. */
function fromBase32(uid: Uid): Buffer | undefined {
  if (!form.test(uid)) return undefined
  let value = 0n
  for (const character of uid) value = (value << 5n) | BigInt(ALPHABET.indexOf(character))
  if (value >> 128n !== 0n) return undefined
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}
