import { ConcordataError } from '../../../runtime/errors.ts'

/** One thing that was looked at. `advice` is for the person who runs the node; a finding that is no trouble has none. */
export interface CheckFinding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly finding: string
  readonly advice?: string
}

/** What is wrong, as a finding. Throws what is no error of this program. */
export function troubleWith(error: unknown): CheckFinding {
  if (!(error instanceof ConcordataError)) throw error
  return { check: '', level: 'error', finding: `${error.message} [${error.code}]` }
}
