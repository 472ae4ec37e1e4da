import type { ConcordataNode } from './library/interface.ts'
import { requireNodeVersion } from './runtime/node-version.ts'

export type { Outcome, WriteOptions } from './library/calls/api-calls.ts'
export { NodeNotRunning } from './library/calls/http-calls.ts'
export { ProblemError } from './library/calls/problem-error.ts'
export { connect } from './library/connect.ts'
export type {
  Candidate,
  Change,
  Changes,
  ConcordataNode,
  Contract,
  ContractShown,
  ContractSummary,
  Draft,
  DraftPlace,
  Party,
  Place,
  RequestStatus,
  Rules,
} from './library/interface.ts'
export type {
  AnyDocument,
  Attachment,
  Decimal,
  Integer,
  Money,
  Reference,
  Sealed,
  Written,
} from './library/typed/values.ts'
export { ConcordataError, type ErrorCode, errorCodes } from './runtime/errors.ts'

/**
 * Starts the node of a data directory (`concordata init`) inside this program, with all that `concordata node` runs.
 * Rejects with RuntimeUnfit under a Node.js that is too old: the binding of SQLite, loaded after that, would end the process.
 */
export async function openNode(options: { readonly data: string }): Promise<ConcordataNode> {
  requireNodeVersion(process.versions.node)
  const { openNode: open } = await import('./node/library.ts')
  return open(options)
}
