import { ApiCalls } from './calls/api-calls.ts'
import { httpCalls } from './calls/http-calls.ts'
import type { ConcordataNode } from './interface.ts'
import { nodeBy } from './node.ts'

/**
 * A node that runs elsewhere. `url`: of its inward API; `key`: of `concordata api-key add`, whose roles are what the program may do.
 * Nothing is asked of it yet. Throws NodeNotRunning for what is no address.
 */
export function connect(url: string, key: string): ConcordataNode {
  return nodeBy(new ApiCalls(httpCalls(url, key), url), async () => {})
}
