import { isUtf8 } from 'node:buffer'
import { StoreCorrupt } from '../errors.ts'
import type { NewEvent } from '../port.ts'
import { packText, unpackText } from './packed-text.ts'
import { bytesIn, type Damaged, frameRow } from './row-frame.ts'

/** The most that a row has, so that whoever reads holds little in memory. One event may be more bytes, and is then a row of its own. */
export const ROW_EVENTS_MAX = 256
const ROW_BYTES_MAX = 1024 * 1024
/** The first byte of a row that is neither as it is nor compressed. */
const PACKED = 2
/** The length from which compressing gains more. Bytes. */
const PACKED_BYTES_MAX = 4096
/** Types that take one byte; others are spelt out. Their numbers stand in stores: only ever add at the end. */
const NUMBERED_TYPES = ['StatementMade', 'RequestSettled'] as const
const SPELT_OUT = 0
/** Four bytes, big-endian. */
const LENGTH_BYTES = 4
/** At most, of one event beside its text. */
const HEAD_BYTES = 1 + 2 * LENGTH_BYTES

/** The events of one append, in order, as one row each piece (decision 0104). Requires one event or more. */
export function* rowsOf(events: readonly NewEvent[]): Generator<{ readonly count: number; readonly row: Buffer }> {
  let piece: EventBytes[] = []
  let bytes = 0
  for (const { type, data } of events) {
    const event = { type, data, typeBytes: Buffer.byteLength(type), dataBytes: Buffer.byteLength(data) }
    const more = HEAD_BYTES + event.typeBytes + event.dataBytes
    if (piece.length === ROW_EVENTS_MAX || (piece.length > 0 && bytes + more > ROW_BYTES_MAX)) {
      yield { count: piece.length, row: encodePiece(piece, bytes) }
      piece = []
      bytes = 0
    }
    piece.push(event)
    bytes += more
  }
  yield { count: piece.length, row: encodePiece(piece, bytes) }
}

interface EventBytes extends NewEvent {
  readonly typeBytes: number
  readonly dataBytes: number
}

/** Short rows are packed (packed-text.ts), long ones compressed (row-frame.ts). */
function encodePiece(events: readonly EventBytes[], bytesMax: number): Buffer {
  if (bytesMax < PACKED_BYTES_MAX) {
    const packed = events.map(({ data }) => packText(data))
    if (isWhole(packed)) {
      const row = layOut(events, packed, bytesMax)
      row[0] = PACKED
      return row
    }
  }
  const data = events.map((event) => event.data)
  return frameRow(layOut(events, data, bytesMax), ROW_BYTES_MAX)
}

/**
 * Events one after another, behind a byte for the form. An event: one byte, the number of its type, or 0 and the type behind its
 * length; then the data behind their length. Lengths are those in bytes, of a text in UTF-8.
 */
function layOut(events: readonly EventBytes[], data: readonly (string | Buffer)[], bytesMax: number): Buffer {
  const row = Buffer.allocUnsafe(1 + bytesMax)
  let at = 1
  const write = (bytes: string | Buffer, length: number) => {
    at = row.writeUInt32BE(length, at)
    at += typeof bytes === 'string' ? row.write(bytes, at, 'utf8') : bytes.copy(row, at)
  }
  events.forEach(({ type, typeBytes, dataBytes }, index) => {
    const number = numberOf(type)
    row[at++] = number
    if (number === SPELT_OUT) write(type, typeBytes)
    const bytes = data[index] as string | Buffer
    write(bytes, typeof bytes === 'string' ? dataBytes : bytes.length)
  })
  return row.subarray(0, at)
}

function isWhole(packed: readonly (Buffer | undefined)[]): packed is Buffer[] {
  return !packed.includes(undefined)
}

/** Where a row stands: its file, and revision and position of its last event. */
interface RowPlace {
  readonly path: string
  readonly revision: number
  readonly position: number
}

/** Attacker-controlled, where the file is: `row`, whole, and `count`, how many events it claims to have. Throws StoreCorrupt. */
export function decodeEvents(row: Buffer, count: number, { path, revision, position }: RowPlace): NewEvent[] {
  const damaged: Damaged = (fault, cause) => {
    const message = `the store ${path} is damaged: of the row of events at ${position}, ${fault}`
    return new StoreCorrupt('store_corrupt', message, { path, position }, { cause })
  }
  if (!(count >= 1 && count <= Math.min(ROW_EVENTS_MAX, revision + 1, position))) {
    throw damaged(`the number of events is ${count}`)
  }
  const isPacked = row[0] === PACKED
  if (isPacked && row.length > PACKED_BYTES_MAX) throw damaged('it is packed, and too long for that')
  const bytes = isPacked ? row.subarray(1) : bytesIn(row, ROW_BYTES_MAX, damaged)
  const events: NewEvent[] = []
  let at = 0
  const take = (): Buffer => {
    const start = at + LENGTH_BYTES
    if (start > bytes.length) throw damaged('it ends within a length')
    at = start + bytes.readUInt32BE(at)
    if (at > bytes.length) throw damaged('it ends within a text')
    return bytes.subarray(start, at)
  }
  const textOf = (taken: Buffer | undefined): string => {
    if (taken === undefined) throw damaged('a text is not packed as texts are')
    if (!isUtf8(taken)) throw damaged('a text is no UTF-8')
    return taken.toString('utf8')
  }
  while (at < bytes.length) {
    if (events.length === count) throw damaged(`it has more events than ${count}`)
    const number = bytes[at++] as number
    const type = number === SPELT_OUT ? textOf(take()) : NUMBERED_TYPES[number - 1]
    if (type === undefined) throw damaged('an event has no type that is known')
    if (number === SPELT_OUT && numberOf(type) !== SPELT_OUT) throw damaged('a type is spelt out that has a number')
    events.push({ type, data: textOf(isPacked ? unpackText(take()) : take()) })
  }
  if (events.length < count) throw damaged(`it has ${events.length} events instead of ${count}`)
  return events
}

function numberOf(type: string): number {
  return 1 + (NUMBERED_TYPES as readonly string[]).indexOf(type)
}
