import { randomBytes, randomUUID } from 'node:crypto'
import { pino } from 'pino'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { readConfiguration } from '../../src/node/config/configuration.ts'
import { storePath } from '../../src/node/files/open-store.ts'
import { type Node, startNode } from '../../src/node/node.ts'
import { answerQuestions } from './child.ts'
import { atRest, CHANGE_BYTES, databaseBytes, FIELDS, type Load, underLoad } from './measure.ts'

type Question =
  | { readonly kind: 'start'; readonly dir: string }
  | { readonly kind: 'load'; readonly contract: Uid; readonly load: Load }
  | { readonly kind: 'rest'; readonly contract: Uid; readonly samples: number }
  /** One change after another, each to the next contract. */
  | { readonly kind: 'each'; readonly contracts: readonly Uid[] }
  | { readonly kind: 'memory' }
  | { readonly kind: 'bytes' }

let dir = ''
let node: Node | undefined
let turn = 0
let fields = FIELDS

/** One change, as a program in the node's own process makes it: settled when it resolves. */
async function change(contract: Uid, isTentative: boolean): Promise<void> {
  if (node === undefined) throw new Error('the node is not up')
  const value = randomBytes(CHANGE_BYTES / 2).toString('hex')
  const { seal: sealed, payload } = seal(value, randomBytes(16))
  const command = { basis: [], field: `0.${turn++ % fields}`, seal: sealed, type: 'ProposeValue' }
  const intent = {
    request: { commands: [command], id: randomUUID(), ...(isTentative ? { tentative: true as const } : {}) },
    payloads: { [sealed]: payload },
    ...(isTentative ? { timeoutMs: 30_000 } : {}),
  }
  const verdict = await node.contracts.use(contract, (live) => live.submit(intent).verdict)
  if (verdict.kind !== 'settled' || verdict.outcome.kind !== 'accepted') throw new Error(JSON.stringify(verdict))
}

answerQuestions(
  async (question: Question) => {
    switch (question.kind) {
      case 'start': {
        dir = question.dir
        const environment = { logLevel: 'warn' } as const
        node = await startNode(
          await readConfiguration(dir, environment),
          environment,
          pino({ level: 'warn' }, pino.destination(2)),
        )
        return
      }
      case 'load':
        return underLoad(question.load, () => change(question.contract, false))
      case 'rest':
        return atRest(question.samples, () => change(question.contract, true))
      case 'each': {
        const left = [...question.contracts]
        fields = 10
        return atRest(left.length, () => change(left.pop() as Uid, true))
      }
      case 'memory':
        return process.memoryUsage.rss()
      case 'bytes':
        return databaseBytes(storePath(dir))
    }
  },
  async () => node?.close(),
)
