import type { OpenNode } from './node/library.ts'
import { assertNodeVersion } from './runtime/node-version.ts'

export type { RequestResult } from './documents/request-result.ts'
export type { OpenContract, OpenNode, Place } from './node/library.ts'
export { ConcordataError, type ErrorCode, errorCodes } from './runtime/errors.ts'

/**
 * Starts the node of a data directory (`concordata init`) inside this program, with all that `concordata node` runs.
 * Rejects with RuntimeUnfit under a Node.js that is too old: the binding of SQLite, loaded after that, would end the process.
 */
export async function openNode(options: { readonly data: string }): Promise<OpenNode> {
  assertNodeVersion(process.versions.node)
  const { openNode: open } = await import('./node/library.ts')
  return open(options)
}
