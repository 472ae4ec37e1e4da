import {
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { partsOf } from './traceparent.ts'
import type { Span, Tracer } from './tracer.ts'

export interface OtlpTracerOptions {
  /** Of the collector. */
  readonly endpoint: string
  /** The share of traces begun here that are recorded. */
  readonly sampleRatio: number
  /** Which process of which party these spans are of. */
  readonly resource: Readonly<Record<string, string>>
  /** Spans could not be handed over; they are lost. */
  failed(error: Error): void
}

/** Spans lie so long before they are sent. Milliseconds. */
const DELAY_MS = 1_000
/** For one call of the collector, repetitions included. Milliseconds. */
const EXPORT_TIMEOUT_MS = 5_000
/** How long closing waits for what has not been sent yet. Milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000
/** Spans that wait for a collector; what comes beyond them is dropped. */
const QUEUE_MAX = 4_096
const ATTRIBUTE_CHARACTERS_MAX = 256
const LINKS_MAX = 64

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const

/** Records with OpenTelemetry, and sends to a collector by OTLP over HTTP, as JSON. Nothing waits for it. */
export function openOtlpTracer({ endpoint, sampleRatio, resource, failed }: OtlpTracerOptions): {
  readonly tracer: Tracer
  close(): Promise<void>
} {
  const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_TIMEOUT_MS, concurrencyLimit: 4 })
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARACTERS_MAX, linkCountLimit: LINKS_MAX },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(exporter, failed),
        scheduledDelayMillis: DELAY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        maxQueueSize: QUEUE_MAX,
      }),
    ],
  })
  const recorder = provider.getTracer('concordata')
  const tracer: Tracer = {
    start(name, { kind, parent, links = [], attributes = {}, startedAt }) {
      const span = recorder.startSpan(
        name,
        {
          kind: kinds[kind],
          attributes,
          links: links.map((link) => ({ context: contextOf(link) })),
          ...(startedAt === undefined ? {} : { startTime: startedAt }),
        },
        within(parent),
      )
      if (!span.isRecording()) return undefined
      const { traceId, spanId } = span.spanContext()
      const started: Span = {
        traceparent: `00-${traceId}-${spanId}-01`,
        set: (more) => void span.setAttributes(more),
        end(failure) {
          if (failure !== undefined) {
            span.setAttribute('error.type', failure)
            span.setStatus({ code: SpanStatusCode.ERROR })
          }
          span.end()
        },
      }
      return started
    },
  }
  return {
    tracer,
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())
      await Promise.race([provider.shutdown().catch(failed), late])
    },
  }
}

function within(parent: string | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(parent))
}

function contextOf(traceparent: string): SpanContext {
  return { ...partsOf(traceparent), traceFlags: TraceFlags.SAMPLED, isRemote: true }
}

/** An exporter that reports what it could not hand over. */
function reporting(exporter: SpanExporter, failed: (error: Error) => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) failed(result.error)
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
