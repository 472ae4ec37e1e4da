import type { Agreed } from '../../aggregates/contract/values/standing.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import type { Payload } from '../../events/statement.ts'
import { refOf } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'
import type { Diff } from './diff.ts'

/** A diff with what is under its seals, as far as this node has that. */
export type ShownDiff = Omit<Diff, 'values'> & {
  readonly values: readonly (Pick<Diff['values'][number], 'element' | 'path'> & {
    readonly from: ShownValue | null
    readonly to: ShownValue | null
  })[]
}

interface ShownValue {
  readonly proposal: string
  /** Null: a rule has computed it. */
  readonly by: Handle | null
  readonly seal: Hash
  /** Left out where it is not held here, or was erased. */
  readonly value?: unknown
}

/** `computed`: what no store has yet. Throws SealedDamaged, and what the store throws. */
export async function shownDiff(
  diff: Diff,
  contract: Uid,
  payloads: PayloadStore,
  computed: ReadonlyMap<Hash, Payload> = new Map(),
): Promise<ShownDiff> {
  const sealed = diff.values.flatMap(({ from, to }) => [from, to].flatMap((value) => value ?? []))
  const texts = await payloads.get(contract, sealed.map(refOf))
  const shown = (value: Agreed | null): ShownValue | null => {
    if (value === null) return null
    const { by, id: proposal, seal } = value
    const text = texts.get(seal)
    const payload = text === undefined ? computed.get(seal) : { value: valueUnder(seal, text) }
    return { by, proposal, seal, ...(payload && { value: payload.value }) }
  }
  return {
    ...diff,
    values: diff.values.map(({ from, to, ...place }) => ({ ...place, from: shown(from), to: shown(to) })),
  }
}
