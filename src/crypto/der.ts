/**
 * Writes DER (ITU-T X.690), as far as certificates and key files need it. Every function returns one complete element;
 * nothing here reads DER: that is left to OpenSSL.
 */
type Element = Uint8Array

const tags = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, generalizedTime: 0x18 }
const CONSTRUCTED = 0x20
const CONTEXT = 0x80

export const sequence = (...elements: Element[]): Element => element(0x10 | CONSTRUCTED, ...elements)
export const setOf = (only: Element): Element => element(0x11 | CONSTRUCTED, only)
export const octetString = (content: Uint8Array): Element => element(tags.octets, content)
export const utf8String = (text: string): Element => element(tags.utf8, Buffer.from(text))
export const trueBoolean: Element = Uint8Array.of(0x01, 0x01, 0xff)

/** A context-specific tag around whole elements, such as `[3] EXPLICIT`. Requires 0 <= number < 31. */
export const explicit = (number: number, ...elements: Element[]): Element =>
  element(CONTEXT | CONSTRUCTED | number, ...elements)

/** A context-specific tag in place of a primitive element's own, such as `[2] IMPLICIT IA5String`. */
export const implicit = (number: number, content: Uint8Array): Element => element(CONTEXT | number, content)

/** A non-negative integer, from a number or from its big-endian bytes. */
export function integer(value: number | Uint8Array): Element {
  const bytes = typeof value === 'number' ? bigEndian(value) : value
  const first = bytes.findIndex((byte) => byte !== 0)
  const significant = bytes.subarray(first === -1 ? -1 : first)
  // The first bit is the sign.
  const isNegative = ((significant[0] ?? 0) & 0x80) !== 0
  return element(tags.integer, isNegative ? Uint8Array.of(0, ...significant) : significant)
}

/** `unused`: how many of the last byte's lowest bits do not belong to the string. */
export const bitString = (bytes: Uint8Array, unused = 0): Element => element(tags.bits, Uint8Array.of(unused), bytes)

/** From the dotted form, such as `1.2.840.10045.4.3.2`. */
export function objectIdentifier(dotted: string): Element {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(tags.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** UTCTime until 2049 and GeneralizedTime from then on, as RFC 5280 §4.1.2.5 demands; whole seconds. */
export function time(date: Date): Element {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '')
  const isShort = date.getUTCFullYear() < 2050
  return isShort
    ? element(tags.utcTime, Buffer.from(digits.slice(2)))
    : element(tags.generalizedTime, Buffer.from(digits))
}

function element(tag: number, ...contents: Uint8Array[]): Element {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  const sizes = length < 0x80 ? [length] : [0x80 | bigEndian(length).length, ...bigEndian(length)]
  return Buffer.concat([Uint8Array.of(tag, ...sizes), ...contents])
}

function bigEndian(value: number): Uint8Array {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function base128(value: number): number[] {
  const low = value & 0x7f
  return value < 0x80 ? [low] : [...base128(value >>> 7).map((byte) => byte | 0x80), low]
}
