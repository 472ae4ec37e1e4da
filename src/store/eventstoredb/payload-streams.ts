import { randomUUID } from 'node:crypto'
import { NO_STREAM, StreamNotFoundError } from '@eventstore/db-client'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { StoreUnavailable } from '../errors.ts'
import type { NewEvent, PayloadEntry, RecordedEvent } from '../port.ts'
import { sendAppend } from './append-call.ts'
import { toStoreError, withLeader } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { APPEND_BYTES_MAX, bytesOf, PAYLOAD_PREFIX } from './event-log.ts'
import { eventsOf, recorded, within } from './reading.ts'

/** The whole of a text. */
const KEPT = 'PayloadKept'
/** Of a text that one append cannot take: its first piece, those that follow, the last. */
const BEGUN = 'PayloadBegun'
const CONTINUED = 'PayloadContinued'
const ENDED = 'PayloadEnded'
/** So many UTF-16 code units are never more bytes than one append takes: each is three bytes at most. */
const PIECE_CHARACTERS_MAX = Math.floor((APPEND_BYTES_MAX - 2 * CONTINUED.length) / 3)
/** How many calls are under way at once. */
const CALLS_MAX = 32
/** How often a text is gone on with, where somebody else puts or erases the same. */
const RACES_MAX = 1_000

/** What stands in the stream of a seal. */
interface Standing {
  /** Of its last event, if there is one. */
  readonly revision: number | typeof NO_STREAM
  readonly text: string
  readonly isWhole: boolean
}

/**
 * A stream for each seal, `payload-<contract>-<seal>`: to keep is to append where there is no stream, to erase is to delete
 * that stream, and no text that is kept has to be written anew. A text is one event, or several where one append cannot take
 * it: then it is not held before the last of them stands, and whoever puts it, again or beside another, goes on from what
 * stands. A put that fails may have kept some of its texts. What was erased lies in the server's files until it is scavenged,
 * which is the operator's to order.
 */
export class PayloadStreams {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async put(contract: Uid, entries: readonly PayloadEntry[]): Promise<void> {
    await eachOf(new Map(entries.map(({ seal, text }) => [seal, text])), ([seal, text]) =>
      this.#keep(this.#nameOf(contract, seal), text),
    )
  }

  async #keep(stream: string, text: string): Promise<void> {
    let standing: Standing = { revision: NO_STREAM, text: '', isWhole: false }
    for (let race = 0; race < RACES_MAX; race++) {
      if (standing.isWhole || (await this.#write(stream, standing, text))) return
      standing = standingIn(await this.#eventsOf(stream))
    }
    const message = `put of a payload: others were faster ${RACES_MAX} times`
    throw new StoreUnavailable('store_unavailable', message, { stream })
  }

  /** Appends what is missing. Whether it has: the stream may not be where it was any more. */
  async #write(stream: string, { revision, text: begun }: Standing, text: string): Promise<boolean> {
    const doing = 'put of a payload'
    let expected = revision
    for (const event of piecesOf(text, text.startsWith(begun) ? begun.length : 0)) {
      // With an id of its own each time: one that the server knows from before an erasure would count as done already.
      const named = { ...event, id: randomUUID() }
      try {
        const sent = await withLeader(() => sendAppend(this.#connection, stream, expected, [named], doing))
        if (sent === undefined) return false
        expected = sent.revision
      } catch (error) {
        throw toStoreError(error, doing)
      }
    }
    return true
  }

  async get(contract: Uid, seals: readonly Hash[]): Promise<Map<Hash, string>> {
    const held = new Map<Hash, string>()
    await eachOf(new Set(seals), async (seal) => {
      const { text, isWhole } = standingIn(await this.#eventsOf(this.#nameOf(contract, seal)))
      if (isWhole) held.set(seal, text)
    })
    return held
  }

  async #eventsOf(stream: string, maxCount?: number): Promise<RecordedEvent[]> {
    const doing = 'read of a payload'
    const { client, callOptions, namespace, timeoutMs } = this.#connection
    const options = { ...callOptions, ...(maxCount === undefined ? {} : { maxCount }) }
    try {
      return await withLeader(async () => {
        const events: RecordedEvent[] = []
        for await (const resolved of eventsOf(client.readStream(stream, options), timeoutMs, doing)) {
          const event = recorded(resolved, namespace)
          if (event === undefined) continue
          // What is told to be JSON is no piece, whatever its type says.
          events.push(resolved.event?.isJson ? { ...event, type: '' } : event)
        }
        return events
      })
    } catch (error) {
      if (error instanceof StreamNotFoundError) return []
      throw toStoreError(error, doing)
    }
  }

  async erase(contract: Uid, seals: readonly Hash[]): Promise<void> {
    const { client, callOptions, timeoutMs } = this.#connection
    const doing = 'erasure of a payload'
    await eachOf(new Set(seals), async (seal) => {
      const stream = this.#nameOf(contract, seal)
      // To delete a stream that never was would make one.
      if ((await this.#eventsOf(stream, 1)).length === 0) return
      try {
        const options = { ...callOptions, deadline: timeoutMs }
        await withLeader(() => within(timeoutMs, client.deleteStream(stream, options), doing))
      } catch (error) {
        throw toStoreError(error, doing)
      }
    })
  }

  #nameOf(contract: Uid, seal: Hash): string {
    return `${this.#connection.namespace}${PAYLOAD_PREFIX}${contract}-${seal}`
  }
}

/**
 * A beginning counts anew, so that neither the rest of a text of which the beginning was erased meanwhile, nor what is no
 * part of it, is ever taken for the whole.
 */
function standingIn(events: readonly RecordedEvent[]): Standing {
  const revision = events.at(-1)?.revision ?? NO_STREAM
  let pieces: string[] | undefined
  for (const { type, data } of events) {
    if (type === KEPT) return { revision, text: data, isWhole: true }
    if (type === BEGUN) pieces = [data]
    else if (type === CONTINUED || type === ENDED) pieces?.push(data)
    if (type === ENDED && pieces !== undefined) return { revision, text: pieces.join(''), isWhole: true }
  }
  return { revision, text: pieces?.join('') ?? '', isWhole: false }
}

/** What is missing of a text of which the first so many characters stand. */
function piecesOf(text: string, begun: number): NewEvent[] {
  if (begun === 0 && bytesOf([{ type: KEPT, data: text }]) <= APPEND_BYTES_MAX) return [{ type: KEPT, data: text }]
  const pieces: NewEvent[] = []
  for (let from = begun; pieces.at(-1)?.type !== ENDED; ) {
    const end = Math.min(text.length, from + PIECE_CHARACTERS_MAX)
    // Both halves of a surrogate pair stay together: each event is well-formed by itself.
    const to = isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end
    const type = to === text.length ? ENDED : from === 0 ? BEGUN : CONTINUED
    pieces.push({ type, data: text.slice(from, to) })
    from = to
  }
  return pieces
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** Works on all of them, some at a time. Throws the first failure, when nothing is under way any more. */
async function eachOf<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (let next = queue.next(); failure === undefined && !next.done; next = queue.next()) {
      await work(next.value).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: CALLS_MAX }, worker))
  if (failure !== undefined) throw (failure as { error: unknown }).error
}
