import t from 'tap'
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  trueBoolean,
  utf8String,
} from '../../src/crypto/der.ts'

const hex = (element: Uint8Array) => Buffer.from(element).toString('hex')

// ITU-T X.690, the examples of "A Layman's Guide to a Subset of ASN.1, BER, and DER" (Kaliski) where it has one.
const cases: [string, Uint8Array, string][] = [
  ['integer 0', integer(0), '020100'],
  ['integer 127', integer(127), '02017f'],
  ['integer 128', integer(128), '02020080'],
  ['integer 256', integer(256), '02020100'],
  ['integer from bytes, leading zeros', integer(Uint8Array.of(0, 0, 0x80, 1)), '0203008001'],
  ['integer from bytes, zero', integer(Uint8Array.of(0, 0)), '020100'],
  ['bit string', bitString(Uint8Array.of(0x6e, 0x5d, 0xc0), 6), '0304066e5dc0'],
  ['octet string', octetString(Uint8Array.of(1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef)), '04080123456789abcdef'],
  ['object identifier', objectIdentifier('1.2.840.113549'), '06062a864886f70d'],
  ['object identifier below 2', objectIdentifier('2.5.29.17'), '0603551d11'],
  ['UTF-8', utf8String('é'), '0c02c3a9'],
  ['true', trueBoolean, '0101ff'],
  ['sequence', sequence(integer(1), integer(2)), '3006020101020102'],
  ['empty sequence', sequence(), '3000'],
  ['set', setOf(integer(1)), '3103020101'],
  ['[3] EXPLICIT', explicit(3, integer(5)), 'a303020105'],
  ['[2] IMPLICIT', implicit(2, Buffer.from('a.b')), '8203612e62'],
  ['UTCTime', time(new Date('1991-05-06T23:45:40Z')), '170d3931303530363233343534305a'],
  ['GeneralizedTime', time(new Date('2050-01-01T00:00:00Z')), '180f32303530303130313030303030305a'],
]

t.test('every element has the one encoding that DER allows', async (t) => {
  for (const [name, element, expected] of cases) t.equal(hex(element), expected, name)
})

t.test('lengths take as many bytes as they need', async (t) => {
  const headOf = (length: number) => hex(octetString(new Uint8Array(length)).subarray(0, -length))
  t.equal(headOf(127), '047f')
  t.equal(headOf(128), '048180')
  t.equal(headOf(255), '0481ff')
  t.equal(headOf(256), '04820100')
  t.equal(headOf(65_536), '0483010000')
})
