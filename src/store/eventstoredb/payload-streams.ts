import { randomUUID } from 'node:crypto'
import { BACKWARDS, END, NO_STREAM, START, StreamNotFoundError } from '@eventstore/db-client'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { StoreCorrupt, StoreUnavailable, StoreWriteTooLarge } from '../errors.ts'
import type { PayloadEntry, PayloadRef } from '../payload-group.ts'
import { byGroup, bytesInGroup, GROUP_BYTES_MAX, newAmong, type PayloadGroup } from '../payload-group.ts'
import type { StoredGroup } from '../port.ts'
import { type NamedEvent, type Sent, sendAppend } from './append-call.ts'
import { CALLS_MAX, eachOf } from './at-once.ts'
import { toStoreError, withLeader } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { PAYLOAD_PREFIX } from './event-log.ts'
import { eventsFor, evolved, type GroupEvents, type Kind, nothingStands } from './payload-events.ts'
import { eventsOf, recorded } from './reading.ts'

/** How often it is tried, where somebody else puts or erases in the same group. */
const RACES_MAX = 1_000
/** After a race that was lost: a drawn part of so long, twice as long after each, up to `PAUSE_MAX_MS`. Milliseconds. */
const PAUSE_MIN_MS = 1
const PAUSE_MAX_MS = 500
/** The bytes that are read of one stream: what a group has, kept, begun, and rewritten, and room for more. */
const STREAM_BYTES_MAX = 8 * GROUP_BYTES_MAX

const PUT = 'put of payloads'
const READ = 'read of payloads'
const ERASE = 'erasure of payloads'

/**
 * A stream for each group, `payload-<contract>-<group>`: to keep is one append, where the group is new. To erase is to append
 * what is kept anew (a blank event, if nothing is), and to truncate before it: a server keeps the last event of a stream through
 * every scavenge, whatever is deleted. Between the two both stand, and the rewriting counts. What was erased lies in the
 * server's files until it is scavenged, which is the operator's to order (decision 0064).
 */
export class PayloadStreams {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async put(contract: Uid, group: PayloadGroup, entries: readonly PayloadEntry[]): Promise<void> {
    const stream = this.#nameOf(contract, group)
    await racing(stream, PUT, async (race) => {
      const standing = race === 0 ? nothingStands : await this.#standingIn(stream)
      const missing = newAmong(standing.entries, entries)
      if (missing.size === 0) return true
      if (bytesInGroup(standing.entries) + bytesInGroup(missing) > GROUP_BYTES_MAX) {
        throw new StoreWriteTooLarge(PUT, 'group', GROUP_BYTES_MAX)
      }
      return (await this.#append(stream, standing, 'kept', missing, PUT)) !== undefined
    })
  }

  async get(contract: Uid, refs: readonly PayloadRef[]): Promise<Map<Hash, string>> {
    const held = new Map<Hash, string>()
    await eachOf(byGroup(refs), async ([group, seals]) => {
      const { entries } = await this.#standingIn(this.#nameOf(contract, group))
      for (const seal of seals) {
        const text = entries.get(seal)
        if (text !== undefined) held.set(seal, text)
      }
    })
    return held
  }

  /** The server lists no streams, so all events are gone through. What was erased whole is none any more. */
  async *groups(contract: Uid): AsyncGenerator<StoredGroup> {
    const prefix = this.#prefixOf(contract)
    const streams = [...(await this.#streamsOf(prefix))]
    for (let next = 0; next < streams.length; next += CALLS_MAX) {
      const some = streams.slice(next, next + CALLS_MAX)
      const standings = new Map<string, GroupEvents>()
      await eachOf(some, async (stream) => void standings.set(stream, await this.#standingIn(stream)))
      for (const stream of some) {
        const { entries, behind, faults } = standings.get(stream) as GroupEvents
        const isErased = entries.size + behind.length + faults.length === 0
        if (!isErased) yield { group: stream.slice(prefix.length), entries: [...entries, ...behind], faults }
      }
    }
  }

  async #streamsOf(prefix: string): Promise<ReadonlySet<string>> {
    const { client, callOptions, timeoutMs } = this.#connection
    const streams = new Set<string>()
    const reading = client.readAll({ fromPosition: START, ...callOptions })
    try {
      for await (const { event } of eventsOf(reading, timeoutMs, READ)) {
        if (event?.streamId.startsWith(prefix)) streams.add(event.streamId)
      }
    } catch (error) {
      throw toStoreError(error, READ)
    }
    return streams
  }

  async erase(contract: Uid, refs: readonly PayloadRef[]): Promise<void> {
    await eachOf(byGroup(refs), async ([group, seals]) => {
      const stream = this.#nameOf(contract, group)
      await racing(stream, ERASE, async () => {
        const standing = await this.#standingIn(stream)
        const { entries, first, rewrittenAt } = standing
        const kept = new Map([...entries].filter(([seal]) => !seals.has(seal)))
        const hasWhatGoes = kept.size < entries.size || standing.open !== undefined || standing.hasLoosePieces
        const start = hasWhatGoes ? await this.#append(stream, standing, 'rewritten', kept, ERASE) : (rewrittenAt ?? 0)
        if (start === undefined) return false
        return start <= (first ?? 0) || this.#truncate(stream, start)
      })
    })
  }

  /** Where they begin; undefined: the stream is not as it was any more. */
  async #append(
    stream: string,
    standing: GroupEvents,
    kind: Kind,
    entries: ReadonlyMap<Hash, string>,
    doing: string,
  ): Promise<number | undefined> {
    const { start, events } = eventsFor(kind, entries, standing)
    let expected: number | typeof NO_STREAM = standing.last ?? NO_STREAM
    for (const event of events) {
      // With an id of its own each time: one that the server knows from before an erasure would count as done already.
      const sent = await this.#send(stream, expected, { ...event, id: randomUUID() }, doing)
      if (sent === undefined) return undefined
      expected = sent.revision
    }
    return start
  }

  /** Whether it is; if not, somebody else has changed the metadata meanwhile, who may have truncated more. */
  async #truncate(stream: string, start: number): Promise<boolean> {
    const metadata = `$$${stream}`
    const { last, described } = await this.#describedIn(metadata)
    if (Number(described.$tb ?? 0) >= start) return true
    const event = {
      type: '$metadata',
      data: JSON.stringify({ ...described, $tb: start }),
      isJson: true,
      id: randomUUID(),
    }
    return (await this.#send(metadata, last, event, ERASE)) !== undefined
  }

  async #send(stream: string, expected: number | typeof NO_STREAM, event: NamedEvent, doing: string): Promise<Sent> {
    try {
      return await withLeader(() => sendAppend(this.#connection, stream, expected, [event], doing))
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }

  async #describedIn(metadata: string) {
    const { client, callOptions, timeoutMs } = this.#connection
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...callOptions } as const
    return this.#reading(
      async () => {
        let last = NO_STREAM as number | typeof NO_STREAM
        let described: Record<string, unknown> = {}
        for await (const { event } of eventsOf(client.readStream(metadata, options), timeoutMs, ERASE)) {
          if (event === undefined) continue
          last = Number(event.revision)
          described = event.data as Record<string, unknown>
        }
        return { last, described }
      },
      { last: NO_STREAM as number | typeof NO_STREAM, described: {} as Record<string, unknown> },
      ERASE,
    )
  }

  async #standingIn(stream: string): Promise<GroupEvents> {
    const { client, callOptions, namespace, timeoutMs } = this.#connection
    return this.#reading(
      async () => {
        let standing = nothingStands
        let bytes = 0
        for await (const resolved of eventsOf(client.readStream(stream, callOptions), timeoutMs, READ)) {
          const event = recorded(resolved, namespace)
          if (event === undefined) continue
          bytes += event.data.length
          if (bytes > STREAM_BYTES_MAX)
            throw new StoreCorrupt('store_corrupt', `${stream} has more than a group may have`)
          // What is told to be JSON is none of ours, whatever its type says.
          standing = evolved(standing, resolved.event?.isJson ? { ...event, type: '' } : event)
        }
        return standing
      },
      nothingStands,
      READ,
    )
  }

  async #reading<Result>(read: () => Promise<Result>, none: Result, doing: string): Promise<Result> {
    try {
      return await withLeader(read)
    } catch (error) {
      if (error instanceof StreamNotFoundError) return none
      throw toStoreError(error, doing)
    }
  }

  #prefixOf(contract: Uid): string {
    return `${this.#connection.namespace}${PAYLOAD_PREFIX}${contract}-`
  }

  #nameOf(contract: Uid, group: PayloadGroup): string {
    return `${this.#prefixOf(contract)}${group}`
  }
}

/** Until it is done. Who loses a race waits, each time longer: so of two that append large payloads one gets through. */
async function racing(stream: string, doing: string, attempt: (race: number) => Promise<boolean>): Promise<void> {
  for (let race = 0; race < RACES_MAX; race++) {
    if (await attempt(race)) return
    const pauseMs = Math.random() * Math.min(PAUSE_MIN_MS * 2 ** race, PAUSE_MAX_MS)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  const message = `${doing}: others were faster ${RACES_MAX} times`
  throw new StoreUnavailable('store_unavailable', message, { stream })
}
