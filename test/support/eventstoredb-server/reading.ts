import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerWritableStream } from '@grpc/grpc-js'
import grpc from '@grpc/grpc-js'
import type { Database, Stored } from './database.ts'
import { failure, nameIn, notFound, readEvent, streamDeleted } from './messages.ts'
import type { Slowness } from './slowness.ts'

export type ReadCall = ServerWritableStream<ReadReq, ReadResp>

/** How many live events wait for a consumer before it is dropped. */
const LIVE_BUFFER_MAX = 32

/** Writes no faster than the client takes. */
async function send(call: ReadCall, response: ReadResp): Promise<void> {
  if (call.cancelled || call.destroyed || call.write(response)) return
  const over = new AbortController()
  const ended = () => over.abort()
  call.once('cancelled', ended)
  await once(call, 'drain', { signal: over.signal }).catch(() => {})
  call.removeListener('cancelled', ended)
}

export async function answerRead(database: Database, slowness: Slowness, call: ReadCall): Promise<void> {
  database.settle()
  const options = call.request.getOptions()
  if (options?.hasSubscription()) return subscribe(database, slowness, call)
  const name = options?.hasStream() ? nameIn(options.getStream()?.getStreamIdentifier()) : undefined
  const events = name === undefined ? database.all : database.visible(name)
  if (events === 'tombstoned') return void call.emit('error', streamDeleted(name ?? ''))
  if (events === undefined) await send(call, notFound(name ?? ''))
  else {
    for (const event of asked(events, call.request)) {
      await slowness.step('read')
      await sendUnlessOver(call, event)
    }
  }
  call.end()
}

async function sendUnlessOver(call: ReadCall, event: Stored): Promise<void> {
  if (!call.cancelled) await send(call, readEvent(event))
}

/** Those that the request asks for, of events in order; the place given is included. */
function asked(events: readonly Stored[], request: ReadReq): readonly Stored[] {
  const options = request.getOptions()
  const place = placeIn(request)
  const count = Number(options?.getCount())
  const placeOf = (event: Stored) => (options?.hasAll() ? event.position : event.revision)
  if (options?.getReadDirection() !== 1) {
    const first = place === undefined ? 0 : firstAt(events, place, placeOf)
    return events.slice(first, first + count)
  }
  const end = place === undefined ? events.length : firstAt(events, place + 1, placeOf)
  return events.slice(Math.max(0, end - count), end).reverse()
}

/** Index of the first event at a place or behind it. */
function firstAt(events: readonly Stored[], place: number, placeOf: (event: Stored) => number): number {
  let [low, high] = [0, events.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (placeOf(events[middle] as Stored) < place) low = middle + 1
    else high = middle
  }
  return low
}

/** Undefined for the start of a reading forwards, and for the end of one backwards. */
function placeIn(request: ReadReq): number | undefined {
  const options = request.getOptions()
  const stream = options?.getStream()
  if (stream !== undefined) return stream.hasRevision() ? Number(stream.getRevision()) : undefined
  const all = options?.getAll()
  return all?.hasPosition() ? Number(all.getPosition()?.getCommitPosition()) : undefined
}

async function subscribe(database: Database, slowness: Slowness, call: ReadCall): Promise<void> {
  const wanted = filterIn(call.request)
  const after = placeIn(call.request) ?? -1
  const confirmation = new streams.ReadResp.SubscriptionConfirmation()
  confirmation.setSubscriptionId(randomUUID())
  const confirmed = new streams.ReadResp()
  confirmed.setConfirmation(confirmation)
  await send(call, confirmed)
  let index = firstAt(database.all, after + 1, ({ position }) => position)
  for (; index < database.all.length && !call.cancelled; index++) {
    const event = database.all[index]
    if (event === undefined || !wanted(event)) continue
    await slowness.step('subscription')
    await send(call, readEvent(event))
  }
  const caughtUp = new streams.ReadResp()
  caughtUp.setCaughtUp(new streams.ReadResp.CaughtUp())
  call.write(caughtUp)
  goLive(database, slowness, call, wanted, index)
}

function goLive(
  database: Database,
  slowness: Slowness,
  call: ReadCall,
  wanted: (event: Stored) => boolean,
  seen: number,
): void {
  const buffer: Stored[] = []
  const before = database.all[seen - 1]?.position ?? -1
  let isSending = false
  const leave = () => database.off('stored', take)
  const pump = async () => {
    isSending = true
    for (let event = buffer.shift(); event !== undefined && !call.cancelled; event = buffer.shift()) {
      await slowness.step('subscription')
      await send(call, readEvent(event))
    }
    isSending = false
  }
  const take = (events: readonly Stored[]) => {
    buffer.push(...events.filter((event) => event.position > before && wanted(event)))
    if (!isSending) pump()
    if (buffer.length <= LIVE_BUFFER_MAX) return
    leave()
    buffer.length = 0
    call.emit(
      'error',
      failure(
        grpc.status.ABORTED,
        'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
      ),
    )
  }
  database.on('stored', take)
  call.on('cancelled', leave)
  call.on('close', leave)
}

function filterIn(request: ReadReq): (event: Stored) => boolean {
  const filter = request.getOptions()?.getFilter()
  const stream = request.getOptions()?.getStream()
  if (stream !== undefined) return (event) => event.stream === nameIn(stream.getStreamIdentifier())
  if (filter === undefined) return () => true
  const byName = filter.getStreamIdentifier()
  const expression = byName ?? filter.getEventType()
  const prefixes = expression?.getPrefixList() ?? []
  const regex = new RegExp(expression?.getRegex() ?? '')
  return (event) => {
    const text = byName === undefined ? event.type : event.stream
    return prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text)
  }
}
