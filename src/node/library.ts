import { randomUUID } from 'node:crypto'
import { parsePath } from '../api/path.ts'
import { submitter } from '../api/routes/submit.ts'
import { changesFromJson, removal, WriteUnfit } from '../api/write.ts'
import { NoSuchContract } from '../contracts/registry/contract-cache.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import type { Verdict } from '../contracts/requests/submission.ts'
import type { Uid } from '../events/ids.ts'
import { SALT_BYTES } from '../events/seal.ts'
import { AgreedView } from '../projections/agreed-view.ts'
import { systemRandom } from '../runtime/random.ts'
import { readConfiguration, readEnvironment } from './config/configuration.ts'
import { type Node, startNode } from './node.ts'
import { openLogger } from './observability/logging.ts'

/** How long a write waits for everybody unless told otherwise. Milliseconds. */
const DEFAULT_WAIT_MS = 10_000

/** A place in a contract's document: a block, or a field. */
export interface Place {
  /** What stands agreed there: a field's value or null, a block's object; undefined if there is no such place. */
  get(): Promise<unknown>
  /**
   * Writes below it: `set('Country', 'Mexico')` to one child, `set({ Country: 'Mexico', City: 'Puebla' })` to many at
   * once. Children that are not there yet are added. Resolves when everybody has agreed and signed, or not in time.
   */
  set(name: string, value: unknown, waitMs?: number): Promise<Verdict>
  set(values: Record<string, unknown>, waitMs?: number): Promise<Verdict>
  /** Removes it, with all below it. */
  remove(waitMs?: number): Promise<Verdict>
}

/** A contract as a program uses it: by the names in its document. */
export interface OpenContract {
  readonly uid: Uid
  /** `''` is the document itself, `Claimant/Address` a block in a block. */
  at(path: string): Place
}

/** A node in this process. */
export interface OpenNode {
  contracts(): OpenContract[]
  /** Throws NoSuchContract. */
  contract(uid: string): OpenContract
  /** Opens a contract whose only member, so far, is this node's party. */
  open(title: string): Promise<OpenContract>
  close(): Promise<void>
}

/** Starts the node of a data directory (`concordata init`) inside this program, with all that `concordata node` runs. */
export async function openNode({ data }: { readonly data: string }): Promise<OpenNode> {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  const node = await startNode(configuration, environment, openLogger(configuration, { party: configuration.handle }))
  return {
    contracts: () => [...node.contracts.uids()].map((uid) => openContract(node, uid)),
    contract(uid) {
      if (node.contracts.has(uid as Uid)) return openContract(node, uid as Uid)
      throw new NoSuchContract('no_such_contract', `there is no contract ${uid} here`, { contract: uid })
    },
    async open(title) {
      const { contract, opened } = await node.contracts.openContract(title)
      await opened
      return openContract(node, contract.contract)
    },
    close: () => node.close(),
  }
}

function openContract(node: Node, uid: Uid): OpenContract {
  return { uid, at: (path) => placeAt(node, uid, parsePath(path)) }
}

function placeAt(node: Node, uid: Uid, names: readonly string[]): Place {
  const submit = submitter({ newRequestId: () => randomUUID() })
  const stateAt = ({ state }: LiveContract) => new AgreedView(state.settling.agreed, uid, node.store.payloads)
  const elementIn = (live: LiveContract) => {
    const found = stateAt(live).find(names)
    if (found === undefined) throw new WriteUnfit('write_unfit', `the document has no ${names.join('/')}`, { names })
    return found
  }
  return {
    get() {
      return node.contracts.use(uid, async (live) => {
        const view = stateAt(live)
        const found = view.find(names)
        return found && view.valueOf(found)
      })
    },
    set(first: string | Record<string, unknown>, second?: unknown, third?: number) {
      const values = typeof first === 'string' ? { [first]: second } : first
      const waitMs = (typeof first === 'string' ? third : (second as number | undefined)) ?? DEFAULT_WAIT_MS
      return node.contracts.use(uid, (live) => {
        const changes = changesFromJson(elementIn(live), names, values, true, () => systemRandom.bytes(SALT_BYTES))
        return submit(live, changes.commands, changes.payloads, { timeoutMs: waitMs }).verdict
      })
    },
    remove(waitMs = DEFAULT_WAIT_MS) {
      return node.contracts.use(uid, (live) => {
        const { commands, payloads } = removal(elementIn(live))
        return submit(live, commands, payloads, { timeoutMs: waitMs }).verdict
      })
    },
  }
}
