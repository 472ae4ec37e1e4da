import { assert } from '../../runtime/assert.ts'
import { type Append, assertWritable } from '../append-rule.ts'
import { StoreClosed, StoreUnavailable } from '../errors.ts'
import type {
  AllRange,
  EventHandler,
  EventStore,
  NewEvent,
  PayloadStore,
  Store,
  StreamRange,
  Subscription,
  Write,
} from '../port.ts'
import { eachOf } from './at-once.ts'
import type { CatchUpSubscription } from './catch-up.ts'
import { type Connection, connect, type EventStoreDbOptions } from './connection.ts'
import { APPEND_BYTES_MAX, bytesOf, EventLog } from './event-log.ts'
import { PayloadStreams } from './payload-streams.ts'

/** A server that was started just now is not ready for about two seconds. */
const READY_POLL_MS = 200

/**
 * A store on an EventStoreDB server or cluster, 22.6 or newer. Throws StoreAddressInvalid, StoreAccessDenied, and
 * StoreUnavailable if it is not ready in the time that a call has.
 */
export async function openEventStoreDbStore(options: EventStoreDbOptions): Promise<Store> {
  const connection = connect(options)
  try {
    const log = new EventLog(connection)
    await untilReady(log, connection.timeoutMs)
    return new EventStoreDbStore(connection, log)
  } catch (error) {
    await connection.release()
    throw error
  }
}

async function untilReady(log: EventLog, timeoutMs: number): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += READY_POLL_MS) {
    try {
      await log.lastPosition()
      return
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || waitedMs >= timeoutMs) throw error
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
    }
  }
}

/** One after another what one append cannot take; an event that is too large by itself stays alone, to be refused. */
function piecesOf(append: Append): Append[] {
  const pieces: { events: NewEvent[]; bytes: number }[] = []
  for (const event of append.events) {
    const bytes = bytesOf([event])
    const last = pieces.at(-1)
    if (last === undefined || last.bytes + bytes > APPEND_BYTES_MAX) pieces.push({ events: [event], bytes })
    else {
      last.events.push(event)
      last.bytes += bytes
    }
  }
  let expected = append.expectedRevision
  return pieces.map(({ events }) => {
    const piece = { ...append, expectedRevision: expected, events }
    if (expected !== 'any') expected += events.length
    return piece
  })
}

/** What is done one after another, each step at once: payloads that follow each other, which nothing tells apart in order, and appends that do not depend on each other, nor on these. */
function stepsOf(batch: readonly Write[]): Write[][] {
  const steps: Write[][] = []
  for (const write of batch) {
    const last = steps.at(-1)
    const isWithLast =
      write.kind === 'payloads'
        ? last?.[0]?.kind === 'payloads'
        : write.withPrevious === true && last !== undefined && !last.some((other) => isTo(other, write.stream))
    if (isWithLast) last?.push(write)
    else steps.push([write])
  }
  return steps
}

function isTo(write: Write, stream: string): boolean {
  return write.kind === 'append' && write.stream === stream
}

class EventStoreDbStore implements Store {
  readonly events: EventStore
  readonly payloads: PayloadStore
  readonly isAtomic = false
  readonly #connection: Connection
  readonly #log: EventLog
  readonly #payloads: PayloadStreams
  readonly #subscriptions = new Set<CatchUpSubscription>()
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined
  #isClosed = false

  constructor(connection: Connection, log: EventLog) {
    this.#connection = connection
    this.#log = log
    this.#payloads = new PayloadStreams(connection)
    this.events = {
      append: async (stream, expectedRevision, events) => {
        const append = { kind: 'append', stream, expectedRevision, events } as const
        assertWritable([append])
        return this.#run(() => log.append(append))
      },
      read: (stream, range = {}) => this.#read(stream, range),
      lastRevision: (stream) => this.#run(() => log.lastRevision(stream)),
      lastPosition: () => this.#run(() => log.lastPosition()),
      readAll: (range = {}) => this.#whileOpen(() => log.readAll(range)),
      subscribe: (range, handler) => this.#subscribe(range, handler),
    }
    this.payloads = {
      put: (contract, group, entries) => this.write([{ kind: 'payloads', contract, group, entries }]),
      get: (contract, refs) => this.#run(() => this.#payloads.get(contract, refs)),
      groups: (contract) => this.#whileOpen(() => this.#payloads.groups(contract)),
      erase: (contract, refs) => this.#run(() => this.#payloads.erase(contract, refs)),
    }
  }

  async write(batch: readonly Write[]): Promise<void> {
    assertWritable(batch)
    await this.#run(async () => {
      for (const step of stepsOf(batch)) await eachOf(step, (write) => this.#apply(write))
    })
  }

  async #apply(write: Write): Promise<void> {
    if (write.kind === 'payloads') await this.#payloads.put(write.contract, write.group, write.entries)
    else for (const piece of piecesOf(write)) await this.#log.append(piece)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close()
    // Handlers that are at work may still write.
    await Promise.all([...this.#subscriptions].map(({ ended }) => ended))
    await Promise.allSettled(this.#underWay)
    this.#isClosed = true
    await this.#connection.release()
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreClosed()
  }

  async #run<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#assertOpen()
    const running = call()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  #read(stream: string, range: StreamRange) {
    const { from = 0, limit = 0 } = range
    assert(Number.isSafeInteger(from) && from >= 0, 'a revision to read from is 0, 1, 2 …')
    assert(Number.isSafeInteger(limit) && limit >= 0, 'a limit is 0, 1, 2 …')
    return this.#whileOpen(() => this.#log.read(stream, range))
  }

  async *#whileOpen<Item>(reading: () => AsyncGenerator<Item>): AsyncGenerator<Item> {
    this.#assertOpen()
    try {
      for await (const item of reading()) {
        yield item
        this.#assertOpen()
      }
    } catch (error) {
      // The connection is gone then, and what it threw is only the consequence.
      this.#assertOpen()
      throw error
    }
  }

  #subscribe(range: AllRange, handler: EventHandler): Subscription {
    if (this.#closing !== undefined) throw new StoreClosed()
    const subscription = this.#log.subscribe(range, handler)
    this.#subscriptions.add(subscription)
    subscription.ended.then(() => this.#subscriptions.delete(subscription))
    return subscription
  }
}
