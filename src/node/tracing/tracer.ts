/**
 * Traces as the parts of a node see them. Which library records them, if any, the node decides when it starts: nothing but
 * `otlp-tracer.ts` knows one. What is passed on is the W3C `traceparent`, a string: nothing else of a trace leaves a process (decision 0091).
 */
export interface Tracer {
  /** undefined: this one is not recorded, so neither is anything under it. */
  start(name: string, options: SpanOptions): Span | undefined
}

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'internal'
  /** The `traceparent` of what it is a part of. Left out: it begins a trace. */
  readonly parent?: string | undefined
  /** The `traceparent`s of what it serves beside that. */
  readonly links?: readonly string[]
  readonly attributes?: SpanAttributes
  /** Milliseconds since the Unix epoch. Left out: now. */
  readonly startedAt?: number
}

/** Parties, contracts, places, codes, sizes: never values, titles, names in documents, or keys. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export interface Span {
  readonly traceparent: string
  set(attributes: SpanAttributes): void
  /** `failure`: a code, if it has failed. */
  end(failure?: string): void
}
