import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A span as a collector has it; attributes flattened. */
export interface CollectedSpan {
  readonly name: string
  /** OTLP: 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: { readonly [name: string]: unknown }
  readonly links: readonly string[]
  readonly isError: boolean
  /** Nanoseconds. */
  readonly took: bigint
  /** Whose it is. */
  readonly party: unknown
  readonly role: unknown
}

interface KeyValue {
  readonly key: string
  readonly value: { readonly [type: string]: unknown }
}
interface OtlpSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly KeyValue[]
  readonly links?: readonly { readonly spanId: string }[]
  readonly status?: { readonly code?: number }
}

/** Takes in what nodes send by OTLP over HTTP, as JSON, over real sockets, and keeps it. */
export class OtlpCollector {
  readonly endpoint: string
  readonly spans: CollectedSpan[] = []
  /** All that came, as it came. */
  text = ''
  /** It takes calls, and never answers them. */
  hangs = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
    server.on('connection', (socket) => this.#sockets.add(socket))
    server.on('request', async (request, response) => {
      let body = ''
      for await (const chunk of request.setEncoding('utf8')) body += chunk
      if (this.hangs) return
      this.text += body
      this.spans.push(...spansIn(body))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }

  static async start(): Promise<OtlpCollector> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new OtlpCollector(server)
  }

  named(name: string | RegExp): CollectedSpan[] {
    return this.spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function spansIn(body: string): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: OtlpSpan[] }[] }[]
  }
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const { 'concordata.party': party, 'concordata.role': role } = flat(resource.attributes)
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, kind, traceId, spanId, parentSpanId, attributes, links, status, ...times }) => ({
        ...{ name, kind, traceId, spanId, party, role },
        parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
        attributes: flat(attributes ?? []),
        links: (links ?? []).map((link) => link.spanId),
        isError: status?.code === 2,
        took: BigInt(times.endTimeUnixNano) - BigInt(times.startTimeUnixNano),
      })),
    )
  })
}

function flat(attributes: readonly KeyValue[]): { [name: string]: unknown } {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
