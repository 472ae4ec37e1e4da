import { importedEvents } from '../aggregates/contract/templates/imported-events.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import { unreachable } from '../runtime/assert.ts'
import type { ContractRows } from './contract-rows.ts'
import { partyOf } from './tables/party-table.ts'
import type { Tables } from './tables.ts'

const EVENTS_A_STEP = 64

/** What happened by one entry of a contract, in steps: one event may add ten thousand elements, or take as many away. */
export function* foldingEvents(
  tables: Tables,
  page: ContractRows,
  events: Iterable<ContractEvent>,
): Generator<void, void> {
  let place = 0
  for (const event of events) {
    if (place++ % EVENTS_A_STEP === EVENTS_A_STEP - 1) yield
    yield* foldingEvent(tables, page, event)
  }
}

function* foldingEvent(tables: Tables, page: ContractRows, event: ContractEvent): Generator<void, void> {
  const { contracts, parties, types, elements, erasures, proposals, changeSets, requests, rules, templates } = tables
  switch (event.type) {
    case 'ContractOpened':
      contracts.opened(page, event)
      elements.addRoot(page)
      break
    case 'PartyAdmitted':
      parties.apply(page, event)
      erasures.memberAdmitted(page)
      templates.memberAdmitted(page)
      break
    case 'PartyInvited':
    case 'InvitationWithdrawn':
    case 'InvitationDeclined':
      parties.apply(page, event)
      break
    case 'PartyResigned':
      parties.apply(page, event)
      requests.resigned(page, event.handle)
      contracts.resigned(page, event.handle)
      erasures.memberResigned(page, event.handle)
      templates.memberResigned(page, event.handle)
      // The end of a lock by its holder's leaving has an event of its own.
      break
    case 'RecordLocked':
      contracts.locked(page, partyOf(page, event.holder), event)
      break
    case 'RecordReleased':
    case 'LockBroken':
      contracts.released(page)
      break
    case 'LockBreakVoted':
      break
    case 'EngineVoted':
      contracts.voted(page, { by: event.by, to: event.to })
      break
    case 'EngineUpgraded':
      contracts.upgraded(page, event.to)
      break
    case 'TypeDefined':
      types.defined(page, event)
      break
    case 'BlockAdded':
    case 'FieldAdded':
    case 'ListAdded':
    case 'EntryAdded':
    case 'ElementRenamed':
    case 'ElementGranted':
    case 'AudienceSet':
      elements.apply(page, event)
      break
    case 'ChildrenArranged':
      yield* elements.arranging(page, event.block, event.order)
      break
    case 'ElementRemoved':
      for (const removed of elements.removing(page, event.element)) {
        proposals.removed(page, removed)
        rules.removed(removed)
        templates.removed(page, removed)
        yield
      }
      break
    case 'ValueProposed':
    case 'ProposalAgreed':
    case 'CandidateEnded':
    case 'VoteCast':
    case 'VotersNamed':
    case 'ValueComputed':
    case 'ValueRevealed':
      yield* proposals.makingRoom(page)
      proposals.apply(page, event)
      break
    case 'ChangeSetProposed':
    case 'ChangeSetVoteCast':
    case 'ChangeSetAgreed':
    case 'ChangeSetEnded':
      changeSets.apply(page, event)
      break
    case 'RuleSetAdded':
    case 'RuleDrafted':
    case 'RuleEdited':
    case 'RuleRemoved':
    case 'RuleVoteCast':
    case 'RulesPublished':
    case 'ReopenVoted':
    case 'EditReopened':
    case 'BlockSwitched':
    case 'RuleSetSwitched':
    case 'RuleFlagged':
    case 'RuleCleared':
      rules.apply(page, event)
      break
    case 'TemplateImported':
      yield* foldingEvents(tables, page, importedEvents(event, templates.find(page, event.template)))
      templates.apply(page, event)
      break
    case 'TemplateBrought':
    case 'TemplateUpgradeVoted':
    case 'TemplateUpgraded':
      templates.apply(page, event)
      break
    case 'ErasureVoted':
    case 'ValuesKept':
    case 'ValuesErased':
      erasures.apply(page, event)
      break
    default:
      unreachable(event)
  }
}
