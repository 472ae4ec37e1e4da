import { isUtf8 } from 'node:buffer'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Hash } from '../../crypto/hash.ts'
import { StoreCorrupt } from '../errors.ts'
import { GROUP_BYTES_MAX } from '../payload-group.ts'

/** The first byte of a row. */
const PLAIN = 0
const ZSTD = 1
const SEAL_BYTES = 32
const LENGTH_BYTES = 4
/** Salts and seals are random: a row of one or two short values gets longer compressed, and that costs more than to store it. */
const COMPRESSED_FROM_BYTES = 512
/** Higher ones gain next to nothing here: what can be compressed is short. */
const LEVEL = 1
/** Level 1 asks for 2^19 bytes; a row that asks for more is none of ours. */
const WINDOW_LOG_MAX = 20

const compression = { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } }
const decompression = {
  params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  maxOutputLength: GROUP_BYTES_MAX,
}

/**
 * A group as a row holds it: one byte, 0 or 1, then the entries as they are or as a zstd frame. An entry: 32 bytes of the
 * seal, how many bytes the text has (four, big-endian), the text in UTF-8.
 */
export function encodeRow(entries: ReadonlyMap<Hash, string>): Buffer {
  const lengths = Array.from(entries.values(), (text) => Buffer.byteLength(text))
  const plain = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + SEAL_BYTES + LENGTH_BYTES + length, 1))
  plain[0] = PLAIN
  let at = 1
  let index = 0
  for (const [seal, text] of entries) {
    const length = lengths[index++] as number
    plain.write(seal, at, 'hex')
    plain.writeUInt32BE(length, at + SEAL_BYTES)
    plain.write(text, at + SEAL_BYTES + LENGTH_BYTES, 'utf8')
    at += SEAL_BYTES + LENGTH_BYTES + length
  }
  if (plain.length < COMPRESSED_FROM_BYTES) return plain
  const frame = zstdCompressSync(plain.subarray(1), compression)
  return frame.length + 1 < plain.length ? Buffer.concat([Buffer.of(ZSTD), frame]) : plain
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
  const bytes = bytesIn(row)
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

function bytesIn(row: Buffer): Buffer {
  if (row[0] === PLAIN) return row.subarray(1)
  if (row[0] !== ZSTD) throw damaged('it has no form that is known')
  try {
    return zstdDecompressSync(row.subarray(1), decompression)
  } catch (cause) {
    throw damaged(`it cannot be decompressed: ${(cause as Error).message}`, cause)
  }
}

function damaged(fault: string, cause?: unknown): StoreCorrupt {
  return new StoreCorrupt('store_corrupt', `a row of payloads is damaged: ${fault}`, {}, { cause })
}
