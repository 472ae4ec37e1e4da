import { portable } from './portable.ts'

/**
 * What hashes, signatures and encodings come down to. There are two implementations, equal to the byte: a portable one, which every
 * JavaScript engine runs and which is in use unless another is installed, and Node's own (`native.ts`), several times faster (decision 0025).
 */
export interface Primitives {
  /** SHA-256 of bytes, or of a text as `utf8` writes it. */
  sha256(data: string | Uint8Array): Uint8Array
  /** The same in lower-case hexadecimal digits. */
  sha256Hex(data: string | Uint8Array): string
  /**
   * A quick look at an Ed25519 signature: true only if ZIP 215 accepts it; false decides nothing. `publicKey`: 32 bytes in base64url.
   */
  acceptsSignature(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean
  /** UTF-8; a lone surrogate becomes U+FFFD. */
  utf8(text: string): Uint8Array
  /** How many bytes `utf8` makes of a text. */
  utf8Length(text: string): number
  /** In lower case. */
  hex(bytes: Uint8Array): string
  /** Requires an even number of hexadecimal digits. */
  fromHex(text: string): Uint8Array
  /** RFC 4648 §4, with padding. */
  base64(bytes: Uint8Array): string
  /** RFC 4648 §5, without padding. */
  base64url(bytes: Uint8Array): string
  /** Undefined for a text that `base64` does not write. */
  fromBase64(text: string): Uint8Array | undefined
  /** Undefined for a text that `base64url` does not write. */
  fromBase64url(text: string): Uint8Array | undefined
}

/** The implementation in use. */
export let primitives: Primitives = portable

/** Requires an implementation that equals `portable` to the byte (test/crypto/primitives.test.ts). */
export function installPrimitives(implementation: Primitives): void {
  primitives = implementation
}
