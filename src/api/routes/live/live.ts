import type { FastifyInstance } from 'fastify'
import { shownQuestions } from '../contract/questions.ts'
import type { OperationPorts } from '../operation.ts'
import { LiveCallers } from './callers.ts'
import { changesRoute } from './changes.ts'
import { type EventStream, type EventStreamPorts, eventStreamOf } from './event-stream.ts'
import { LiveHub } from './hub.ts'
import { States } from './states.ts'
import { liveRoute } from './web-socket.ts'

export type LiveRoutesPorts = EventStreamPorts & Pick<OperationPorts, 'obstacles'>

/** All ways of being told. What it returns answers a `GET` that asks for server-sent events. */
export function liveRoutes(app: FastifyInstance, ports: LiveRoutesPorts): EventStream {
  const { clock, contracts, inwardLimits, obstacles, store } = ports
  const hub = new LiveHub(contracts)
  const questionsOf = (live: Parameters<typeof shownQuestions>[0]) => shownQuestions(live, store.payloads)
  const states = new States({ contracts, obstacles, questionsOf, clock })
  const parts = { hub, callers: new LiveCallers(inwardLimits, ports), states }
  app.addHook('onClose', async () => {
    hub.close()
    states.close()
  })
  const events = eventStreamOf(app, ports, parts)
  liveRoute(app, ports, parts, events)
  changesRoute(app, ports, parts)
  return events
}
