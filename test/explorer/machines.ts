import { formerOf } from '../../src/aggregates/contract/state.ts'
import { lackingFor } from '../../src/agreement/completing.ts'
import { confirmable } from '../../src/agreement/confirmable.ts'
import { statementDue } from '../../src/agreement/draft.ts'
import { beyond, feedOf, newestOf, statementAt } from '../../src/agreement/feeds.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { confidentialFor } from '../../src/agreement/values/lacked-values.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type Handle, type RequestRef, requestKey } from '../../src/events/ids.ts'
import type { Decision } from '../../src/events/statement.ts'
import type { Ask, Configuration, Seat } from './configuration.ts'
import { type Client, type Machine, published, told } from './machine.ts'
import type { Opening } from './opening.ts'
import { checkStep } from './oracle.ts'
import type { Views } from './views.ts'
import { Violation } from './violation.ts'

/** Something that can happen to a machine. Every action of the world changes one machine only. */
export interface Step {
  readonly action: string
  readonly machine: Machine
  /** It may never happen: a fault, or lost patience. */
  readonly isOptional: boolean
}

const DEADLINE = '2026-01-01T00:00:10.000Z'

/**
 * Every machine that was ever met, and every step that it can take: each is worked out once.
 *
 * A machine that will not crash any more writes with every step. To others that looks as if it wrote later, and spoke
 * later: nothing that it holds leaves it before it is sent.
 */
export class Machines {
  readonly #views: Views
  readonly #opening: Opening
  readonly #delivery: Configuration['delivery']
  readonly #answersAtOnce: boolean
  readonly #isHonestWorld: boolean
  readonly #plans = new Map<Seat, readonly Ask[]>()
  readonly #byKey = new Map<string, Machine>()
  readonly #byId: Machine[] = []
  readonly #own = new Map<number, readonly Step[]>()
  readonly #heard = new Map<string, readonly Step[]>()

  constructor({ seats, delivery, answersAtOnce }: Configuration, opening: Opening, views: Views) {
    this.#views = views
    this.#opening = opening
    this.#delivery = delivery
    this.#answersAtOnce = answersAtOnce === true
    this.#isHonestWorld = seats.every(({ hostile }) => hostile !== true)
    for (const seat of seats) {
      const plan = seat.plan.map((planned) => (typeof planned === 'function' ? planned(opening) : planned))
      this.#plans.set(seat, plan)
    }
  }

  get size(): number {
    return this.#byId.length
  }

  get(id: number): Machine {
    return this.#byId[id] as Machine
  }

  atStart(seat: Seat): Machine {
    const { view, parties } = this.#opening
    const party = parties.get(seat.party ?? seat.name)
    if (party === undefined) throw new Error(`${seat.name} acts for nobody`)
    const clients = seat.plan.map((): Client => ({ kind: 'planned' }))
    return this.#intern({ seat, party, durable: view, volatile: view, clients, crashes: seat.crashes ?? 0 })
  }

  /** What it can do by itself. */
  ownSteps(machine: Machine): readonly Step[] {
    let steps = this.#own.get(machine.id)
    if (steps === undefined) {
      steps = [
        ...this.#submits(machine),
        ...this.#speaks(machine),
        ...this.#losesPatience(machine),
        ...this.#writes(machine),
        ...this.#crashes(machine),
      ]
      for (const step of steps) checkStep(machine, step.action, step.machine)
      this.#own.set(machine.id, steps)
    }
    return steps
  }

  /** What it can hear from another; nothing of it waits for the rest, as everything can be sent again. */
  hearingSteps(machine: Machine, from: Machine): readonly Step[] {
    const key = `${machine.id} ${from.seat.name} ${published(from).id}`
    let steps = this.#heard.get(key)
    if (steps === undefined) {
      steps = this.#hears(machine, from)
      for (const step of steps) checkStep(machine, step.action, step.machine)
      this.#heard.set(key, steps)
    }
    return steps
  }

  #hears(machine: Machine, from: Machine): Step[] {
    const steps: Step[] = []
    const [theirs, mine] = [published(from).state, machine.volatile.state]
    const late = confidencesFor(machine.party.handle, theirs, mine).map((held) => [held])
    for (const batch of [...batchesOf(this.#delivery, theirs, mine), ...late]) {
      const { view, refused } = this.#views.hear(machine.volatile, machine.party.handle, batch)
      const what = batch.map(({ statement }) => `${statement.party} ${statement.seq}`).join(', ')
      const action = `${from.seat.name} -> ${machine.seat.name}: ${what}`
      if (refused !== undefined && this.#isHonestWorld) {
        throw new Violation('nobody refuses what an honest machine says', [action, refused])
      }
      if (view === machine.volatile) continue
      const heard = this.#step(machine, action, { volatile: view })
      const [spoken] = this.#answersAtOnce ? this.#speaks(heard.machine) : []
      steps.push(spoken === undefined ? heard : { ...spoken, action: `${action}; ${spoken.action}` })
    }
    return steps
  }

  #submits(machine: Machine): Step[] {
    const { party, seat, volatile, clients } = machine
    const index = clients.findIndex(({ kind }) => kind === 'planned')
    const asked = this.#plans.get(seat)?.[index]
    if (asked === undefined) return []
    const request = {
      id: `${seat.name} ${index}`,
      commands: [...asked.commands],
      ...(asked.changeSet && { changeSet: asked.changeSet }),
      ...(asked.tentative === undefined ? {} : { tentative: asked.tentative }),
      ...(asked.timesOut === undefined ? {} : { deadline: DEADLINE }),
    }
    const decided = decisionsOf(machine)
    const view = this.#views.say(volatile, party, { requests: [request], payloads: asked.payloads, decided })
    const client: Client = { kind: 'waiting', seq: feedOf(volatile.state.feeds, party.handle).size }
    const action = `${seat.name} submits ${request.id}`
    return [this.#step(machine, action, { volatile: view, clients: clients.with(index, client) })]
  }

  #speaks(machine: Machine): Step[] {
    const { party, seat, volatile } = machine
    const decided = decisionsOf(machine)
    if (decided.length === 0 && !owes(volatile.state, party.handle)) return []
    const view = this.#views.say(volatile, party, { decided })
    return [this.#step(machine, `${seat.name} speaks${worded(decided)}`, { volatile: view })]
  }

  #losesPatience(machine: Machine): Step[] {
    const { party, seat, volatile, clients } = machine
    const plan = this.#plans.get(seat) ?? []
    return clients.flatMap((client, index) => {
      if (client.kind !== 'waiting' || plan[index]?.timesOut === undefined) return []
      const request = { handle: party.handle, seq: client.seq, index: 0 }
      if (!volatile.state.undecided.has(requestKey(request))) return []
      const decided = decisionsOf(machine, request)
      const view = this.#views.say(volatile, party, { decided })
      return [this.#step(machine, `${seat.name} loses patience${worded(decided)}`, { volatile: view }, true)]
    })
  }

  #writes(machine: Machine): Step[] {
    const { seat, durable, volatile } = machine
    return durable === volatile ? [] : [this.#step(machine, `${seat.name} writes`, { durable: volatile })]
  }

  #crashes(machine: Machine): Step[] {
    const { seat, durable, clients, crashes } = machine
    if (crashes === 0) return []
    const left = clients.map((client): Client => (client.kind === 'waiting' ? { kind: 'gone' } : client))
    return [
      this.#step(machine, `${seat.name} crashes`, { volatile: durable, clients: left, crashes: crashes - 1 }, true),
    ]
  }

  #step(machine: Machine, action: string, change: Partial<Omit<Machine, 'id'>>, isOptional = false): Step {
    const changed = { ...machine, ...change }
    const durable = changed.crashes === 0 ? changed.volatile : changed.durable
    const clients = told(changed.clients, changed.party, published({ ...changed, durable }))
    return { action, machine: this.#intern({ ...changed, durable, clients }), isOptional }
  }

  #intern(machine: Omit<Machine, 'id'>): Machine {
    const { seat, durable, volatile, clients, crashes } = machine
    const key = JSON.stringify([seat.name, durable.id, volatile.id, clients, crashes])
    let known = this.#byKey.get(key)
    if (known === undefined) {
      known = { ...machine, id: this.#byId.length }
      this.#byKey.set(key, known)
      this.#byId.push(known)
    }
    return known
  }
}

/** What one may send to another at once, of all that the other lacks. */
function batchesOf(
  delivery: Configuration['delivery'],
  from: AgreementState,
  to: AgreementState,
): VerifiedStatement[][] {
  const news = beyond(
    from.feeds,
    to.feeds.map((feed) => feed.size - 1),
  )
  if (delivery === 'everything') return news.length === 0 ? [] : [news]
  const feeds = [...Map.groupBy(news, ({ statement }) => statement.party).values()]
  return delivery === 'feed' ? feeds : feeds.map((feed) => feed.slice(0, 1))
}

/** Open statements with confidential values that one lacks and that another can give it. */
function confidencesFor(party: Handle, from: AgreementState, to: AgreementState): VerifiedStatement[] {
  return lackingFor(to, party).flatMap((lacking) => {
    const held = statementAt(from.feeds, lacking.statement.party, lacking.statement.seq)
    const gives = (seal: Hash) => held?.payloads[seal] !== undefined && lacking.payloads[seal] === undefined
    return held?.hash === lacking.hash && confidentialFor(held, party).some(gives) ? [held] : []
  })
}

/** Withdraws what nobody waits for any more, and confirms what may be confirmed. */
function decisionsOf({ party, volatile, clients }: Machine, lost?: RequestRef): Decision[] {
  const { state } = volatile
  const withdrawn = [...state.undecided]
    .filter(([, author]) => author === party.handle)
    .map(([key]) => refOf(key))
    .filter((request) => request.seq === lost?.seq || isOrphan(state, request, clients))
  const confirmed = confirmable(state, party.handle, new Set(withdrawn.map(requestKey)))
  return [
    ...withdrawn.map((request): Decision => ({ request, decision: 'withdrawn', code: 'restarted' })),
    ...confirmed.map((request): Decision => ({ request, decision: 'confirmed' })),
  ]
}

/** It had a deadline, and its client left when the machine crashed. */
function isOrphan(state: AgreementState, { handle, seq, index }: RequestRef, clients: readonly Client[]): boolean {
  if (clients.some((client) => client.kind === 'waiting' && client.seq === seq)) return false
  return statementAt(state.feeds, handle, seq)?.statement.requests[index]?.deadline !== undefined
}

function refOf(key: string): RequestRef {
  const [handle, seq, index] = key.split('.') as [Handle, string, string]
  return { handle, seq: Number(seq), index: Number(index) }
}

/** Whether a party that may speak has to, of its own accord. */
function owes(state: AgreementState, handle: Handle): boolean {
  if (!state.ledger.invited.has(handle) || statementDue(state, handle) === undefined) return false
  const former = formerOf(state.ledger.document, handle)
  return former === undefined || (newestOf(state.feeds, handle)?.statement.head.size ?? 0) <= former.resignedAt
}

function worded(decided: readonly Decision[]): string {
  return decided.map(({ request, decision }) => `, ${decision} ${requestKey(request)}`).join('')
}
