import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import type { ProposalId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Document } from './document.ts'
import type { Party } from './document-party.ts'

/** The document in which a value of `by`, who has seen all that stands there, waits at a field for the votes of these parties. */
export function asked(
  document: Document,
  by: Party,
  value: string,
  voters: readonly Party[],
  { path = 'Country', exclusive = false } = {},
): Document {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const seen = standingAt(document.fieldAt(path)).map(({ id }) => id)
  const candidate = { exclusive, seen }
  const proposal = `${by.handle}.99.0.0` as ProposalId
  const field = document.idAt(path)
  return document.after(
    [
      { by: by.handle, candidate, field, proposal, seal: sealed, type: 'ValueProposed' },
      { field, proposal, type: 'VotersNamed', voters: voters.map(({ handle }) => handle) },
    ],
    new Map([[sealed, payload]]),
  )
}
