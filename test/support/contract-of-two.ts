import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openNode } from '../../src/index.ts'
import { type Answer, type NodeParty, newParty, until } from './node-party.ts'
import { sharedContract } from './shared-contract.ts'

/** Of a call of the inward API. */
export type Asked = readonly [NodeParty, method: string, path: string, body?: unknown]

/** Two companies' nodes with one contract. */
export interface ContractOfTwo {
  readonly ana: NodeParty
  readonly ben: NodeParty
  readonly root: string
  readonly contract: string
  /** `/api/Contract/<uid>` and `/new-api/<uid>`. */
  readonly at: string
  readonly path: string
  /** The answers to what is asked for in this order while ben's person thinks about something else: nothing of it has settled when the next is asked for. */
  together(...asked: readonly Asked[]): Promise<Answer[]>
  /** Ana's node is down meanwhile. */
  whileAnaIsDown(something: () => Promise<void>): Promise<void>
}

/** Ben answers whatever ana asks for, but that types be defined: there a person is asked. */
export async function contractOfTwo(t: Test): Promise<ContractOfTwo> {
  process.env.CONCORDATA_LOG_LEVEL = 'silent'
  const root = await mkdtemp(join(tmpdir(), 'concordata-of-two-'))
  const ask = { answer: 'ask', forSeconds: 600, otherwise: 'refuse', reason: 'nobody was there' }
  const ana = await newParty(root, 'ana')
  const ben = await newParty(root, 'ben', [{ commands: ['DefineType'], authors: ['ana'], ...ask }])
  const nodes = await Promise.all([ana, ben].map(({ data }) => openNode({ data })))
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  const contract = await sharedContract(t, ana, ben, 'of two')
  const [at, path] = [`/api/Contract/${contract}`, `/new-api/${contract}`]

  let held = 0
  const together = async (...asked: readonly Asked[]) => {
    const holding = ana.call('PUT', `${at}/Types/Held${++held}`, { base: 'text' })
    const questions = async () => (await ben.call('GET', `${at}/Questions`)).body
    await until('the question', async () => (await questions()).length === 1)
    const again = asked.map(([party, method, to, body], place) => {
      const key = { 'idempotency-key': `together-${held}-${place}` }
      return (prefer: string) => party.call(method, to, body, prefer, key)
    })
    for (const ask of again) await ask('respond-async')
    const [{ request }] = await questions()
    await ben.call('POST', `${at}/Questions/${request}`, { answer: 'acknowledge' })
    t.equal((await holding).status, 200)
    return Promise.all(again.map((ask) => ask('wait=60')))
  }
  const whileAnaIsDown = async (something: () => Promise<void>) => {
    await nodes.shift()?.close()
    await something()
    nodes.unshift(await openNode({ data: ana.data }))
  }
  return { ana, ben, root, contract, at, path, together, whileAnaIsDown }
}

/** A problem as docs/errors.md has it, `422 name_unfit`, and the call that is answered with it. */
export type Refused = readonly [problem: string, ...Asked]

/** Asks for each, one after another; none of them may be signed. */
export async function refuses(t: Test, { ana, at }: ContractOfTwo, calls: readonly Refused[]): Promise<void> {
  const size = async () => (await ana.call('GET', at)).body.size
  const before = await size()
  for (const [problem, party, method, path, body] of calls) {
    const answer = await party.call(method, path, body)
    t.equal(problemIn(answer), problem, `${method} ${path.split('/').slice(3).join('/')}`)
  }
  t.equal(await size(), before, 'nothing of it is signed')
}

export function problemIn({ status, body }: Answer): string {
  return `${status} ${body?.code}`
}
