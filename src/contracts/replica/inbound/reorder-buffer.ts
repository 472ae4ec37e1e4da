import type { Handle, Uid } from '../../../events/ids.ts'
import type { SignedStatement } from '../../../events/statement-codec.ts'

/** What all statements that run ahead may take in one process, in bytes of heap; whoever sent them has them still. */
export const AHEAD_BYTES_MAX = 64 * 1024 * 1024

/** Measured on V8 without pointer compression, and rather too much: test/contracts/replica/reorder-buffer.test.ts compares. */
const STATEMENT_BYTES = 2_048
const STRING_BYTES = 32
const NUMBER_BYTES = 16
const CONTAINER_BYTES = 96
const MEMBER_BYTES = 112

/** What it takes in memory, nearly. A line of small members takes twenty times its characters. */
export function heapBytesOf({ statement, text, payloads }: SignedStatement): number {
  let bytes = STATEMENT_BYTES + stringBytes(text)
  const left: unknown[] = [statement, payloads]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value === 'string') bytes += stringBytes(value)
    else if (typeof value !== 'object' || value === null) bytes += NUMBER_BYTES
    else if (Array.isArray(value)) {
      bytes += CONTAINER_BYTES
      for (const item of value) left.push(item)
    } else {
      bytes += CONTAINER_BYTES
      for (const name of Object.keys(value)) {
        bytes += MEMBER_BYTES + name.length
        left.push((value as Record<string, unknown>)[name])
      }
    }
  }
  return bytes
}

/** A string with one character beyond Latin-1 takes two bytes for each. */
function stringBytes(text: string): number {
  return STRING_BYTES + text.length * (/[^\0-\xff]/.test(text) ? 2 : 1)
}

interface Kept {
  readonly decoded: SignedStatement
  readonly bytes: number
}

/** What one party has brought. Of its contracts the one that something came for first stands first. */
interface Share {
  bytes: number
  readonly contracts: Map<Uid, Kept[]>
}

/**
 * The statements of all contracts that run ahead of what is held. There is one budget for the process, in bytes of heap, whatever
 * the number of contracts. Where there is not room for all, something of the party that has brought most goes: of its oldest
 * contract, what could be taken in last. So no party takes room from another that has less. What goes comes again: a sender goes by what
 * this party says that it holds, and what is next in its feed never waits (decision 0077).
 */
export class ReorderBuffer {
  readonly #bytesMax: number
  readonly #shares = new Map<Handle, Share>()
  /** By contract, in the order in which they came. */
  readonly #waiting = new Map<Uid, readonly SignedStatement[]>()
  readonly #known = new WeakMap<SignedStatement, { readonly by: Handle; readonly bytes: number }>()
  readonly #givenUp = new Map<Handle, number>()
  #bytes = 0

  constructor(bytesMax = AHEAD_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** What is taken at the moment. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many statements have been given up for want of room, by who had brought them. */
  get givenUp(): ReadonlyMap<Handle, number> {
    return this.#givenUp
  }

  /** How many statements that the party has brought are not kept. */
  gaveUp(by: Handle, count: number): void {
    if (count > 0) this.#givenUp.set(by, (this.#givenUp.get(by) ?? 0) + count)
  }

  waitingIn(contract: Uid): readonly SignedStatement[] {
    return this.#waiting.get(contract) ?? nothing
  }

  /** From now on these wait in the contract, as far as there is room; by clock. `broughtBy`: of those that are new. */
  keep(contract: Uid, waiting: readonly SignedStatement[], broughtBy: (decoded: SignedStatement) => Handle): void {
    if (waiting === this.waitingIn(contract)) return
    this.#remove(contract)
    for (const decoded of waiting) {
      const known = this.#known.get(decoded) ?? { by: broughtBy(decoded), bytes: heapBytesOf(decoded) }
      this.#known.set(decoded, known)
      const share = this.#shareOf(known.by)
      const kept = share.contracts.get(contract) ?? []
      kept.push({ decoded, bytes: known.bytes })
      share.contracts.set(contract, kept)
      share.bytes += known.bytes
      this.#bytes += known.bytes
    }
    if (waiting.length > 0) this.#waiting.set(contract, waiting)
    while (this.#bytes > this.#bytesMax) this.#giveUp()
  }

  /** The contract is not in memory any more. */
  leave(contract: Uid): void {
    this.#remove(contract, true)
  }

  #shareOf(by: Handle): Share {
    const share = this.#shares.get(by) ?? { bytes: 0, contracts: new Map<Uid, Kept[]>() }
    this.#shares.set(by, share)
    return share
  }

  /** The place of the contract among those of who has brought something of it stays, unless it leaves. */
  #remove(contract: Uid, leaves = false): void {
    this.#waiting.delete(contract)
    for (const [by, share] of this.#shares) {
      const kept = share.contracts.get(contract)
      if (kept === undefined) continue
      for (const { bytes } of kept) {
        share.bytes -= bytes
        this.#bytes -= bytes
      }
      if (leaves || kept.length === 0) share.contracts.delete(contract)
      else share.contracts.set(contract, [])
      if (share.contracts.size === 0) this.#shares.delete(by)
    }
  }

  #giveUp(): void {
    const [first, second] = [...this.#shares].sort(([, one], [, other]) => other.bytes - one.bytes)
    if (first === undefined) return
    const [by, fullest] = first
    const [contract, kept] = [...fullest.contracts].find(([, some]) => some.length > 0) ?? []
    if (contract === undefined || kept === undefined) return
    const gone = new Set<SignedStatement>()
    const lead = fullest.bytes - (second?.[1].bytes ?? 0)
    const excess = Math.min(this.#bytes - this.#bytesMax, Math.max(lead, 1))
    for (let freed = 0; freed < excess && kept.length > 0; ) {
      const { decoded, bytes } = kept.pop() as Kept
      gone.add(decoded)
      freed += bytes
      fullest.bytes -= bytes
      this.#bytes -= bytes
    }
    this.gaveUp(by, gone.size)
    if (kept.length === 0) fullest.contracts.delete(contract)
    const left = this.waitingIn(contract).filter((decoded) => !gone.has(decoded))
    if (left.length === 0) this.#waiting.delete(contract)
    else this.#waiting.set(contract, left)
  }
}

const nothing: readonly SignedStatement[] = []
