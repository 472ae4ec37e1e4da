/** W3C Trace Context §3.2: version, trace, span, flags. Of later versions nothing is known, so nothing is taken. */
const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Attacker-controlled: the text. */
export function isTraceparent(text: unknown): text is string {
  return typeof text === 'string' && form.test(text)
}

/** Whether whoever wrote it records this trace. */
export function isRecorded(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1
}

export function partsOf(traceparent: string): { readonly traceId: string; readonly spanId: string } {
  const [, traceId = '', spanId = ''] = traceparent.split('-')
  return { traceId, spanId }
}
