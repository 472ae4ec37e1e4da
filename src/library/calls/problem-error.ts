import { describe, type ProblemCode, type ProblemDocument } from '../../api/http/problems/problem.ts'

/** What was asked for was not done: `code` says why (docs/errors.md), `problem` has all that the node says about it. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  /** Of HTTP. */
  readonly status: number
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument) {
    super(`${problem.detail} [${problem.code}]`)
    this.name = 'ProblemError'
    this.code = problem.code
    this.status = problem.status
    this.problem = problem
  }
}

/** What no node need be asked to refuse. */
export function refusedUnasked(
  code: 'write_unfit' | 'path_malformed' | 'request_malformed',
  detail: string,
  evidence: object = {},
): ProblemError {
  return new ProblemError(describe(code, detail, code === 'write_unfit' ? 422 : 400, evidence))
}
