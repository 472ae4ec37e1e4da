import './checked-answers.ts'
import type { Test } from 'tap'
import { openNode } from '../../src/index.ts'
import { newParty } from './node-party.ts'
import { sendRaw } from './raw-http.ts'

export const JSON_TYPE = 'application/json'

/** One party's node with a document, asked byte by byte. */
export async function exactNode(t: Test, document: Record<string, unknown> = { Text: 'as it was' }) {
  const ana = await newParty(t.testdir(), 'ana')
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const { uid } = await node.open('exact')
  const root = `/new-api/${uid}`
  const send = (line: string, headers: Record<string, string | undefined> = {}, body: Uint8Array | string = '') =>
    sendRaw(ana.api, line, { authorization: `Bearer ${ana.token}`, ...headers }, body)
  const json = async (method: string, path: string, body: string) =>
    send(`${method} ${path}`, { 'content-type': JSON_TYPE }, body)
  const posted = await json('POST', root, JSON.stringify(document))
  t.equal(posted.status < 300, true)
  const size = async () => JSON.parse((await send(`GET /api/Contract/${uid}`)).text).size as number
  return { ana, uid, root, send, json, size }
}
