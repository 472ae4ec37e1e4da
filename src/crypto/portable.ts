import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

const SYMBOLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE64 = `${SYMBOLS}+/`
const BASE64URL = `${SYMBOLS}-_`

const encoder = new TextEncoder()

/** The `Primitives` in JavaScript alone, for browsers and other runtimes than Node. */
export const portable = {
  sha256: (data: string | Uint8Array) => sha256(bytesOf(data)),
  sha256Hex: (data: string | Uint8Array) => bytesToHex(sha256(bytesOf(data))),
  acceptsSignature: () => false,
  utf8: (text: string): Uint8Array => encoder.encode(text),
  utf8Length: (text: string) => encoder.encode(text).length,
  hex: bytesToHex,
  fromHex: hexToBytes,
  base64: (bytes: Uint8Array) => {
    const text = encode(bytes, BASE64)
    return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
  },
  base64url: (bytes: Uint8Array) => encode(bytes, BASE64URL),
  fromBase64: (text: string) => (text.length % 4 === 0 ? decode(text.replace(/={1,2}$/, ''), BASE64) : undefined),
  fromBase64url: (text: string) => decode(text, BASE64URL),
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}

/** Six bits a symbol, from the first byte's highest; the last symbol is filled up with zeros. */
function encode(bytes: Uint8Array, symbols: string): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 6) {
      bits -= 6
      text += symbols.charAt((held >> bits) & 63)
    }
  }
  return bits === 0 ? text : text + symbols.charAt((held << (6 - bits)) & 63)
}

/** Undefined for a foreign symbol, a symbol too many, and spare bits that are not zero. */
function decode(text: string, symbols: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8))
  let size = 0
  let held = 0
  let bits = 0
  for (const symbol of text) {
    const value = symbols.indexOf(symbol)
    if (value === -1) return undefined
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[size++] = (held >> bits) & 0xff
    }
  }
  const isSpare = bits < 6 && (held & ((1 << bits) - 1)) === 0
  return isSpare ? bytes : undefined
}
