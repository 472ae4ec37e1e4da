import { type ContractState, memberOf } from '../../src/aggregates/contract/state.ts'
import { confidentialStandingIn } from '../../src/aggregates/contract/values/confidential-standing.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type Handle, requestOf } from '../../src/events/ids.ts'
import { recipientsIn } from '../../src/events/recipients.ts'
import { groupOf } from '../../src/store/payload-group.ts'
import { both } from '../support/engine-2.ts'
import { fullState } from '../support/full-state.ts'
import type { Machine } from './machine.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'

/** Who may have which confidential value: as the statements say, and as the documents had it that were on the way. */
export class Confidences {
  /** By group and seal. */
  readonly #mayHave = new Map<string, Set<Handle>>()

  /** A document that its ledger had on the way. */
  #passed(document: ContractState): void {
    for (const [seal, some] of confidentialStandingIn(document)) {
      for (const { field, standing } of some) {
        const { handle, seq } = requestOf(standing.id)
        const parties = audienceAt(document, field)?.parties ?? []
        this.#allow(keyOf(groupOf({ handle, seq }), seal), parties)
      }
    }
  }

  /** No party has, or was ever sent by somebody honest, what it was never to have. Whoever comes to be in the audience has it if another has. */
  async check(run: Run): Promise<void> {
    if (run.options.audiences === 0) return
    const [founder] = run.machines as [Machine, ...Machine[]]
    for (const machine of run.everyone()) {
      const live = await machine.live(run.contract)
      if (live === undefined) continue
      await live.recall()
      this.#said(fullState(live.state))
      for (const document of await documentsAt(run, machine, founder, fullState(live.state))) this.#passed(document)
    }
    for (const machine of run.everyone()) {
      for await (const { group, entries } of machine.disk.auditSource(run.contract, founder.handle).groups()) {
        for (const [seal] of entries) {
          const may =
            this.#mayHave.get(keyOf(group, seal)) ??
            (group.startsWith('content-') ? this.#mayHaveBytes(seal) : undefined)
          if (may === undefined) continue
          run.count(`confidential values held by ${may.size}`)
          if (!may.has(machine.handle)) throw new Violation(`${machine.handle} has ${group} ${seal}, for ${[...may]}`)
        }
      }
    }
    const { hostile } = run
    for (const key of hostile?.given ?? []) {
      const may = this.#mayHave.get(key)
      if (may !== undefined && hostile !== undefined && !may.has(hostile.handle))
        throw new Violation(`${hostile.handle} was given ${key}, for ${[...may]}`)
    }
  }

  /** Nobody who stays in the audience lacks what another member of it has. */
  async checkHandedOver(run: Run): Promise<void> {
    const { options } = run
    if (options.audiences === 0 || options.passive || options.split || run.twin !== undefined) return
    for (const machine of run.machines) {
      const state = (await machine.live(run.contract))?.state
      if (state === undefined || memberOf(state.ledger.document, machine.handle) === undefined) continue
      const { document } = state.ledger
      for (const [seal, some] of confidentialStandingIn(document)) {
        for (const { field, standing } of some) {
          const audience = audienceAt(document, field)
          if (audience?.until !== undefined || audience?.parties.includes(machine.handle) !== true) continue
          const { handle, seq } = requestOf(standing.id)
          const ref = { group: groupOf({ handle, seq }), seal }
          const holders: Handle[] = []
          for (const other of run.machines) {
            if (!audience.parties.includes(other.handle)) continue
            const kept = await other.live(run.contract)
            if (kept !== undefined && (await other.disk.payload(run.contract, ref)) !== undefined)
              holders.push(other.handle)
          }
          if (holders.length > 0 && !holders.includes(machine.handle))
            throw new Violation(`${machine.handle} lacks ${ref.group} ${seal} of ${field}, which ${holders} have`)
          if (holders.length > 1) run.count('confidential values shared in the end')
        }
      }
    }
  }

  #said({ feeds }: AgreementState): void {
    for (const feed of feeds.values()) {
      for (const { statement } of feed) {
        for (const [seal, parties] of recipientsIn(statement)) {
          const { party: handle, seq } = statement
          this.#allow(keyOf(groupOf({ handle, seq }), seal), parties)
        }
      }
    }
  }

  /** The bytes of a file are for whoever may have the value that names it. */
  #mayHaveBytes(seal: Hash): Set<Handle> | undefined {
    const places = [...this.#mayHave].filter(([key]) => key.endsWith(` ${seal}`))
    return places.length === 0 ? undefined : new Set(places.flatMap(([, may]) => [...may]))
  }

  #allow(key: string, parties: Iterable<Handle>): void {
    const may = this.#mayHave.get(key) ?? new Set<Handle>()
    for (const party of parties) may.add(party)
    this.#mayHave.set(key, may)
  }
}

/** What the document of a machine was, one state after another. */
async function documentsAt(run: Run, machine: Machine, founder: Machine, { feeds }: AgreementState) {
  const { contract } = run
  // Of a member with two machines each may have stored another ledger than its feeds make.
  if (!run.isHonest(machine)) {
    const held = [...feeds.values()].flatMap((feed) => [...feed])
    return receive(emptyAgreement(contract, both), held).acknowledged.map(({ document }) => document)
  }
  // From the store: what was erased since can be judged with its entries alone.
  const { settled, state } = await machine.disk.load(contract, founder.handle, both)
  return [...settled, ...state.settling.unsettled].map(({ document }) => document)
}

export function keyOf(group: string, seal: Hash): string {
  return `${group} ${seal}`
}
