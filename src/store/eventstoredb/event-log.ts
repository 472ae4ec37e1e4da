import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  BACKWARDS,
  END,
  eventTypeFilter,
  NO_STREAM,
  type ReadPosition,
  START,
  StreamNotFoundError,
  streamNameFilter,
} from '@eventstore/db-client'
import { type Append, repeatedBy } from '../append-rule.ts'
import { StoreUnavailable, StoreWriteTooLarge } from '../errors.ts'
import {
  type AllRange,
  type Appended,
  type EventHandler,
  type NewEvent,
  NO_EVENTS,
  type RecordedEvent,
  type StreamRange,
} from '../port.ts'
import { parseStream } from '../streams.ts'
import { type Sent, sendAppend } from './append-call.ts'
import { CatchUpSubscription } from './catch-up.ts'
import { readWithLeader, toStoreError, withLeader } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { eventsOf, recorded, safe } from './reading.ts'

/** What the server takes in one append, all or nothing. */
export const APPEND_BYTES_MAX = 1024 * 1024
/** Events of streams whose names begin so are no events of the port. */
export const PAYLOAD_PREFIX = 'payload-'
/** How often an append is tried at a revision that is right each time it is looked at, and wrong each time it is sent. */
const RACES_MAX = 20
/** Before it is tried again: one that came first may be in flight still, and is not to be seen until it is done. */
const RACE_PAUSE_MAX_MS = 100

/** The streams of the port, over the connection. */
export class EventLog {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async append(append: Append): Promise<Appended> {
    const { stream, events } = append
    const doing = `append to ${stream}`
    if (bytesOf(events) > APPEND_BYTES_MAX) throw new StoreWriteTooLarge(doing, 'append', APPEND_BYTES_MAX)
    for (let race = 0; race < RACES_MAX; race++) {
      const result = await this.#tryAppend(append, doing)
      if (result !== undefined) return this.#appended(stream, result)
      const repeated = await this.#repeated(append)
      if (repeated !== undefined) return repeated
      await pause(Math.min(2 ** race, RACE_PAUSE_MAX_MS))
    }
    throw new StoreUnavailable('store_unavailable', `${doing}: others were faster ${RACES_MAX} times`, { stream })
  }

  /**
   * Undefined: the stream is not where the append expects it. With ids of its own: of two appends of the same id that meet, as when
   * two processes of a party append the same event, the server drops one, and its caller learns of it after seconds. The
   * revision excludes what is too late, and the content tells whether that is a repeat (decision 0066).
   */
  async #tryAppend({ stream, expectedRevision, events }: Append, doing: string): Promise<Sent> {
    const named = events.map((event) => ({ ...event, id: randomUUID() }))
    const expected = expectedRevision === NO_EVENTS ? NO_STREAM : expectedRevision
    try {
      return await withLeader(() =>
        sendAppend(this.#connection, `${this.#connection.namespace}${stream}`, expected, named, doing),
      )
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }

  /** An append that the server has recognized as a repeat may come without its place. */
  async #appended(stream: string, { revision, position }: NonNullable<Sent>): Promise<Appended> {
    if (position !== undefined) return { revision, position }
    let appended: Appended | undefined
    for await (const event of this.read(stream, { from: revision, limit: 1 })) {
      appended = { revision, position: event.position }
    }
    if (appended !== undefined) return appended
    throw new StoreUnavailable('store_unavailable', `append to ${stream}: the event is not to be found`, { stream })
  }

  /** Compares what stands: ids do not matter. */
  async #repeated(append: Append): Promise<Appended | undefined> {
    const { stream, expectedRevision, events } = append
    const actual = await this.lastRevision(stream)
    const there: RecordedEvent[] = []
    if (expectedRevision !== 'any' && expectedRevision + events.length <= actual) {
      const range = { from: expectedRevision + 1, limit: events.length }
      for await (const event of this.#readUpTo(stream, range, actual)) there.push(event)
    }
    return repeatedBy(append, actual, () => there)
  }

  async lastRevision(stream: string): Promise<number> {
    const doing = `read of ${stream}`
    const { client, callOptions, namespace, timeoutMs } = this.#connection
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...callOptions } as const
    try {
      return await withLeader(async () => {
        const reading = client.readStream(`${namespace}${stream}`, options)
        let last = NO_EVENTS
        for await (const { event } of eventsOf(reading, timeoutMs, doing)) last = safe(event?.revision, stream)
        return last
      })
    } catch (error) {
      if (error instanceof StreamNotFoundError) return NO_EVENTS
      throw toStoreError(error, doing)
    }
  }

  /** Where the stream ends is asked for at the same time: so a reading is one wait, and not two. */
  async *read(stream: string, { from = 0, limit }: StreamRange): AsyncGenerator<RecordedEvent> {
    if (limit === 0) return
    const end = this.lastRevision(stream)
    // It is awaited below; until then nobody else looks at it.
    end.catch(() => {})
    for await (const event of this.#readFrom(stream, from, limit)) {
      if (event.revision > (await end)) return
      yield event
    }
    await end
  }

  async *#readUpTo(
    stream: string,
    { from = 0, limit = Number.MAX_SAFE_INTEGER }: StreamRange,
    last: number,
  ): AsyncGenerator<RecordedEvent> {
    const maxCount = Math.min(limit, last - from + 1)
    if (maxCount <= 0) return
    yield* this.#readFrom(stream, from, maxCount)
  }

  async *#readFrom(stream: string, from: number, maxCount?: number): AsyncGenerator<RecordedEvent> {
    const { client, callOptions, namespace, timeoutMs } = this.#connection
    const bound = maxCount === undefined ? {} : { maxCount }
    const options = { fromRevision: BigInt(from), ...bound, ...callOptions }
    const reading = () => eventsOf(client.readStream(`${namespace}${stream}`, options), timeoutMs, `read of ${stream}`)
    try {
      for await (const resolved of readWithLeader(reading)) {
        const event = recorded(resolved, namespace)
        if (event !== undefined) yield event
      }
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw toStoreError(error, `read of ${stream}`)
    }
  }

  /** The client does not pass filters on with a reading: they are applied here. */
  async *readAll({ after, streamPrefix = '' }: AllRange): AsyncGenerator<RecordedEvent> {
    const end = await this.lastPosition()
    if (end === undefined || (after !== undefined && after >= end)) return
    const { client, callOptions, timeoutMs } = this.#connection
    const reading = client.readAll({ fromPosition: after === undefined ? START : placeOf(after), ...callOptions })
    try {
      for await (const resolved of eventsOf(reading, timeoutMs, 'read of all streams')) {
        const position = safe(resolved.event?.position?.commit ?? resolved.commitPosition, 'an event')
        if (position > end) return
        const event = this.#wanted(resolved, streamPrefix)
        // A reading begins with the event at the position, other than a subscription.
        if (event !== undefined && (after === undefined || position > after)) yield event
        if (position === end) return
      }
    } catch (error) {
      throw toStoreError(error, 'read of all streams')
    }
  }

  /** Of the last event of the server, whosever it is; undefined if it has none. */
  async lastPosition(): Promise<number | undefined> {
    const doing = 'read of all streams'
    const { client, callOptions, timeoutMs } = this.#connection
    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1, ...callOptions } as const
    try {
      return await withLeader(async () => {
        let last: number | undefined
        for await (const { event, commitPosition } of eventsOf(client.readAll(options), timeoutMs, doing)) {
          last = safe(event?.position?.commit ?? commitPosition, 'the last event')
        }
        return last
      })
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }

  subscribe({ after, streamPrefix = '' }: AllRange, handler: EventHandler): CatchUpSubscription {
    const { client, callOptions, namespace } = this.#connection
    const prefix = `${namespace}${streamPrefix}`
    // Events of the server itself have types that begin with a dollar sign.
    const filter = prefix === '' ? eventTypeFilter({ regex: '^[^$]' }) : streamNameFilter({ prefixes: [prefix] })
    return new CatchUpSubscription(
      after,
      {
        open: (position) =>
          client.subscribeToAll({
            fromPosition: position === undefined ? START : placeOf(position),
            filter,
            ...callOptions,
          }),
        convert: (resolved) => this.#wanted(resolved, streamPrefix),
      },
      handler,
    )
  }

  #wanted(resolved: Parameters<typeof recorded>[0], streamPrefix: string): RecordedEvent | undefined {
    const { namespace } = this.#connection
    const name = resolved.event?.streamId ?? ''
    if (!name.startsWith(`${namespace}${streamPrefix}`) || name.startsWith(`${namespace}${PAYLOAD_PREFIX}`))
      return undefined
    const event = recorded(resolved, namespace)
    // Other programs on the server write JSON to streams of theirs, and may delete those: nothing is to hang on them.
    const isElsewhere = resolved.event?.isJson === true && event !== undefined && !parseStream(event.stream)
    return isElsewhere ? undefined : event
  }
}

/** An event of Concordata is its own record: one append, one prepare, so both halves of its position are the same. */
function placeOf(position: number): ReadPosition {
  return { commit: BigInt(position), prepare: BigInt(position) } as unknown as ReadPosition
}

/** As the server counts: the data, and two bytes for each character of the type. */
export function bytesOf(events: readonly NewEvent[]): number {
  return events.reduce((sum, { type, data }) => sum + Buffer.byteLength(data) + 2 * type.length, 0)
}
