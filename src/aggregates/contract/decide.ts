import { utf8Length } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId } from '../../events/ids.ts'
import { ENTRY_EVENTS_BYTES_MAX, ENTRY_EVENTS_MAX } from '../../events/limits.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Payload, Request } from '../../events/statement.ts'
import { assert, unreachable } from '../../runtime/assert.ts'
import {
  type CommandContext,
  type DecideContext,
  type Decider,
  type Decision,
  Rejection,
  type Verdict,
} from './decider.ts'
import { defineType } from './document/define-type.ts'
import { addBlock, addField, arrangeChildren, grantElement, removeElement, renameElement } from './document/elements.ts'
import { addEntry, addList } from './document/lists.ts'
import { evolve } from './evolve.ts'
import { admitParty, declineInvitation, inviteParty, openContract, resign, withdrawInvitation } from './membership.ts'
import { commandFrom, type ResolvedCommand } from './parse-command.ts'
import { breakLock, lockOut, lockRecord, releaseLock } from './record-lock.ts'
import type { Open } from './rules/document-view.ts'
import { isExempt, RequestRules } from './rules/request-rules.ts'
import {
  addRuleSet,
  draftRule,
  editRule,
  publishRules,
  removeRule,
  reopenEdit,
  voteOnRule,
} from './rules/rule-commands.ts'
import { type ContractState, initialState, memberOf } from './state.ts'
import { upgradeEngine } from './upgrade.ts'
import { takenKey } from './values/list-keys.ts'
import { castVote, emptyField, proposeValue, withdrawProposal } from './values/proposals.ts'

export { initialState } from './state.ts'

/**
 * Decides the commands of a request one after another, each seeing what those before it did: all take effect, or none.
 * A function of its arguments alone, the same on every machine.
 */
export function decideRequest(commands: Request['commands'], state: ContractState, context: DecideContext): Verdict {
  assert(context.contract === state.contract, 'a request is decided on the document of its own contract')
  assert(!state.isOpen || memberOf(state, context.author) !== undefined, 'only members have requests')
  const events: ContractEvent[] = []
  const added: (ElementId | undefined)[] = []
  let current = state
  const rules = state.phase === 'live' || isPublication(commands) ? new RequestRules(state, context) : undefined
  const authority = rules?.authority
  for (const [place, envelope] of commands.entries()) {
    const command = commandFrom(envelope, commands.length, added)
    const decision =
      command instanceof Rejection
        ? command
        : (rules?.access(command) ?? contract.decide(command, current, { ...context, authority, place }))
    if (decision instanceof Rejection) return voidBy(decision, place, rules)
    for (const event of decision) current = contract.evolve(current, event, context)
    events.push(...decision)
    added.push(elementAddedBy(decision))
  }
  if (rules === undefined)
    return withinBounds({ kind: 'accepted', computed: new Map(), events, state: current }, commands, context)
  const votes = rules.votes(current, events)
  for (const event of votes) current = contract.evolve(current, event, context)
  const made = [...events, ...votes]
  const judgement = rules.judged(current, made, commands)
  if (judgement instanceof Rejection) return voidBy(judgement, commands.length - 1, rules)
  if (rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
  return withinBounds({ ...judgement, kind: 'accepted', events: [...made, ...judgement.events] }, commands, context)
}

/** So few that nothing is measured: what one statement can say, and the voters on as many values. */
const EVENTS_UNMEASURED = 4

/** Void where it would give two entries of a list one key, or an entry more than a store takes. */
function withinBounds(
  verdict: Extract<Verdict, { kind: 'accepted' }>,
  commands: Request['commands'],
  { open, reveal }: DecideContext,
): Verdict {
  if (isExempt(commands)) return verdict
  const last = commands.length - 1
  if (isTooLong(verdict.events)) {
    return { kind: 'void', reason: reasonOf(new Rejection('limit_exceeded', ['entryBytes']), last) }
  }
  const lacking = new Set<Hash>()
  const opened: Open = (value) => verdict.computed.get(value.seal) ?? (reveal(value.seal) as Payload) ?? open(value)
  const taken = takenKey(verdict.state, verdict.events, opened, lacking)
  if (lacking.size > 0) return { kind: 'lacking', seals: lacking }
  return taken === undefined ? verdict : { kind: 'void', reason: reasonOf(taken, last) }
}

function isTooLong(events: readonly ContractEvent[]): boolean {
  if (events.length <= EVENTS_UNMEASURED) return false
  if (events.length > ENTRY_EVENTS_MAX) return true
  let bytes = 0
  for (const event of events) bytes += utf8Length(canonicalJson(event))
  return bytes > ENTRY_EVENTS_BYTES_MAX
}

/** What could not be opened may have decided it otherwise. */
function voidBy(rejection: Rejection, place: number, rules: RequestRules | undefined): Verdict {
  if (rules !== undefined && rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
  return { kind: 'void', reason: reasonOf(rejection, place) }
}

function isPublication(commands: Request['commands']): boolean {
  return commands.some(({ type }) => type === 'PublishRules')
}

/** The contract document (design §5): blocks, fields, what is proposed in them, and the parties that agree on it. */
export const contract: Decider<ContractState, ResolvedCommand, ContractEvent> = { initialState, decide, evolve }

function decide(command: ResolvedCommand, state: ContractState, context: CommandContext): Decision {
  if (!state.isOpen && command.type !== 'OpenContract') return new Rejection('not_open')
  const lockedOut = lockOut(command, state, context)
  if (lockedOut !== undefined) return lockedOut
  switch (command.type) {
    case 'OpenContract':
      return openContract(command, state, context)
    case 'InviteParty':
      return inviteParty(command, state, context)
    case 'AdmitParty':
      return admitParty(command, state, context)
    case 'Resign':
      return resign(command, state, context)
    case 'WithdrawInvitation':
      return withdrawInvitation(command, state, context)
    case 'DeclineInvitation':
      return declineInvitation(command, state)
    case 'LockRecord':
      return lockRecord(command, state, context)
    case 'ReleaseLock':
      return releaseLock(state, context)
    case 'BreakLock':
      return breakLock(command, state, context)
    case 'UpgradeEngine':
      return upgradeEngine(command, state, context)
    case 'AddBlock':
      return addBlock(command, state, context)
    case 'AddField':
      return addField(command, state, context)
    case 'AddList':
      return addList(command, state, context)
    case 'AddEntry':
      return addEntry(command, state, context)
    case 'ArrangeChildren':
      return arrangeChildren(command, state, context)
    case 'DefineType':
      return defineType(command, state)
    case 'RenameElement':
      return renameElement(command, state, context)
    case 'RemoveElement':
      return removeElement(command, state, context)
    case 'GrantElement':
      return grantElement(command, state, context)
    case 'ProposeValue':
      return proposeValue(command, state, context)
    case 'EmptyField':
      return emptyField(command, state, context)
    case 'WithdrawProposal':
      return withdrawProposal(command, state, context)
    case 'CastVote':
      return 'rule' in command ? voteOnRule(command, state, context) : castVote(command, state, context)
    case 'AddRuleSet':
      return addRuleSet(command, state)
    case 'DraftRule':
      return draftRule(command, state, context)
    case 'EditRule':
      return editRule(command, state, context)
    case 'RemoveRule':
      return removeRule(command, state, context)
    case 'PublishRules':
      return publishRules(command, state)
    case 'ReopenEdit':
      return reopenEdit(state, context)
    default:
      return unreachable(command)
  }
}

function elementAddedBy(events: readonly ContractEvent[]): ElementId | undefined {
  const [first] = events
  switch (first?.type) {
    case 'BlockAdded':
    case 'FieldAdded':
    case 'ListAdded':
    case 'EntryAdded':
      return first.element
    default:
      return undefined
  }
}

function reasonOf({ code, with: others }: Rejection, command: number): VoidReason {
  return others.length === 0 ? { code, command } : { code, command, with: others }
}
