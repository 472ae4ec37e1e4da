import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { StoreCorrupt } from '../errors.ts'

/** The first byte of a row. */
const PLAIN = 0
const ZSTD = 1
/** One call of zstd takes some 25 µs and memory that the collector counts: more than a short row is worth (decision 0063). */
const COMPRESSED_FROM_BYTES = 4096
/** Higher ones gain next to nothing here: what can be compressed is short. */
const LEVEL = 1
/** Level 1 asks for 2^19 bytes; a row that asks for more is none of ours. */
const WINDOW_LOG_MAX = 20

const params = { [constants.ZSTD_c_compressionLevel]: LEVEL }

/** Says what is wrong with a row. */
export type Damaged = (fault: string, cause?: unknown) => StoreCorrupt

/**
 * The row of `plain`, whose first byte is free for the form: as it is, or as a zstd frame where that is shorter. A frame is of
 * `bytesMax` at most, so that whoever reads may refuse what claims to be more.
 */
export function frameRow(plain: Buffer, bytesMax: number): Buffer {
  plain[0] = PLAIN
  if (plain.length < COMPRESSED_FROM_BYTES || plain.length - 1 > bytesMax) return plain
  const bytes = plain.subarray(1)
  const frame = zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length })
  return frame.length + 1 < plain.length ? Buffer.concat([Buffer.of(ZSTD), frame]) : plain
}

/** Attacker-controlled, where the file is: `row`, whole. What a frame unpacks to is `bytesMax` at most. Throws what `damaged` makes. */
export function bytesIn(row: Buffer, bytesMax: number, damaged: Damaged): Buffer {
  if (row[0] === PLAIN) return row.subarray(1)
  if (row[0] !== ZSTD) throw damaged('it has no form that is known')
  try {
    const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX }
    return zstdDecompressSync(row.subarray(1), { params, maxOutputLength: bytesMax })
  } catch (cause) {
    throw damaged(`it cannot be decompressed: ${(cause as Error).message}`, cause)
  }
}
