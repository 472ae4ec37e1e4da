import { isUtf8 } from 'node:buffer'
import type { Hash } from '../../crypto/hash.ts'
import { StoreCorrupt } from '../errors.ts'
import { GROUP_BYTES_MAX } from '../payload-group.ts'
import { bytesIn, frameRow } from './row-frame.ts'

const SEAL_BYTES = 32
const LENGTH_BYTES = 4

/**
 * A group as a row holds it (row-frame.ts): entries one after another. An entry: 32 bytes of the
 * seal, how many bytes the text has (four, big-endian), the text in UTF-8.
 */
export function encodeRow(entries: ReadonlyMap<Hash, string>): Buffer {
  const lengths = Array.from(entries.values(), (text) => Buffer.byteLength(text))
  const plain = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + SEAL_BYTES + LENGTH_BYTES + length, 1))
  let at = 1
  let index = 0
  for (const [seal, text] of entries) {
    const length = lengths[index++] as number
    plain.write(seal, at, 'hex')
    plain.writeUInt32BE(length, at + SEAL_BYTES)
    plain.write(text, at + SEAL_BYTES + LENGTH_BYTES, 'utf8')
    at += SEAL_BYTES + LENGTH_BYTES + length
  }
  return frameRow(plain, GROUP_BYTES_MAX)
}

/** Attacker-controlled, where the file is: `row`, whole. Throws StoreCorrupt. */
export function decodeRow(row: Buffer): Map<Hash, string> {
  const entries = new Map<Hash, string>()
  for (const [seal, text] of entriesOf(row)) {
    if (entries.has(seal)) throw damaged('a seal stands there twice')
    entries.set(seal, text)
  }
  return entries
}

/** All that stands in the row, in order, up to what cannot be read. A seal may stand there twice. */
export function readRow(row: Buffer): {
  readonly entries: readonly (readonly [Hash, string])[]
  readonly fault?: string
} {
  const entries: (readonly [Hash, string])[] = []
  try {
    for (const entry of entriesOf(row)) entries.push(entry)
  } catch (error) {
    if (!(error instanceof StoreCorrupt)) throw error
    return { entries, fault: error.message }
  }
  return { entries }
}

function* entriesOf(row: Buffer): Generator<readonly [Hash, string]> {
  const bytes = bytesIn(row, GROUP_BYTES_MAX, damaged)
  for (let at = 0; at < bytes.length; ) {
    const start = at + SEAL_BYTES + LENGTH_BYTES
    if (start > bytes.length) throw damaged('it ends within a seal')
    const end = start + bytes.readUInt32BE(at + SEAL_BYTES)
    if (end > bytes.length) throw damaged('it ends within a text')
    if (!isUtf8(bytes.subarray(start, end))) throw damaged('a text is no UTF-8')
    yield [bytes.toString('hex', at, at + SEAL_BYTES) as Hash, bytes.toString('utf8', start, end)]
    at = end
  }
}

function damaged(fault: string, cause?: unknown): StoreCorrupt {
  return new StoreCorrupt('store_corrupt', `a row of payloads is damaged: ${fault}`, {}, { cause })
}
