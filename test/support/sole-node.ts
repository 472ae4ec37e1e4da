import type { Test } from 'tap'
import { freePort } from '../../src/cli/demo/free-port.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { openNode } from '../../src/index.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

/** The node of `sole`, who has opened one contract and is alone in it; `call` gives what the inward API responds as it is. */
export async function soleNode(t: Test) {
  const data = t.testdir()
  const api = `http://127.0.0.1:${await freePort()}`
  const endpoint = `https://127.0.0.1:${await freePort()}`
  await createIdentity(data, { handle: 'sole' as Handle, name: 'Sole Trader', endpoint, api }, systemClock)
  const token = await readApiToken(data)
  const node = await openNode({ data })
  t.teardown(() => node.close())
  const authorization = `Bearer ${token}`
  /** A body that is no object is sent as plain text. */
  const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const isObject = typeof body === 'object'
    const type = isObject ? { 'content-type': 'application/json' } : { 'content-type': 'text/plain' }
    return fetch(new URL(path, api), {
      method,
      headers: { authorization, ...(body !== undefined && type), ...more },
      ...(body === undefined ? {} : { body: isObject ? JSON.stringify(body) : String(body) }),
    })
  }
  const { contract } = (await (await call('POST', '/api/Contract', { title: 'alone' })).json()) as { contract: Uid }
  return { node, data, api, endpoint, token, authorization, call, contract }
}
