import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireReached } from '../../../documents/past/reached.ts'
import type { LedgerIndex } from '../../../events/ids.ts'
import type { Access } from '../../http/callers/authenticate.ts'
import { defaultInwardLimits } from '../../http/callers/call-limits.ts'
import { watchAccess } from '../../http/callers/watch-access.ts'
import { isNamedFirst } from '../../http/forms/accept.ts'
import { RequestMalformed } from '../../http/validation.ts'
import type { WebhookRoutesPorts } from '../webhooks.ts'
import { LiveConnection } from './connection.ts'
import type { LiveParts, LivePorts } from './parts.ts'
import { EventStreamSink } from './sink.ts'
import { ANY, isState, type Subject } from './subject.ts'
import { ToldOfAll } from './told-of-all.ts'

export const EVENT_STREAM = 'text/event-stream'

/**
 * Answers with what happens at a subject, `spelling` as the client has it, from an entry on or from now on; `Last-Event-ID` goes
 * before `from`. Throws before anything is sent: RequestMalformed, NoSuchContract, NoSuchEntry, ApiTooManyCalls.
 */
export type EventStream = (
  subject: Subject,
  spelling: string,
  from: LedgerIndex | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>

export type EventStreamPorts = LivePorts & Pick<WebhookRoutesPorts, 'webhooks'>

/** Whether a client wants events before all else: `EventSource` asks for just this. */
export function wantsEvents({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return isNamedFirst(headers.accept, EVENT_STREAM)
}

export function eventStreamOf(
  app: FastifyInstance,
  ports: EventStreamPorts,
  { callers, hub, states }: LiveParts,
): EventStream {
  const heartbeatMs = 1000 * (ports.inwardLimits?.heartbeatSeconds ?? defaultInwardLimits.heartbeatSeconds)
  const open = new Set<EventStreamSink>()
  // The server waits for answers that are not at their end.
  app.addHook('preClose', async () => {
    for (const sink of open) sink.end(1001, 'the node stops')
  })

  return async (subject, spelling, asked, request, reply) => {
    const access = request.access as Access
    const { name } = access.caller
    if (asked !== undefined && subject.contract === ANY)
      throw new RequestMalformed('request_malformed', 'from is the entry of one contract, and this is told of all')
    const told = subject.contract === ANY && !isState(subject) ? await toldBefore(request, ports) : undefined
    const from = told !== undefined || isState(subject) ? undefined : (lastEventIn(request) ?? asked)
    // Whether it can be gone on from there is said before anything is sent.
    await told?.starts()
    // What is not there is said before anything is sent.
    if (!isState(subject) && subject.contract !== ANY) {
      const { contract } = subject
      const { contracts, store } = ports
      await contracts.use(contract, ({ state }) =>
        requireReached(from ?? 0, state.settling.settled, contract, store.events),
      )
    }
    const telling = callers.enter(name)
    reply.hijack()
    const response = reply.raw
    const sink = new EventStreamSink(response)
    const connection = new LiveConnection(sink, telling, ports, states)
    open.add(sink)
    const unwatch = hub.watch(connection)
    const forget = watchAccess(access, ports, (why) => sink.end(1008, why))
    const timer = setInterval(() => sink.beat(), heartbeatMs)
    timer.unref()
    const leave = () => {
      open.delete(sink)
      unwatch()
      clearInterval(timer)
      connection.close()
      callers.close(name)
      forget()
    }
    if (response.destroyed) leave()
    else response.once('close', leave)
    response.on('error', () => response.destroy())
    sink.begin()
    await connection
      .begin(subject, spelling, from, told)
      .catch(() => sink.end(1011, 'the store failed: resume from the last index'))
    return reply
  }
}

/** Throws RequestMalformed. */
function toldBefore({ headers }: FastifyRequest, { contracts, store, webhooks }: EventStreamPorts): Promise<ToldOfAll> {
  const id = headers['last-event-id']
  const ports = { contracts, events: store.events, epoch: webhooks.epoch }
  if (id === undefined || id === '') return ToldOfAll.fromNow(ports)
  return Promise.resolve(ToldOfAll.after(String(id), ports))
}

/** Throws RequestMalformed. */
function lastEventIn({ headers }: FastifyRequest): LedgerIndex | undefined {
  const said = headers['last-event-id']
  if (said === undefined || said === '') return undefined
  if (/^(?:0|[1-9]\d{0,14})$/.test(String(said))) return Number(said)
  throw new RequestMalformed('request_malformed', 'Last-Event-ID is the index of an entry, as the last event had it')
}
