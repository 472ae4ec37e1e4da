import { ConcordataError, type ErrorCode, errorCodes } from '../runtime/errors.ts'

/** RFC 9457 problem details, with the stable `code` of the registry and its evidence as further members. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly [member: string]: unknown
}

/** The one place where a code meets an HTTP status. */
const statusOf: Record<ErrorCode, number> = {
  internal: 500,
}

/** What a client is told of an error. Of a fault of the software only that there was one: the log has the rest. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof ConcordataError)) return describe('internal', errorCodes.internal, 500, {})
  const status = statusOf[error.code]
  return describe(error.code, status >= 500 ? errorCodes[error.code] : error.message, status, error.evidence)
}

export function describe(code: string, detail: string, status: number, evidence: object): Problem {
  return { ...evidence, type: `urn:concordata:${code}`, title: code.replaceAll('_', ' '), status, code, detail }
}
