import type { ContractEvent } from '../../events/contract-events.ts'
import type { Request } from '../../events/statement.ts'
import { assert, unreachable } from '../../runtime/assert.ts'
import { completed } from '../../runtime/turns.ts'
import { carryOut } from './carry-out.ts'
import type { ChangeSet } from './change-sets/change-set.ts'
import { voteOnChangeSet, withdrawChangeSet } from './change-sets/change-set-votes.ts'
import { effectOf, proposeChangeSet, withAgreedSets } from './change-sets/deciding.ts'
import type { CommandContext, DecideContext, DecidedInSteps, Decider, Verdict } from './decider.ts'
import { defineType } from './document/define-type.ts'
import type { StoredElement } from './document/element.ts'
import { hashing } from './document/element-hash.ts'
import { addBlock, addField, arrangeChildren, grantElement, removeElement, renameElement } from './document/elements.ts'
import { addEntry, addList } from './document/lists.ts'
import { eraseValues, keepValues } from './erasures.ts'
import { evolve } from './evolve.ts'
import { judged, voidBy } from './judged.ts'
import { admitParty, declineInvitation, inviteParty, openContract, resign, withdrawInvitation } from './membership.ts'
import type { ResolvedCommand } from './parse-command.ts'
import { breakLock, lockOut, lockRecord, releaseLock } from './record-lock.ts'
import { Rejection } from './rejection.ts'
import { RequestRules } from './rules/request-rules.ts'
import {
  addRuleSet,
  draftRule,
  editRule,
  publishRules,
  removeRule,
  reopenEdit,
  voteOnRule,
} from './rules/rule-commands.ts'
import { StepBudget } from './rules/step-budget.ts'
import { type ContractState, find, initialState, memberOf } from './state.ts'
import { bringTemplate, lookingThrough } from './templates/bring-template.ts'
import { importTemplate } from './templates/import-template.ts'
import { upgradingTemplate } from './templates/upgrade-template.ts'
import { upgradeEngine } from './upgrade.ts'
import { setAudience } from './values/audience.ts'
import { castVote, emptyField, proposeValue, revealing, withdrawProposal } from './values/proposals.ts'

export { initialState } from './state.ts'

export function decideRequest(commands: Request['commands'], state: ContractState, context: DecideContext): Verdict {
  return completed(deciding(commands, state, context))
}

/**
 * Decides the commands of a request one after another, each seeing what those before it did: all take effect, or none. In steps,
 * since rules may take long. A function of its arguments alone, the same on every machine.
 */
export function* deciding(
  commands: Request['commands'],
  state: ContractState,
  context: DecideContext,
): Generator<void, Verdict> {
  assert(context.contract === state.contract, 'a request is decided on the document of its own contract')
  assert(!state.isOpen || memberOf(state, context.author) !== undefined, 'only members have requests')
  if (commands.some(({ type }) => type === 'BringTemplate')) yield* lookingThrough(commands, state, context)
  const rules = state.phase === 'live' || isPublication(commands) ? new RequestRules(state, context) : undefined
  if (context.changeSet !== undefined) return yield* proposeChangeSet(commands, state, context, rules, contract.decide)
  const verdict = yield* withVotes(commands, state, context, rules)
  if (verdict.kind !== 'accepted') return verdict
  for (const event of verdict.events) {
    const imported = event.type === 'TemplateImported' ? find(verdict.state, event.element) : undefined
    if (imported !== undefined) yield* hashing(imported as StoredElement)
  }
  return verdict.state.changeSets.length === 0 ? verdict : yield* withAgreedSets(verdict, context, decideUnlocked)
}

/** The commands with the votes that the rules ask for as they are before the request, and by what it switches itself. */
function* withVotes(
  commands: Request['commands'],
  state: ContractState,
  context: DecideContext,
  rules: RequestRules | undefined,
): Generator<void, Verdict> {
  for (;;) {
    const done = yield* carryOut(commands, state, context, {
      authority: rules?.authority,
      check: (command) => rules?.access(command),
      decide: contract.decide,
      isAgreedAsOne: false,
      origin: context,
    })
    if (done.kind === 'stopped') return voidBy(done.rejection, done.place, rules)
    const votes = rules === undefined ? [] : yield* rules.votes(done.state, done.events)
    if (votes instanceof Rejection) return voidBy(votes, commands.length - 1, rules)
    const voted = {
      events: [...done.events, ...votes],
      state: votes.reduce((current, event) => contract.evolve(current, event, context), done.state),
    }
    const verdict = yield* judged(commands, state, voted, context, rules)
    if (verdict.kind !== 'accepted' || rules === undefined) return verdict
    const asksMore = yield* rules.asksMore(done.events, done.state)
    if (asksMore instanceof Rejection) return voidBy(asksMore, commands.length - 1, rules)
    if (rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
    if (!asksMore) return verdict
    yield
  }
}

function isPublication(commands: Request['commands']): boolean {
  return commands.some(({ type }) => type === 'PublishRules')
}

/** What an open change set would come to on this document if it had all its votes; in steps. */
export function* tryChangeSet(set: ChangeSet, state: ContractState, context: DecideContext): Generator<void, Verdict> {
  const agreed: ContractEvent = { request: set.request, type: 'ChangeSetAgreed' }
  const budget = new StepBudget(state.limits.requestSteps)
  return yield* effectOf(set, evolve(state, agreed, context), context, decideUnlocked, budget)
}

/** The contract document (design §5): blocks, fields, what is proposed in them, and the parties that agree on it. */
export const contract: Decider<ContractState, ResolvedCommand, ContractEvent> = { initialState, decide, evolve }

function decide(command: ResolvedCommand, state: ContractState, context: CommandContext): DecidedInSteps {
  if (!state.isOpen && command.type !== 'OpenContract') return new Rejection('not_open')
  return lockOut(command, state, context) ?? decideUnlocked(command, state, context)
}

/** The same whoever holds the record lock. */
function decideUnlocked(command: ResolvedCommand, state: ContractState, context: CommandContext): DecidedInSteps {
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
      if ('rule' in command) return voteOnRule(command, state, context)
      return 'request' in command ? voteOnChangeSet(command, state, context) : castVote(command, state, context)
    case 'WithdrawChangeSet':
      return withdrawChangeSet(command, state, context)
    case 'SetAudience':
      return setAudience(command, state, context)
    case 'RevealValue':
      return revealing(command, state, context)
    case 'BringTemplate':
      return bringTemplate(command, state, context)
    case 'ImportTemplate':
      return importTemplate(command, state, context)
    case 'UpgradeTemplate':
      return upgradingTemplate(command, state, context)
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
    case 'EraseValues':
      return eraseValues(command, state, context)
    case 'KeepValues':
      return keepValues(command, state, context)
    default:
      return unreachable(command)
  }
}
