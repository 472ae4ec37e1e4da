import type { RequestResult } from '../request-result.ts'
import type { RowStarts } from '../tables/cell.ts'

/** What has come of a request that a table has asked for: where it is void, with the row that has said what is wrong. */
export function withRow(result: RequestResult, starts: RowStarts): RequestResult {
  if (result.kind === 'dry run' || result.kind === 'refused here' || result.kind === 'settled') {
    const command = commandIn(result)
    // Before the first row stand the entries that are removed.
    const row = command === undefined ? -1 : starts.findLastIndex((start) => start <= command)
    if (row !== -1) return { ...result, details: { ...result.details, cell: { row: row + 2 } } }
  }
  return result
}

function commandIn(
  result: Extract<RequestResult, { kind: 'dry run' | 'refused here' | 'settled' }>,
): number | undefined {
  if (result.kind !== 'settled') return result.reason?.command
  return result.outcome.kind === 'void' ? result.outcome.reason.command : undefined
}
