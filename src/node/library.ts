import { NoSuchContract } from '../contracts/registry/contract-cache.ts'
import { DEFAULT_WAIT_MS } from '../documents/documents.ts'
import { parsePath } from '../documents/path.ts'
import type { RequestResult } from '../documents/request-result.ts'
import type { Uid } from '../events/ids.ts'
import { readConfiguration, readEnvironment } from './config/configuration.ts'
import { type Node, startNode } from './node.ts'
import { openLogger } from './observability/logging.ts'

/** A place in a contract's document: a block, or a field. */
export interface Place {
  /** What stands agreed there: a field's value or null, a block's object; undefined if there is no such place. */
  get(): Promise<unknown>
  /**
   * Writes below it: `set('Country', 'Mexico')` to one child, `set({ Country: 'Mexico', City: 'Puebla' })` to many at
   * once. Children that are not there yet are added. Resolves when everybody has agreed and signed, or not in time.
   */
  set(name: string, value: unknown, waitMs?: number): Promise<RequestResult>
  set(values: Record<string, unknown>, waitMs?: number): Promise<RequestResult>
  /** Removes it, with all below it. */
  remove(waitMs?: number): Promise<RequestResult>
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
    contracts: () => [...node.contracts.cache.uids()].map((uid) => openContract(node, uid)),
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

function placeAt({ documents }: Node, uid: Uid, names: readonly string[]): Place {
  return {
    async get() {
      return (await documents.get(uid, names))?.value()
    },
    async set(first: string | Record<string, unknown>, second?: unknown, third?: number) {
      const json = typeof first === 'string' ? { [first]: second } : first
      const timeoutMs = (typeof first === 'string' ? third : (second as number | undefined)) ?? DEFAULT_WAIT_MS
      return documents.propose(uid, names, { json, adds: true }, { timeoutMs })
    },
    async remove(timeoutMs = DEFAULT_WAIT_MS) {
      return documents.remove(uid, names, { timeoutMs })
    },
  }
}
