import { childrenOf, type Element, type Field } from '../../src/aggregates/contract/document/element.ts'
import { builtIn, type Engines } from '../../src/aggregates/contract/engines.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { confirmable } from '../../src/agreement/confirmable.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import { noteDue } from '../../src/contracts/signing/cosigned-notes.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import type { Uid } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { seal } from '../../src/events/seal.ts'
import type { Note, Payload, Refusal, Request } from '../../src/events/statement.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import type { Store } from '../../src/store/port.ts'
import { CONTRACTS_STREAM } from '../../src/store/streams.ts'
import type { SeededRandom } from '../simulation/seeded-random.ts'
import { about, type Command, contractFoundedBy, owes, Player } from './market.ts'

/** It begins as a formula does. */
const said = about('=not like this')

/** Keeps in a store what a node would keep of a contract: in the same writes, made by the same code. */
export class Recorder {
  readonly #store: Store
  #state: AgreementState

  private constructor(store: Store, contract: Uid, engines: Engines) {
    this.#store = store
    this.#state = emptyAgreement(contract, engines)
  }

  static async open(
    store: Store,
    contract: Uid,
    { handle, keys }: PartyCard,
    engines: Engines = builtIn,
  ): Promise<Recorder> {
    const founder = { handle, signing: keys.signing }
    const held = { type: 'ContractHeld', data: canonicalJson({ contract, founder }) }
    await store.events.append(CONTRACTS_STREAM, 'any', [held])
    return new Recorder(store, contract, engines)
  }

  async hears(...statements: SignedStatement[]): Promise<void> {
    const before = this.#state
    const { state, taken, settled, equivocations } = receive(before, statements)
    this.#state = state
    const divergences = state.settling.divergences.slice(before.settling.divergences.length)
    const writes = writesFor({ before, held: taken, settled, equivocations, divergences })
    if (writes.length > 0) await this.#store.write(writes)
  }

  get settled(): number {
    return this.#state.settling.settled
  }

  get state(): AgreementState {
    return this.#state
  }
}

/** UIDs of contracts that the first of these members founds. */
export function busyUid(n: number): Uid {
  return contractFoundedBy('party-0', n)
}

export interface Busy {
  /** One of `busyUid`. */
  readonly contract: Uid
  readonly members: number
  readonly rounds: number
  readonly requestsPerStatement: number
  readonly fields: number
  /** What is put into names: a hostile member's choice. */
  readonly prefix?: string
}

/**
 * Members who write to one contract at once, by the real code: proposals, conflicts, votes, removals, requests that are
 * void, refused, tentative and withdrawn, notes; now and then somebody hears nothing for a while. Stored at each step;
 * between two of them others may store something, since it is a generator.
 */
export async function* busyContract(store: Store, busy: Busy, random: SeededRandom): AsyncGenerator<Recorder> {
  const { contract, members, rounds, requestsPerStatement, fields, prefix = '' } = busy
  const players = Array.from({ length: members }, (_, n) => new Player(`party-${n}`, undefined, contract))
  const [founder, ...others] = players as [Player, ...Player[]]
  const recorder = await Recorder.open(store, contract, founder.card)
  const tell = async (said: SignedStatement, to: readonly Player[] = players) => {
    await recorder.hears(said)
    for (const player of to) player.hears(said)
  }
  const settle = async () => {
    for (let next: Player | undefined = founder; next !== undefined; next = players.find(owes)) {
      if (owes(next)) await tell(next.says(decisionsOf(next)))
      else if (!players.some(owes)) return
    }
  }
  await tell(founder.requests(founder.opening()))
  const names = Array.from({ length: fields }, (_, n) => `${prefix}field ${n}`)
  await tell(
    founder.requests(
      { type: 'AddBlock', parent: '0', name: `${prefix}Cover` },
      ...names.map((name) => ({ type: 'AddField', parent: '#0', name, field: { type: 'text' } })),
    ),
  )
  for (const other of others) {
    await tell(founder.requests({ type: 'InviteParty', party: other.card }))
    await settle()
    const { index } = founder.state.settling.agreed.parties.invitations[0] as { index: number }
    await tell(founder.requests({ type: 'AdmitParty', accepted: other.accepts(index) }))
    await settle()
    yield recorder
  }
  for (let round = 0; round < rounds; round++) {
    // Not given to anybody until the round is over: so they write at once.
    const heard: SignedStatement[] = []
    for (const player of players) {
      if (!random.chance(0.8)) continue
      const payloads: { [seal: Hash]: Payload } = {}
      const requests = Array.from({ length: requestsPerStatement }, () => requestOf(player, random, payloads, prefix))
      const refusals = refusalsOf(player, random)
      if (refusals.length > 0) Object.assign(payloads, said.payloads)
      heard.push(player.says({ requests, payloads, refusals }))
    }
    for (const one of heard) await recorder.hears(one)
    yield recorder
    for (const one of heard) for (const player of players) player.hears(one)
    if (random.chance(0.9)) await settle()
    yield recorder
    if (random.chance(0.3)) {
      for (const player of players) {
        const note = noteOf(player)
        if (note !== undefined) await tell(player.says({ note }))
      }
    }
  }
  await settle()
  const [last] = others.slice(-1)
  if (last !== undefined && random.chance(0.5)) {
    // What it asks for after that does not exist.
    const lost = last.request([{ type: 'Unknown' }])
    const resigns = last.request([{ type: 'Resign', reason: 'transferred', about: said.about }])
    await tell(last.says({ requests: [resigns, lost], payloads: said.payloads }))
    await settle()
  }
  yield recorder
}

/** Runs it to its end. */
export async function recordBusyContract(store: Store, busy: Busy, random: SeededRandom): Promise<number> {
  let settled = 0
  for await (const recorder of busyContract(store, busy, random)) settled = recorder.settled
  return settled
}

function decisionsOf(player: Player) {
  return {
    decided: confirmable(player.state, player.handle).map((request) => ({ request, decision: 'confirmed' as const })),
  }
}

function noteOf(player: Player): Note | undefined {
  const due = noteDue(player.state, player.handle, 1_700_000_000)
  if (due === undefined) return undefined
  return { ...due.head, time: due.time, signature: sign(player.privateKey, due.bytes) }
}

/** Some of what it hears with this statement for the first time. */
function refusalsOf(player: Player, random: SeededRandom): Refusal[] {
  const past = player.state.feeds.get(player.handle)?.last()?.past
  const refusals: Refusal[] = []
  for (const [handle, feed] of player.state.feeds) {
    if (handle === player.handle) continue
    for (let seq = (past?.get(handle) ?? -1) + 1; seq < feed.size; seq++) {
      feed.get(seq)?.statement.requests.forEach((_, index) => {
        if (random.chance(0.1)) refusals.push({ request: { handle, seq, index }, code: 'person', about: said.about })
      })
    }
  }
  return refusals
}

function requestOf(player: Player, random: SeededRandom, payloads: { [seal: Hash]: Payload }, prefix: string): Request {
  const { document } = player.state.ledger.document
  const elements = [...elementsIn(document)]
  const fields = elements.filter((element): element is Field => element.kind === 'field')
  const tentative = random.chance(0.1) ? ({ tentative: true, deadline: '2026-01-01T00:00:10.000Z' } as const) : {}
  const request = (...commands: Command[]): Request => ({ ...player.request(commands), ...tentative })
  const field = fields.length === 0 ? undefined : random.pick(fields)
  const standing = field === undefined || standingAt(field).length === 0 ? undefined : random.pick(standingAt(field))
  const draw = random.below(100)
  if (draw < 4) {
    const blocks = elements.filter(({ kind }) => kind === 'block')
    const name = `${prefix}added ${random.below(20)}`
    return request({ type: 'AddField', parent: random.pick(blocks).id, name, field: { type: 'text' } })
  }
  if (draw < 5) {
    const key = { name: 'Key', field: { type: 'text' } } as const
    const list = {
      type: 'AddList',
      parent: '0',
      name: `${prefix}list ${random.below(3)}`,
      entry: 'block',
      entriesMax: 4,
    } as const
    return request({ ...list, ...(random.chance(0.5) ? { key } : {}) }, { type: 'AddEntry', list: '#0' })
  }
  if (draw < 6) return request({ type: 'RemoveElement', element: random.pick(elements).id })
  if (draw < 8) {
    return request({ type: 'RenameElement', element: random.pick(elements).id, name: `${prefix}renamed ${draw}` })
  }
  if (draw < 9) {
    Object.assign(payloads, said.payloads)
    return request({ type: 'LockRecord', purpose: 'review', about: said.about }, { type: 'ReleaseLock' })
  }
  if (draw < 10 && random.chance(0.5)) return request({ type: 'Unknown', of: random.below(10) })
  const lists = elements.filter(({ kind }) => kind === 'list')
  if (draw < 14 && lists.length > 0) return request({ type: 'AddEntry', list: random.pick(lists).id })
  if (draw < 20 && field !== undefined && standing !== undefined) {
    const vote = random.chance(0.7) ? 'yes' : 'no'
    // Nobody waits for it.
    if (random.chance(0.8)) Object.assign(payloads, said.payloads)
    return request({ type: 'CastVote', field: field.id, proposal: standing.id, vote, about: said.about })
  }
  if (draw < 23 && field !== undefined && standing !== undefined) {
    return request({ type: 'WithdrawProposal', field: field.id, proposal: standing.id })
  }
  const { seal: sealed, payload } = seal(`value ${random.below(1000)}`, random.bytes(16))
  payloads[sealed] = payload
  const agreed = field?.agreed ?? null
  const basis = agreed === null || random.chance(0.3) ? [] : [agreed.id]
  const exclusive = random.chance(0.2) ? { exclusive: true } : {}
  return request({ type: 'ProposeValue', field: field?.id ?? '0.0', seal: sealed, basis, ...exclusive })
}

function* elementsIn(element: Element): Generator<Element> {
  yield element
  if (element.kind === 'list') yield* elementsIn(element.prototype)
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* elementsIn(child)
}
