import type { AgreementState } from '../../agreement/state.ts'
import { isRefused, type NotSigned } from '../../agreement/trials/live-document.ts'
import type { Command } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, requestKey } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'

/**
 * Whether something on its way concerns an element or what is below it: an entry that has not settled, a request
 * without a place in the ledger, or one that is queued here. A request that its author has withdrawn, or a member has
 * refused, does not count. What a rule would compute is known only with its entry. Throws HistoryPruned.
 */
export function isOnItsWayTo(element: ElementId, state: AgreementState, queued: NotSigned): boolean {
  const { ledger, settling } = state
  if (queued.some(({ request }) => concerns(request, element))) return true
  if (settling.unsettled.some(({ entry }) => entry.events.some((event) => touches(event, element)))) return true
  return ledger.open.some(({ statement: { party: handle, requests, seq } }, place) =>
    requests.some((request, index) => {
      if (place === 0 && index < ledger.next) return false
      const at = { handle, index, seq }
      const decided = ledger.decisions.get(requestKey(at))
      if (decided?.decision.decision === 'withdrawn' || !concerns(request, element)) return false
      return !isRefused(at, request, state)
    }),
  )
}

function touches(event: ContractEvent, element: ElementId): boolean {
  const ids = ['field' in event ? event.field : [], 'element' in event ? event.element : []].flat()
  return ids.some((id) => isWithin(String(id), element) || isWithin(element, String(id)))
}

function concerns({ commands }: Request, element: ElementId): boolean {
  return commands.some((command) => concernsIt(command as Command, element))
}

function concernsIt(command: Command, element: ElementId): boolean {
  switch (command.type) {
    case 'AddBlock':
    case 'AddField':
    case 'AddList':
      return isWithin(command.parent, element)
    case 'AddEntry':
      return isWithin(command.list, element)
    case 'ArrangeChildren':
      return isWithin(command.block, element)
    case 'ImportTemplate':
      return isWithin(command.at, element)
    case 'ProposeValue':
    case 'EmptyField':
    case 'WithdrawProposal':
    case 'RevealValue':
      return isWithin(command.field, element)
    case 'GrantElement':
    case 'RemoveElement':
    case 'RenameElement':
    case 'SetAudience':
    case 'UpgradeTemplate':
      return isWithin(command.element, element) || isWithin(element, command.element)
    case 'CastVote':
      return 'field' in command ? isWithin(command.field, element) : 'request' in command
    // What it takes away may stand anywhere.
    case 'EraseValues':
      return true
    default:
      return false
  }
}

/** `#n` is in what an earlier command of the request adds, which has been looked at. */
function isWithin(id: string, element: string): boolean {
  return id === element || id.startsWith(`${element}.`)
}
