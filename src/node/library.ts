import type { FastifyInstance } from 'fastify'
import { ApiCalls } from '../library/calls/api-calls.ts'
import type { Calls } from '../library/calls/calls.ts'
import { NodeNotRunning } from '../library/calls/http-calls.ts'
import type { ConcordataNode } from '../library/interface.ts'
import { nodeBy } from '../library/node.ts'
import { assert } from '../runtime/assert.ts'
import { readConfiguration, readEnvironment } from './config/configuration.ts'
import { readApiToken } from './identity/identity.ts'
import { startNode } from './node.ts'
import { openLogger } from './observability/logging.ts'

/** Starts the node of a data directory (`concordata init`) inside this program, with all that `concordata node` runs. */
export async function openNode({ data }: { readonly data: string }): Promise<ConcordataNode> {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  const node = await startNode(configuration, environment, openLogger(configuration, { party: configuration.handle }))
  const { app } = node
  assert(app !== undefined, 'the role of all has the inward API')
  const calls = callsOf(app, await readApiToken(data), data)
  return nodeBy(new ApiCalls(calls, data), () => node.close())
}

/** To the handler of the inward API, without a connection: what a program may not say, and what it is answered, is as for all others (decision 0137). */
function callsOf(app: FastifyInstance, token: string, data: string): Calls {
  return async ({ method, path, headers, body, signal }) => {
    try {
      const response = await app.inject({
        method,
        url: path,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : Buffer.from(body) }),
        ...(signal && { signal }),
      })
      const header = (name: string) => {
        const value = response.headers[name]
        return value === undefined ? undefined : String(value)
      }
      return { status: response.statusCode, text: response.payload, header }
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      throw new NodeNotRunning('node_not_running', `the node of ${data} has stopped`, { data }, { cause })
    }
  }
}
