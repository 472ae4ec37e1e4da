import type { ChangeSet } from '../../src/aggregates/contract/change-sets/change-set.ts'
import { contract, decideRequest } from '../../src/aggregates/contract/decide.ts'
import { childNamed, childrenOf, type Element, type Field } from '../../src/aggregates/contract/document/element.ts'
import { builtIn } from '../../src/aggregates/contract/engines.ts'
import { recordHash } from '../../src/aggregates/contract/record-hash.ts'
import type { Open } from '../../src/aggregates/contract/rules/document-view.ts'
import { type ContractState, membersOf } from '../../src/aggregates/contract/state.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { computedFromIn, type Lineage, withEntryIn } from '../../src/agreement/values/computed-lineage.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Command, CommandOf } from '../../src/events/commands.ts'
import type { ContractEvent } from '../../src/events/contract-events.ts'
import type { FieldType } from '../../src/events/field-type.ts'
import { type ElementId, type Handle, type ProposalId, type RequestRef, ROOT, type Uid } from '../../src/events/ids.ts'
import type { VoidReason } from '../../src/events/outcome.ts'
import type { Acceptance } from '../../src/events/parties/acceptance.ts'
import type { Payload, Request } from '../../src/events/statement.ts'
import { leafHash } from '../../src/merkle/hashing.ts'
import { MerkleLog } from '../../src/merkle/merkle-log.ts'
import { assert } from '../../src/runtime/assert.ts'
import type { Party } from './document-party.ts'

/** When all requests are made. */
const REQUEST_TIME = '2026-06-30T12:00:00.000Z'
export const UID = '0bfp6e7bfq270g4sq0y7sxt0xs0bfp6e7bfq270g4sq0y7sxt0xs' as Uid

/** What a party means to do: written as a request when its turn comes, on the document as it is then. */
export interface Act {
  /** Undefined: the member that has been there longest, which is the founder as long as it stays. */
  readonly author: Handle | undefined
  write(document: Document): Written
}

export interface Written {
  readonly commands: Request['commands']
  readonly values: ReadonlyMap<Hash, Payload>
  readonly isChangeSet?: true
}

/** Requests that are written before any of them is in the ledger. */
interface Concurrent {
  readonly concurrent: readonly Act[]
}

export type Fate = 'accepted' | VoidReason

interface Entry {
  readonly index: number
  readonly request: RequestRef
  readonly outcome: Fate
  readonly events: readonly ContractEvent[]
}

/** A contract document, and the ledger that it comes from. An immutable value: `when` answers the document after. */
export class Document {
  readonly state: ContractState
  readonly entries: readonly Entry[]
  /** Of the requests of the last `when`. */
  readonly fates: readonly Fate[]
  readonly #log: MerkleLog
  readonly #values: ReadonlyMap<Hash, Payload>

  private constructor(
    state: ContractState,
    entries: readonly Entry[],
    fates: readonly Fate[],
    log: MerkleLog,
    values: ReadonlyMap<Hash, Payload>,
  ) {
    this.state = state
    this.entries = entries
    this.fates = fates
    this.#log = log
    this.#values = values
  }

  static unopened(): Document {
    return new Document(contract.initialState(UID), [], [], MerkleLog.empty, new Map())
  }

  /** Puts the requests into the ledger, one entry each. */
  when(...steps: readonly (Act | Concurrent)[]): Document {
    let document: Document = this
    const fates: Fate[] = []
    for (const step of steps) {
      const acts = 'concurrent' in step ? step.concurrent : [step]
      const asKnown = document
      for (const act of acts) {
        document = document.#after(act.author, act.write(asKnown))
        fates.push(...document.fates)
      }
    }
    return new Document(document.state, document.entries, fates, document.#log, document.#values)
  }

  /** As it were had an earlier request had these events. `values`: what they seal. */
  after(events: readonly ContractEvent[], values: ReadonlyMap<Hash, Payload>): Document {
    const origin = { index: this.#log.size, request: { handle: this.handles[0] as Handle, seq: 99, index: 0 } }
    const state = events.reduce((current, event) => contract.evolve(current, event, origin), this.state)
    return new Document(state, this.entries, this.fates, this.#log, new Map([...this.#values, ...values]))
  }

  /** Of the last request. */
  get fate(): Fate {
    return this.fates.at(-1) as Fate
  }

  /** Of the last request. */
  get events(): readonly ContractEvent[] {
    return this.entries.at(-1)?.events ?? []
  }

  get record(): Hash {
    return recordHash(this.state)
  }

  get head(): Acceptance['head'] {
    return { size: this.#log.size, root: this.#log.root(), record: this.record }
  }

  get handles(): Handle[] {
    return membersOf(this.state).map(({ card }) => card.handle)
  }

  /** By names from the root on, with slashes between; the root is ''. */
  at(path: string): Element | undefined {
    let element: Element | undefined = this.state.document
    for (const name of path === '' ? [] : path.split('/')) element = element && childNamed(element, name)
    return element
  }

  /** `#n`, with or without ordinals behind it, stays what it is. */
  idAt(path: string): ElementId {
    if (path.startsWith('#')) return path as ElementId
    const element = this.at(path)
    assert(element !== undefined, `the document has ${path}`)
    return element.id
  }

  /** Where an element of this path is to be added. */
  placeOf(path: string): { parent: ElementId; name: string } {
    const slash = path.lastIndexOf('/')
    return { parent: slash === -1 ? ROOT : this.idAt(path.slice(0, slash)), name: path.slice(slash + 1) }
  }

  fieldAt(path: string): Field {
    const element = this.at(path)
    assert(element?.kind === 'field', `${path} is a field`)
    return element
  }

  namesIn(path: string): string[] {
    const element = this.at(path)
    assert(element !== undefined && element.kind !== 'field', `${path} is a block or a list`)
    return [...childrenOf(element)].map(({ name }) => name)
  }

  agreedAt(path: string): unknown {
    const { agreed } = this.fieldAt(path)
    return agreed === null ? undefined : this.#valueUnder(agreed)
  }

  sealAt(path: string): Hash {
    const { agreed } = this.fieldAt(path)
    assert(agreed !== null, `a value is agreed at ${path}`)
    return agreed.seal
  }

  /** The values of the candidates, in ledger order; null: that the field be emptied. */
  candidatesAt(path: string): unknown[] {
    return this.fieldAt(path).candidates.map((candidate) => this.#valueUnder(candidate))
  }

  #lineage(): Lineage | undefined {
    let state = contract.initialState(UID)
    let lineage: Lineage | undefined
    for (const entry of this.entries) {
      lineage = withEntryIn(lineage, entry, state)
      state = builtIn.evolve(state, entry.events, entry)
    }
    return lineage
  }

  /** What is under the seal of a value that stands. */
  get open(): Open {
    return ({ seal }) => this.#values.get(seal)
  }

  #valueUnder({ seal }: { readonly seal: Hash | null }): unknown {
    return seal === null ? null : this.#values.get(seal)?.value
  }

  proposalOf(author: Party, path: string): ProposalId {
    const found = standingAt(this.fieldAt(path)).find(({ by }) => by === author.handle)
    assert(found !== undefined, `${author.handle} has a proposal at ${path}`)
    return found.id
  }

  changeSetOf(author: Party): ChangeSet {
    const found = this.state.changeSets.findLast(({ request }) => request.handle === author.handle)
    assert(found !== undefined, `${author.handle} has a change set`)
    return found
  }

  #after(by: Act['author'], { commands, values, isChangeSet }: Written): Document {
    const author = by ?? (this.handles[0] as Handle)
    const index = this.#log.size
    const seq = this.entries.filter(({ request }) => request.handle === author).length
    const request = { handle: author, seq, index: 0 }
    const known = new Map([...this.#values, ...values])
    const verdict = decideRequest(commands, this.state, {
      contract: UID,
      index,
      author,
      ...(isChangeSet && { changeSet: {} }),
      request,
      time: REQUEST_TIME,
      reveal: (sealed) => known.get(sealed),
      open: ({ seal }) => known.get(seal),
      computedFrom: (seals) => computedFromIn(this.#lineage(), this.state, builtIn)(seals),
      rootAt: (size) => (size <= index ? this.#log.rootAt(size) : undefined),
    })
    assert(verdict.kind !== 'lacking', 'all values are here')
    const isAccepted = verdict.kind === 'accepted'
    const outcome = isAccepted ? verdict.kind : verdict.reason
    if (isAccepted) for (const [seal, payload] of verdict.computed) known.set(seal, payload)
    const entry: Entry = { index, request, outcome, events: isAccepted ? verdict.events : [] }
    const log = this.#log.append(leafHash(canonicalJson(entry)))
    return new Document(isAccepted ? verdict.state : this.state, [...this.entries, entry], [outcome], log, known)
  }
}

/** One request with the commands of all of these, which are of one author. */
export function together(...acts: readonly [Act, ...Act[]]): Act {
  return {
    author: acts[0].author,
    write: (document) => {
      const written = acts.map((act) => act.write(document))
      return {
        commands: written.flatMap(({ commands }) => commands),
        values: new Map(written.flatMap(({ values }) => [...values])),
      }
    },
  }
}

/** The same as a change set. */
export function asOne(...acts: readonly [Act, ...Act[]]): Act {
  const act = together(...acts)
  return { author: act.author, write: (document) => ({ ...act.write(document), isChangeSet: true }) }
}

/** Nobody of them knows of the others: they reach the ledger in this order. */
export function concurrently(...concurrent: readonly Act[]): Concurrent {
  return { concurrent }
}

/** A document on which all of this has been accepted. */
export function given(...acts: readonly (Act | readonly Act[])[]): Document {
  const document = Document.unopened().when(...acts.flat())
  for (const fate of document.fates) assert(fate === 'accepted', `given: ${JSON.stringify(fate)}`)
  return document
}

/** The contract with these members. */
export function openedBy(founder: Party, ...others: readonly Party[]): Act[] {
  return [founder.opens(), ...others.flatMap((other) => [founder.invites(other), founder.admits(other)])]
}

/** A shared field, added by the founder. */
export function field(path: string, type: FieldType = { type: 'text' }): Act {
  return byFounder((document) => ({ type: 'AddField', ...document.placeOf(path), field: type }))
}

/** A shared block, added by the founder. */
export function block(path: string): Act {
  return byFounder((document) => ({ type: 'AddBlock', ...document.placeOf(path) }))
}

/** A shared list of blocks, unless it is told otherwise, added by the founder. */
export function list(path: string, changes: Partial<CommandOf<'AddList'>> = {}): Act {
  return byFounder((document) => ({
    type: 'AddList',
    ...document.placeOf(path),
    entry: 'block',
    entriesMax: 10,
    ...changes,
  }))
}

/** An entry of it, added by the founder. */
export function entry(path: string): Act {
  return byFounder((document) => ({ type: 'AddEntry', list: document.idAt(path) }))
}

function byFounder(command: (document: Document) => Command): Act {
  return { author: undefined, write: (document) => ({ commands: [command(document)], values: new Map() }) }
}
