import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { ConcordataError, type ExceededLimit } from '../../runtime/errors.ts'

/** Bytes are no ZIP file, or are more than is read. */
export class ZipMalformed extends ConcordataError {}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const END_BYTES = 22
const COMMENT_MAX = 0xffff
const FILES_MAX = 200
const STORED = 0
const DEFLATED = 8
/** 1980-01-01, the first day that ZIP knows: the same files are the same bytes. */
const FIRST_DAY = 0x21
const UTF8 = 0x800

/** The files in their order, each with its name. */
export function zipOf(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of files) {
    const bytes = Buffer.from(text)
    const packed = deflateRawSync(bytes)
    const said = Buffer.alloc(26)
    said.writeUInt16LE(20, 0)
    said.writeUInt16LE(UTF8, 2)
    said.writeUInt16LE(DEFLATED, 4)
    said.writeUInt16LE(FIRST_DAY, 8)
    said.writeUInt32LE(crc32(bytes), 10)
    said.writeUInt32LE(packed.length, 14)
    said.writeUInt32LE(bytes.length, 18)
    said.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([word(LOCAL), said, Buffer.from(name), packed])
    // Made by version 2.0; no comment, first disk, no attributes; where it begins.
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(word(CENTRAL), Buffer.from([20, 0]), said, place, Buffer.from(name))
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

interface Packed {
  readonly method: number
  readonly crc: number
  readonly bytes: number
  readonly packed: Buffer
}

/** The files of a ZIP file, unpacked when they are asked for, up to a number of bytes in all. */
export class ZipReader {
  readonly #files = new Map<string, Packed>()
  readonly #bytesMax: number
  #bytesLeft: number

  /** Attacker-controlled: `bytes`, whole. Throws ZipMalformed. */
  constructor(bytes: Buffer, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#bytesLeft = bytesMax
    try {
      for (const [name, packed] of packedIn(bytes)) {
        if (this.#files.has(name)) throw malformed('it has two files of one name')
        this.#files.set(name, packed)
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw malformed('it ends before it is whole', undefined, cause)
    }
  }

  /** Undefined: there is none. Throws ZipMalformed. */
  text(name: string): string | undefined {
    const file = this.#files.get(name)
    if (file === undefined) return undefined
    const bytes = unpacked(file, this.#bytesLeft, this.#bytesMax)
    this.#bytesLeft -= bytes.length
    if (bytes.length !== file.bytes || crc32(bytes) !== file.crc) throw malformed(`${name} is damaged`)
    return bytes.toString('utf8')
  }
}

function* packedIn(bytes: Buffer): Generator<[name: string, Packed]> {
  const end = endIn(bytes)
  const count = bytes.readUInt16LE(end + 10)
  if (count > FILES_MAX) throw malformed(`it has more than ${FILES_MAX} files`, { name: 'files', max: FILES_MAX })
  let at = bytes.readUInt32LE(end + 16)
  for (let n = 0; n < count; n++) {
    if (bytes.readUInt32LE(at) !== CENTRAL) throw malformed('its directory is damaged')
    if ((bytes.readUInt16LE(at + 8) & 1) === 1) throw malformed('it is encrypted')
    const [nameBytes, extra, comment] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ]
    const local = bytes.readUInt32LE(at + 42)
    if (bytes.readUInt32LE(local) !== LOCAL) throw malformed('a file in it is damaged')
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    yield [
      bytes.toString('utf8', at + 46, at + 46 + nameBytes),
      {
        method: bytes.readUInt16LE(at + 10),
        crc: bytes.readUInt32LE(at + 16),
        bytes: bytes.readUInt32LE(at + 24),
        packed: bytes.subarray(from, from + bytes.readUInt32LE(at + 20)),
      },
    ]
    at += 46 + nameBytes + extra + comment
  }
}

function endIn(bytes: Buffer): number {
  const first = Math.max(0, bytes.length - END_BYTES - COMMENT_MAX)
  for (let at = bytes.length - END_BYTES; at >= first; at--) if (bytes.readUInt32LE(at) === END) return at
  throw malformed('it has no end of a directory')
}

/** `left` of `bytesMax`, which all files have together. */
function unpacked({ bytes, method, packed }: Packed, left: number, bytesMax: number): Buffer {
  if (bytes > left) throw malformed('what is in it is larger than is read', { name: 'unpackedBytes', max: bytesMax })
  if (method === STORED) return packed
  if (method !== DEFLATED) throw malformed('it is packed in a way that is not read')
  try {
    // Whatever it says of its length.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  } catch (cause) {
    throw malformed('a file in it is damaged, or larger than it says', undefined, cause)
  }
}

function malformed(what: string, limit?: ExceededLimit, cause?: unknown): ZipMalformed {
  const evidence = limit === undefined ? {} : { limit }
  const options = cause === undefined ? {} : { cause }
  return new ZipMalformed('body_malformed', `it is no spreadsheet: ${what}`, evidence, options)
}
