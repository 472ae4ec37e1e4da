import { type Static, Type } from 'typebox'
import { utf8 } from '../crypto/bytes.ts'
import { publicKeyBytes } from '../crypto/ed25519.ts'
import { domains, sha256Bytes } from '../crypto/hash.ts'
import { HandleSchema, PublicKeySchema, UID_PATTERN, type Uid } from './ids.ts'

/** Bytes of the block that a UID begins with, and of what binds it to its founder. */
export const UID_BLOCK_BYTES = 16

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const CHARACTERS = 52
const form = new RegExp(UID_PATTERN)

/** Who founds a contract: its handle there, and the signing key on its card in `OpenContract`. */
export const FounderSchema = Type.Object(
  { handle: HandleSchema, signing: PublicKeySchema },
  { additionalProperties: false },
)
export type Founder = Static<typeof FounderSchema>

/**
 * The UID of the contract that this founder opens under a block (design §3): the block, then the first 16 bytes of
 * SHA-256("concordata/v1/uid\n" ‖ handle ‖ 0x00 ‖ the 32 bytes of the key ‖ block); these 256 bits, big-endian after four
 * zero bits, in lower-case Crockford base32. So nobody else can open a contract under it, whoever knows it, and whatever
 * block it was made from: that takes a second preimage of 128 bits, or the founder's key. Requires UID_BLOCK_BYTES bytes (decision 0011).
 */
export function uidOf(block: Uint8Array, founder: Founder): Uid {
  return toBase32([...block, ...bindingOf(block, founder)]) as Uid
}

/** The block that a UID begins with; undefined for what is no UID. */
export function blockOf(uid: string): Uint8Array | undefined {
  if (!form.test(uid)) return undefined
  let value = 0n
  for (const character of uid) value = (value << 5n) | BigInt(ALPHABET.indexOf(character))
  value >>= 128n
  return Uint8Array.from({ length: UID_BLOCK_BYTES }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 255n))
}

/** Whether the UID belongs to this founder. Callers throw, with the evidence that they have. */
export function isFoundedBy(uid: string, founder: Founder): boolean {
  const block = blockOf(uid)
  return block !== undefined && uidOf(block, founder) === uid
}

function bindingOf(block: Uint8Array, { handle, signing }: Founder): Uint8Array {
  const head = utf8(`${domains.uid}${handle}\0`)
  return sha256Bytes(Uint8Array.from([...head, ...publicKeyBytes(signing), ...block])).subarray(0, UID_BLOCK_BYTES)
}

function toBase32(bytes: readonly number[]): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  let text = ''
  for (let i = 0; i < CHARACTERS; i++) {
    text = ALPHABET.charAt(Number(value & 31n)) + text
    value >>= 5n
  }
  return text
}
