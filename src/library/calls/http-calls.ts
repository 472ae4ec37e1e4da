import { NODE_HEADER } from '../../api/http/node-header.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Calls } from './calls.ts'
import { unhurried } from './unhurried.ts'

/** No node answers at this address, or not any more. Evidence: `url`. */
export class NodeNotRunning extends ConcordataError {}

/** By HTTP, with a key of the inward API. Throws NodeNotRunning for what is no address. */
export function httpCalls(url: string, key: string): Calls {
  const base = baseOf(url)
  return async ({ method, path, headers, body, signal }) => {
    const answer = async () => {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...headers },
        // A node never sends one on; whoever does is no node, and is shown no key.
        redirect: 'error',
        ...(await unhurried()),
        ...(body === undefined ? {} : { body }),
        ...(signal && { signal }),
      })
      return { response, text: await response.text() }
    }
    const { response, text } = await answer().catch((cause: unknown) => {
      if (signal?.aborted) throw signal.reason
      throw new NodeNotRunning('node_not_running', `no node answers at ${url}`, { url }, { cause })
    })
    requireNode(response, url)
    return { status: response.status, text, header: (name) => response.headers.get(name) ?? undefined }
  }
}

/** What has succeeded was done by a node of Concordata. Problems are known by their form. Throws NodeNotRunning. */
export function requireNode({ headers, ok }: Response, url: string): void {
  if (ok && !headers.has(NODE_HEADER)) throw notTheNode(url)
}

/** What answers there is no node of Concordata. */
export function notTheNode(url: string, options?: ErrorOptions): NodeNotRunning {
  return new NodeNotRunning('node_not_running', `what answers at ${url} is no node of Concordata`, { url }, options)
}

function baseOf(url: string): string {
  const { origin, pathname, protocol } = URL.parse(url) ?? {}
  if (protocol === 'http:' || protocol === 'https:') return `${origin}${pathname?.replace(/\/$/, '')}`
  throw new NodeNotRunning('node_not_running', `${url} is no address of a node: http://host:port, or https`, { url })
}
