import { Compile } from 'typebox/compile'
import { fitText } from '../../aggregates/names/fit-text.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { Charter } from '../../events/charter.ts'
import { commandSchemas } from '../../events/commands.ts'
import type { Limits } from '../../events/limits.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { Request } from '../../events/statement.ts'
import type { Random } from '../../runtime/random.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import { assertForm, fitRequest } from '../requests/validate-request.ts'

const openingForm = Compile(commandSchemas.OpenContract)

/** How many values there are to draw from: the UID of a contract has a drawn one beside its number. */
const UID_DRAWN = 2 ** 20

/** What a contract begins with. */
export interface Terms {
  readonly title: string
  readonly charter: Charter
  readonly limits: Limits
}

/** The first request of a contract of this party. Before anything is kept of it: one that cannot be founded is none. Throws TextUnfit, RequestUnfit. */
export function foundingRequest(id: string, terms: Terms, founder: PartyCard): Request {
  const title = fitText('the title', terms.title)
  const command = { type: 'OpenContract', ...terms, title, engine: 1, founder }
  assertForm(openingForm, command)
  return fitRequest({ id, commands: [command] }, {}, terms.limits)
}

/** The number of a contract's UID. Should the store have been set back, the place comes again; with what is drawn beside it, the UID does not. */
export function drawnNumber(place: number, random: Random): number {
  return place * UID_DRAWN + Math.floor(random.fraction() * UID_DRAWN)
}

/** The same for an intent from the command queue: two processes that take it up come to the same number. */
export function numberOf(place: number, id: string): number {
  return place * UID_DRAWN + (Number.parseInt(sha256(id).slice(0, 8), 16) % UID_DRAWN)
}

/** Until the first request has settled, whichever process of this party has signed it. */
export function untilOpen(live: LiveContract): Promise<void> {
  const isOpen = () => live.state.settling.agreed.isOpen
  if (isOpen()) return Promise.resolve()
  const opened = Promise.withResolvers<void>()
  const stop = live.listen({ settled: () => isOpen() && opened.resolve() })
  return opened.promise.finally(stop)
}
