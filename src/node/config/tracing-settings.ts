import { type Static, Type } from 'typebox'

/** `tracing` of concordata.json: where spans go, and how many. */
export const TracingSettingsSchema = Type.Object(
  {
    /** Of an OTLP/HTTP collector: `http://host:4318/v1/traces`. Left out: the environment says it, or nothing is traced. */
    endpoint: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    /** The share of calls that begin a trace here. */
    sampleRatio: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** How many traces that others have begun are continued here, for each peer and each caller. */
    othersPerSecond: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  { additionalProperties: false },
)
export type TracingSettings = Static<typeof TracingSettingsSchema>

export function isCollectorUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return /^https?:$/.test(url?.protocol ?? '') && `${url?.username}${url?.password}${url?.search}` === ''
}
