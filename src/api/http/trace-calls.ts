import type { FastifyInstance } from 'fastify'

/** One call of the API, as it is traced. */
export interface CallSpan {
  /** Whatever is begun in there belongs to the call. */
  within(work: () => void): void
  end(status: number): void
}

export interface CallTracing {
  /** undefined: this call is not traced. `route`: as it is registered, since names of elements may stand in the path itself. */
  begin(call: {
    readonly method: string
    readonly route: string
    /** Attacker-controlled; of a caller who is known. */
    readonly traceparent: unknown
    readonly caller: string
  }): CallSpan | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    span: CallSpan | undefined
  }
}

/** Requires that callers are known already: strangers make no traces. */
export function traceCalls(app: FastifyInstance, tracing: CallTracing): void {
  app.decorateRequest('span', undefined)
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers, routeOptions, access } = request
    const route = routeOptions.url
    // A connection that stays is no call that ends.
    if (access !== null && route !== undefined && headers.upgrade === undefined)
      request.span = tracing.begin({ method, route, traceparent: headers.traceparent, caller: access.caller.name })
    done()
  })
  // Not before: the body comes in events of the connection, which knows of no call.
  app.addHook('preHandler', (request, _, done) => {
    if (request.span === undefined) done()
    else request.span.within(done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    request.span?.end(reply.statusCode)
    done()
  })
}
