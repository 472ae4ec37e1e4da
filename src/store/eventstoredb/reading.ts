import { type ResolvedEvent, type StreamingRead, StreamNotFoundError } from '@eventstore/db-client'
import { StoreCorrupt, StoreUnavailable } from '../errors.ts'
import type { RecordedEvent } from '../port.ts'

/** In place of data that Concordata cannot have written. No JSON, on purpose. */
const FOREIGN_JSON = '(application/json)'
const NOT_UTF_8 = '(not UTF-8)'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The events of a reading. They are asked for as they are used: gRPC holds the server back meanwhile. Throws what the
 * client throws, and StoreUnavailable.
 *
 * Go through all of them where few are asked for: to leave the loop resets the HTTP/2 stream, and a server closes the
 * connection of a client that does so often (CVE-2023-44487).
 */
export async function* eventsOf(
  reading: StreamingRead<ResolvedEvent>,
  timeoutMs: number,
  doing: string,
): AsyncGenerator<ResolvedEvent> {
  // The client reports what befalls the connection also after the reading is over; without a listener, that ends the process.
  reading.on('error', () => {})
  const iterator = reading[Symbol.asyncIterator]() as AsyncIterator<ResolvedEvent>
  let isOver = false
  try {
    for (;;) {
      const next = await within(timeoutMs, iterator.next(), doing)
      isOver = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    isOver = error instanceof StreamNotFoundError
    throw error
  } finally {
    // To leave the loop alone does not tell the server.
    if (!isOver) reading.cancel().catch(() => {})
  }
}

/** Throws StoreUnavailable when the time is over. */
export async function within<Result>(timeoutMs: number, call: Promise<Result>, doing: string): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new StoreUnavailable('store_unavailable', `${doing}: EventStoreDB did not answer in ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    return await Promise.race([call, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The event as the port has it, the namespace taken off; undefined for what belongs to the server itself. What Concordata
 * cannot have written has data that are no JSON, so that no form fits them: whoever reads the stream says what that means (decision 0069).
 */
export function recorded({ event }: ResolvedEvent, namespace: string): RecordedEvent | undefined {
  if (event === undefined || !event.streamId.startsWith(namespace) || event.streamId.startsWith('$')) return undefined
  const stream = event.streamId.slice(namespace.length)
  const where = `event ${event.revision} of ${stream}`
  return {
    stream,
    revision: safe(event.revision, where),
    position: safe(event.position?.commit, where),
    type: event.type,
    // The client has taken apart what is told to be JSON: its characters are lost.
    data: event.isJson ? FOREIGN_JSON : textOf(event.data),
  }
}

/** A number of the server, if JavaScript can count so far. Throws StoreCorrupt. */
export function safe(value: bigint | undefined, where: string): number {
  if (value !== undefined && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  const message = `${where}: the server gives a place (${value}) that cannot be used; it must be 22.6 or newer`
  throw new StoreCorrupt('store_corrupt', message)
}

function textOf(data: Uint8Array): string {
  try {
    return decoder.decode(data)
  } catch {
    return NOT_UTF_8
  }
}
