import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallSpan, CallTracing } from '../../api/http/trace-calls.ts'
import type { ExchangeTraces } from './exchange-traces.ts'
import type { RequestTraces } from './request-traces.ts'
import { isTraceparent } from './traceparent.ts'
import type { Span, Tracer } from './tracer.ts'

/** Calls of the inward API, and which requests are named in them: that happens far below, where nobody knows of calls. */
export class CallTraces implements CallTracing {
  readonly #tracer: Tracer
  readonly #requests: RequestTraces
  readonly #exchanges: ExchangeTraces
  readonly #current = new AsyncLocalStorage<Span>()

  constructor(tracer: Tracer, requests: RequestTraces, exchanges: ExchangeTraces) {
    this.#tracer = tracer
    this.#requests = requests
    this.#exchanges = exchanges
  }

  begin({ method, route, traceparent, caller }: Parameters<CallTracing['begin']>[0]): CallSpan | undefined {
    const parent = this.#exchanges.admitted(`caller ${caller}`, traceparent)
    // Who has begun a trace and does not record it does not want it recorded here, either.
    if (parent === undefined && isTraceparent(traceparent)) return undefined
    const span = this.#tracer.start(`${method} ${route}`, {
      kind: 'server',
      parent,
      attributes: { 'http.request.method': method, 'http.route': route, 'url.scheme': 'http' },
    })
    if (span === undefined) return undefined
    return {
      within: (work) => this.#current.run(span, work),
      end(status) {
        span.set({ 'http.response.status_code': status })
        span.end(status >= 500 ? String(status) : undefined)
      },
    }
  }

  /** A request is given this id, in the course of a call or not. */
  named(id: string): void {
    const span = this.#current.getStore()
    if (span !== undefined) this.#requests.named(id, span.traceparent)
  }
}
