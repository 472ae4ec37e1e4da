import { isUtf8 } from 'node:buffer'
import { StoreCorrupt } from '../errors.ts'
import type { NewEvent } from '../port.ts'
import { bytesIn, type Damaged, frameRow } from './row-frame.ts'

/** The most that a row has, so that whoever reads holds little in memory. One event may be more bytes, and is then a row of its own. */
export const ROW_EVENTS_MAX = 256
const ROW_BYTES_MAX = 1024 * 1024
/** Types that take one byte; others are spelt out. Their numbers stand in stores: only ever add at the end. */
const NUMBERED_TYPES = ['StatementMade', 'RequestSettled'] as const
const SPELT_OUT = 0
/** Four bytes, big-endian. */
const LENGTH_BYTES = 4
/** At most, of one event beside its text. */
const HEAD_BYTES = 1 + 2 * LENGTH_BYTES

/** The events of one append, in order, as one row each piece. Requires one event or more. */
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

/**
 * As a row holds them (row-frame.ts): events one after another. An event: one byte, the number of its type, or 0 and the
 * type behind its length; then the data behind their length. Lengths are those of the text in UTF-8.
 */
function encodePiece(events: readonly EventBytes[], bytesMax: number): Buffer {
  const plain = Buffer.allocUnsafe(1 + bytesMax)
  let at = 1
  const write = (text: string, length: number) => {
    at = plain.writeUInt32BE(length, at)
    at += plain.write(text, at, 'utf8')
  }
  for (const { type, data, typeBytes, dataBytes } of events) {
    const number = numberOf(type)
    plain[at++] = number
    if (number === SPELT_OUT) write(type, typeBytes)
    write(data, dataBytes)
  }
  return frameRow(plain.subarray(0, at), ROW_BYTES_MAX)
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
  const bytes = bytesIn(row, ROW_BYTES_MAX, damaged)
  const events: NewEvent[] = []
  let at = 0
  const text = (): string => {
    const start = at + LENGTH_BYTES
    if (start > bytes.length) throw damaged('it ends within a length')
    at = start + bytes.readUInt32BE(at)
    if (at > bytes.length) throw damaged('it ends within a text')
    if (!isUtf8(bytes.subarray(start, at))) throw damaged('a text is no UTF-8')
    return bytes.toString('utf8', start, at)
  }
  while (at < bytes.length) {
    if (events.length === count) throw damaged(`it has more events than ${count}`)
    const number = bytes[at++] as number
    const type = number === SPELT_OUT ? text() : NUMBERED_TYPES[number - 1]
    if (type === undefined) throw damaged('an event has no type that is known')
    if (number === SPELT_OUT && numberOf(type) !== SPELT_OUT) throw damaged('a type is spelt out that has a number')
    events.push({ type, data: text() })
  }
  if (events.length < count) throw damaged(`it has ${events.length} events instead of ${count}`)
  return events
}

function numberOf(type: string): number {
  return 1 + (NUMBERED_TYPES as readonly string[]).indexOf(type)
}
