import type { FastifyBaseLogger } from 'fastify'
import type { CallTracing } from '../../api/http/trace-calls.ts'
import type { Role } from '../../contracts/duties.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { Handle } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { TracingSettings } from '../config/tracing-settings.ts'
import { CallTraces } from './call-traces.ts'
import { ExchangeTraces } from './exchange-traces.ts'
import { RequestTraces } from './request-traces.ts'

/** What a node tells of itself while it works, to whoever records it; to nobody unless that is configured. */
export interface Tracing {
  /** Of the inward API. */
  readonly calls: CallTracing | undefined
  /** A request is given this id. */
  named(id: string): void
  /** Passes the trace of a request to another process of this party, and takes one from it. */
  traceOf(id: string): string | undefined
  tracedAs(id: string, traceparent: string): void
  watch(contracts: Contracts): () => void
  /** `call`: with the `traceparent` to pass on, if there is one. */
  calling(peer: Handle, body: string, call: (traceparent?: string) => Promise<string>): Promise<string>
  answering(peer: Handle, traceparent: unknown, body: string, answer: () => Promise<string>): Promise<string>
  /** Hands over what has been recorded, as far as that can be done soon. */
  close(): Promise<void>
}

export const noTracing: Tracing = {
  calls: undefined,
  named: () => {},
  traceOf: () => undefined,
  tracedAs: () => {},
  watch: () => () => {},
  calling: (_peer, _body, call) => call(),
  answering: (_peer, _traceparent, _body, answer) => answer(),
  close: async () => {},
}

const OTHERS_PER_SECOND = 10
/** A collector that is down is complained about no more often than this. Milliseconds. */
const COMPLAINT_MS = 60_000

export interface TracingPorts {
  readonly party: Handle
  readonly role: Role
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
}

/** Where no collector is configured, what records and sends is not even loaded. */
export async function openTracing(
  { endpoint, sampleRatio = 1, othersPerSecond = OTHERS_PER_SECOND }: TracingSettings,
  { party, role, clock, logger }: TracingPorts,
): Promise<Tracing> {
  if (endpoint === undefined) return noTracing
  const { openOtlpTracer } = await import('./otlp-tracer.ts')
  let complainedAt = Number.NEGATIVE_INFINITY
  const failed = (error: Error) => {
    if (clock.now() - complainedAt < COMPLAINT_MS) return
    complainedAt = clock.now()
    logger.warn({ err: error }, 'traces cannot be handed to the collector; they are lost, and nothing else is')
  }
  const resource = { 'service.name': 'concordata', 'concordata.party': party, 'concordata.role': role }
  const { tracer, close } = openOtlpTracer({ endpoint, sampleRatio, resource, failed })
  const requests = new RequestTraces(tracer, clock)
  const exchanges = new ExchangeTraces(tracer, requests, othersPerSecond, () => performance.now())
  const calls = new CallTraces(tracer, requests, exchanges)
  const signsRequests = role === 'node' || role === 'transmit'
  return {
    calls,
    named: (id) => calls.named(id),
    traceOf: (id) => requests.parentOf(id),
    tracedAs: (id, traceparent) => requests.named(id, traceparent),
    watch(contracts) {
      const stops = [exchanges.watch(contracts), ...(signsRequests ? [requests.watch(contracts)] : [])]
      return () => {
        for (const stop of stops) stop()
      }
    },
    calling: (peer, body, call) => exchanges.calling(party, peer, body, call),
    answering: (peer, traceparent, body, answer) => exchanges.answering(peer, traceparent, body, answer),
    close,
  }
}
