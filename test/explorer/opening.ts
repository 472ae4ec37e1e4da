import { invitationOf } from '../../src/aggregates/contract/state.ts'
import { statementDue } from '../../src/agreement/draft.ts'
import { beyond } from '../../src/agreement/feeds.ts'
import { emptyVector } from '../../src/agreement/version-vector.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import type { LedgerIndex } from '../../src/events/ids.ts'
import { defaultLimits } from '../../src/events/limits.ts'
import type { Head, Payloads } from '../../src/events/statement.ts'
import type { Command, Configuration } from './configuration.ts'
import { Party } from './party.ts'
import type { View, Views } from './views.ts'
import { Violation } from './violation.ts'

/** Where a walk begins: everybody holds everything, all has settled, and nobody owes a statement. */
export interface Opening {
  readonly parties: ReadonlyMap<string, Party>
  readonly view: View
  readonly head: Head
  /** The ledger indices of the open invitations, by handle. */
  readonly invitations: ReadonlyMap<string, LedgerIndex>
}

export function openingOf({ members, invited = [], setUp = [] }: Configuration, views: Views): Opening {
  const parties = new Map([...members, ...invited].map((handle) => [handle, new Party(handle)]))
  const founder = parties.get(members[0] as string) as Party
  const held = new Map([...parties.values()].map((party) => [party, views.empty]))
  const stateAt = (party: Party) => held.get(party) as View
  let requests = 0
  const agreeAs = (party: Party, commands: readonly Command[], payloads: Payloads = {}) => {
    const request = { id: `set-up ${requests++}`, commands: [...commands] }
    held.set(party, views.say(stateAt(party), party, { requests: [request], payloads }))
    talk(held, views)
  }
  const agree = (...commands: Command[]) => agreeAs(founder, commands)

  agree({
    type: 'OpenContract',
    title: 'explored',
    engine: 1,
    charter: defaultCharter,
    limits: defaultLimits,
    founder: founder.card,
  })
  agree(...['A', 'B'].map((name) => ({ type: 'AddField', parent: '0', name, field: { type: 'text' } })))
  for (const [handle, party] of parties) {
    if (party === founder) continue
    agree({ type: 'InviteParty', party: party.card })
    if (invited.includes(handle)) continue
    const { state } = stateAt(founder)
    const invitation = invitationOf(state.settling.agreed, party.handle)
    if (invitation === undefined)
      throw new Violation('in the end everything has settled', [`the invitation of ${handle}`])
    agree({ type: 'AdmitParty', accepted: party.accepts(invitation.index, settledHead(state)) })
  }
  for (const step of setUp) {
    if ('by' in step) agreeAs(parties.get(step.by) as Party, step.commands, step.payloads)
    else agree(...step)
  }

  const view = stateAt(founder)
  const invitations = view.state.settling.agreed.parties.invitations.map(
    ({ index, party }) => [party.handle, index] as const,
  )
  return { parties, view, head: settledHead(view.state), invitations: new Map(invitations) }
}

/** Lets everybody hear everything and say what is due, until nobody owes anything. */
function talk(held: Map<Party, View>, views: Views): void {
  for (;;) {
    for (const [party, view] of held) {
      const news = [...held.values()].flatMap(({ state }) => beyond(state.feeds, emptyVector))
      held.set(party, views.hear(view, party.handle, news).view)
    }
    const debtor = [...held].find(([{ handle }, { state }]) => owes(state, handle))
    if (debtor === undefined) return
    const [party, view] = debtor
    held.set(party, views.say(view, party, {}))
  }
}

/** Whether a party has something to say of its own accord; who is not even invited has not. */
function owes(state: View['state'], handle: Party['handle']): boolean {
  return state.ledger.invited.has(handle) && statementDue(state, handle) !== undefined
}
