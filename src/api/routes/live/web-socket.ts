import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { CountSchema, UidSchema } from '../../../events/ids.ts'
import type { Access } from '../../http/callers/authenticate.ts'
import { defaultInwardLimits } from '../../http/callers/call-limits.ts'
import { watchAccess } from '../../http/callers/watch-access.ts'
import { BodyMalformed, parseExactly } from '../../http/exact-json.ts'
import { sendProblem } from '../../http/http-server.ts'
import { describe, problemOf } from '../../http/problems/problem.ts'
import { LIVE_PATH } from '../../http/upgrades.ts'
import { TokenInQuery } from '../../http/validation.ts'
import { closed } from '../forms.ts'
import { LiveConnection, type LiveFrom } from './connection.ts'
import { EVENT_STREAM, type EventStream, wantsEvents } from './event-stream.ts'
import type { LiveParts, LivePorts } from './parts.ts'
import { WebSocketSink } from './sink.ts'
import { subjectIn } from './subject.ts'

const FromSchema = Type.Union([CountSchema, Type.Record(UidSchema, CountSchema, closed)])
/** What a client sends: a subject, spelled as the REST path, and from which ledger index on, of all contracts by their UIDs, it wants the changes. */
export const LiveMessageSchema = Type.Union([
  Type.Object({ subscribe: Type.String({ maxLength: 8192 }), from: Type.Optional(FromSchema) }, closed),
  Type.Object({ unsubscribe: Type.String({ maxLength: 8192 }) }, closed),
])
const askForm = Compile(LiveMessageSchema)

/** Of server-sent events: what is watched. On a WebSocket it is said in messages. */
const LiveQuery = Type.Object(
  { subject: Type.Optional(Type.String({ maxLength: 8192 })), from: Type.Optional(CountSchema), ...TokenInQuery },
  closed,
)

const SUBSCRIPTIONS_MAX = 1000
/** While this many messages of a client wait, nothing more is read from it. */
const AWAITED_MAX = 16

/** `/live`: changes as they settle, by subjects spelled exactly as the REST paths, resumable from an index (design §10). */
export function liveRoute(
  app: FastifyInstance,
  ports: LivePorts,
  { callers, hub, states }: LiveParts,
  events: EventStream,
): void {
  const heartbeatMs = 1000 * (ports.inwardLimits?.heartbeatSeconds ?? defaultInwardLimits.heartbeatSeconds)
  const live = (socket: WebSocket, request: FastifyRequest) => {
    const access = request.access as Access
    const { name } = access.caller
    socket.on('error', () => socket.terminate())
    const telling = callers.open(name)
    if (telling === undefined) return socket.close(1013, 'too many connections with this key')
    const sink = new WebSocketSink(socket)
    const connection = new LiveConnection(sink, telling, ports, states)
    const unwatch = hub.watch(connection)
    const forget = watchAccess(access, ports, (why) => socket.close(1008, why))
    const stopBeating = beat(socket, heartbeatMs)
    socket.on('close', () => {
      unwatch()
      stopBeating()
      connection.close()
      callers.close(name)
      forget()
    })
    // One after another: a contract may have to be taken into memory first.
    let heard = Promise.resolve()
    let awaited = 0
    const hearing = async (text: string | undefined) => {
      try {
        if (ports.turns.isOver) await ports.turns.next()
        await hear(text, connection, sink)
      } catch (error) {
        sink.send({ problem: problemOf(error) })
      }
      if (--awaited === 0) socket.resume()
    }
    socket.on('message', (data, isBinary) => {
      try {
        access.count()
        // Only of a text frame it is certain that it was UTF-8 (RFC 6455 §8.1).
        const text = isBinary ? undefined : String(data)
        if (++awaited >= AWAITED_MAX) socket.pause()
        heard = heard.then(() => hearing(text))
      } catch (error) {
        sink.send({ problem: problemOf(error) })
      }
    })
    // Each is answered, whether the answers are read or not.
    socket.on('ping', () => sink.isKeepingUp)
  }

  app.route({
    method: 'GET',
    url: LIVE_PATH,
    exposeHeadRoute: false,
    config: {
      role: 'reader',
      problems: ['upgrade_required', 'no_such_subject', 'no_such_contract', 'no_such_entry', 'history_too_long'],
    },
    schema: {
      operationId: 'openLive',
      summary: 'What changes, on a WebSocket or as server-sent events',
      querystring: LiveQuery,
    },
    wsHandler: live,
    handler: (request, reply) => {
      const { from, subject } = request.query as Static<typeof LiveQuery>
      if (wantsEvents(request)) return events(subjectIn(subject ?? ''), subject ?? '', from, request, reply)
      const problem = describe('upgrade_required', `connect to it as a WebSocket, or ask for ${EVENT_STREAM}`, 426, {})
      return sendProblem(reply.header('upgrade', 'websocket'), problem)
    },
  })
}

/** Undefined: a frame that was no text. */
async function hear(text: string | undefined, connection: LiveConnection, sink: WebSocketSink): Promise<void> {
  const ask = messageIn(text)
  if (!askForm.Check(ask)) {
    const detail = 'send {"subscribe": "/new-api/<uid>/…", "from": index} or {"unsubscribe": …}'
    sink.send({ problem: describe('live_message_malformed', detail, 400, {}) })
    return
  }
  if ('unsubscribe' in ask) {
    connection.end(ask.unsubscribe)
    return
  }
  const { from, subscribe } = ask
  if (connection.size >= SUBSCRIPTIONS_MAX && !connection.has(subscribe)) {
    const problem = describe('too_many_subscriptions', `at most ${SUBSCRIPTIONS_MAX}`, 429, { max: SUBSCRIPTIONS_MAX })
    sink.send({ problem, subscribe })
    return
  }
  try {
    await connection.begin(subjectIn(subscribe), subscribe, from as LiveFrom | undefined)
  } catch (error) {
    sink.send({ problem: problemOf(error), subscribe })
  }
}

/** Whoever has not answered the last ping when the next is due is not there any more. */
function beat(socket: WebSocket, everyMs: number): () => void {
  let isThere = true
  socket.on('pong', () => {
    isThere = true
  })
  const timer = setInterval(() => {
    if (!isThere) {
      socket.terminate()
      return
    }
    isThere = false
    if (socket.readyState === socket.OPEN) socket.ping()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Undefined: none that is read here. */
function messageIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseExactly(text)
  } catch (error) {
    if (error instanceof BodyMalformed) return undefined
    throw error
  }
}
