import { type Hash, isHash } from '../../crypto/hash.ts'
import type { NewEvent, RecordedEvent } from '../port.ts'
import { APPEND_BYTES_MAX } from './event-log.ts'

/** Entries that are held beside those before them. */
const KEPT = 'PayloadsKept'
/** All that is held from here on: what stands before it counts no more. */
const REWRITTEN = 'PayloadsRewritten'
/** Of entries that one append cannot take: the first piece, those that follow, and in place of the above the last. */
const BEGUN = 'PayloadsBegun'
const CONTINUED = 'PayloadsContinued'
const KEPT_ENDED = 'PayloadsKeptEnded'
const REWRITTEN_ENDED = 'PayloadsRewrittenEnded'

/** What a piece may have: the server counts two bytes for each character of the type. */
const PIECE_BYTES_MAX = APPEND_BYTES_MAX - 2 * REWRITTEN_ENDED.length

export type Kind = 'kept' | 'rewritten'
const whole = { kept: KEPT, rewritten: REWRITTEN } as const
const ended = { kept: KEPT_ENDED, rewritten: REWRITTEN_ENDED } as const
const kindOf: Readonly<Record<string, Kind>> = {
  [KEPT]: 'kept',
  [REWRITTEN]: 'rewritten',
  [KEPT_ENDED]: 'kept',
  [REWRITTEN_ENDED]: 'rewritten',
}

/** Entries whose last piece is yet to come. */
interface Open {
  /** Revision of the first piece. */
  readonly start: number
  readonly pieces: readonly string[]
}

/** What the events of a group's stream come to. */
export interface GroupEvents {
  /** Of the first event that can be read, and of the last; undefined: there is none. */
  readonly first: number | undefined
  readonly last: number | undefined
  readonly entries: ReadonlyMap<Hash, string>
  readonly open: Open | undefined
  /** Pieces that were never ended stand there, with who knows what in them. */
  readonly hasLoosePieces: boolean
  /** Where the last rewriting begins: what stands before it is to be truncated. */
  readonly rewrittenAt: number | undefined
  /** Texts behind another one of their seal, and what is neither an entry nor a piece: they count for nothing. */
  readonly behind: readonly (readonly [Hash, string])[]
  readonly faults: readonly string[]
}

export const nothingStands: GroupEvents = {
  first: undefined,
  last: undefined,
  entries: new Map(),
  open: undefined,
  hasLoosePieces: false,
  rewrittenAt: undefined,
  behind: [],
  faults: [],
}

/** A beginning counts anew; nothing that is not ended is ever taken for the whole. What others have put there is passed over. */
export function evolved(standing: GroupEvents, { type, data, revision }: RecordedEvent): GroupEvents {
  const seen = { ...standing, first: standing.first ?? revision, last: revision }
  const loose = { ...seen, hasLoosePieces: seen.hasLoosePieces || seen.open !== undefined }
  const { open } = standing
  if (type === BEGUN) return { ...loose, open: { start: revision, pieces: [data] } }
  if (type === CONTINUED) {
    return open === undefined
      ? { ...seen, hasLoosePieces: true }
      : { ...seen, open: { ...open, pieces: [...open.pieces, data] } }
  }
  if (type === KEPT || type === REWRITTEN)
    return withEntries({ ...loose, open: undefined }, kindOf[type] as Kind, data, revision)
  if (type !== KEPT_ENDED && type !== REWRITTEN_ENDED)
    return { ...seen, faults: [...seen.faults, `event ${revision} is none of Concordata`] }
  if (open === undefined) return { ...seen, hasLoosePieces: true }
  return withEntries({ ...seen, open: undefined }, kindOf[type] as Kind, [...open.pieces, data].join(''), open.start)
}

function withEntries(standing: GroupEvents, kind: Kind, text: string, start: number): GroupEvents {
  const fault = `of event ${start} not all can be read`
  if (kind === 'rewritten') {
    const { entries, behind, isWhole } = decodeEntries(text)
    const faults = isWhole ? [] : [fault]
    return { ...standing, entries, behind, faults, hasLoosePieces: false, rewrittenAt: start }
  }
  const { entries, behind, isWhole } = decodeEntries(text, standing.entries)
  const faults = isWhole ? standing.faults : [...standing.faults, fault]
  return { ...standing, entries, behind: [...standing.behind, ...behind], faults }
}

/** What is yet to be appended so that these entries stand, each event by itself. Goes on from pieces that are the beginning of it. */
export function eventsFor(kind: Kind, entries: ReadonlyMap<Hash, string>, { open, last }: GroupEvents) {
  const text = encodeEntries(entries)
  const begun = open?.pieces.join('')
  const isBegun = open !== undefined && begun !== undefined && begun.length < text.length && text.startsWith(begun)
  const start = isBegun ? open.start : (last ?? -1) + 1
  const rest = Buffer.from(isBegun ? text.slice(begun.length) : text)
  if (!isBegun && rest.length <= PIECE_BYTES_MAX) return { start, events: [{ type: whole[kind], data: text }] }
  const events: NewEvent[] = []
  for (let from = 0; from < rest.length || events.length === 0; ) {
    const to = cutBefore(rest, from + PIECE_BYTES_MAX)
    const type = to === rest.length ? ended[kind] : from === 0 && !isBegun ? BEGUN : CONTINUED
    events.push({ type, data: rest.toString('utf8', from, to) })
    from = to
  }
  return { start, events }
}

/** The bytes of a character stay together: each event is UTF-8 by itself. */
function cutBefore(bytes: Buffer, end: number): number {
  if (end >= bytes.length) return bytes.length
  let cut = end
  while (((bytes[cut] as number) & 0xc0) === 0x80) cut--
  return cut
}

/** For each entry a line with its seal and how many UTF-16 units its text has, then the text and a line break. Of none: blank. */
export function encodeEntries(entries: ReadonlyMap<Hash, string>): string {
  return Array.from(entries, ([seal, text]) => `${seal} ${text.length}\n${text}\n`).join('')
}

const lineForm = /([0-9a-f]{64}) (0|[1-9]\d{0,8})\n/y

/** Entries, those that stand behind another one of their seal, and whether that is all of the text. */
export interface DecodedGroup {
  readonly entries: ReadonlyMap<Hash, string>
  readonly behind: readonly (readonly [Hash, string])[]
  readonly isWhole: boolean
}

/**
 * Adds what the text has to what is held. Attacker-controlled, where the server is: `text`, whole. What is no entry, and all behind
 * it, is left out: it is not held.
 */
export function decodeEntries(text: string, held: ReadonlyMap<Hash, string> = new Map()): DecodedGroup {
  const entries = new Map(held)
  const behind: (readonly [Hash, string])[] = []
  for (let at = 0; at < text.length; ) {
    lineForm.lastIndex = at
    const [line, seal, length] = lineForm.exec(text) ?? []
    if (line === undefined || !isHash(seal)) return { entries, behind, isWhole: false }
    const start = at + line.length
    const end = start + Number(length)
    if (text[end] !== '\n') return { entries, behind, isWhole: false }
    if (entries.has(seal)) behind.push([seal, text.slice(start, end)])
    else entries.set(seal, text.slice(start, end))
    at = end + 1
  }
  return { entries, behind, isWhole: true }
}
