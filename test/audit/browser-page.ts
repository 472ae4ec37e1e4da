import { AuditFailed } from '../../src/audit/audit-failed.ts'
import type { AuditReport } from '../../src/audit/report.ts'
import type { AuditedGroup, AuditSource, StoredLine } from '../../src/audit/source.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import { isValidSignature } from '../../src/crypto/ed25519.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { expectationOf, resultOf, stateOf } from '../vectors/protocol-vector.ts'

/** One contract of a store as plain JSON. */
export interface ExportedContract {
  readonly contract: Uid
  readonly founder: Handle
  readonly feeds: Readonly<Record<Handle, readonly StoredLine[]>>
  readonly ledger: readonly StoredLine[]
  readonly evidence: readonly StoredLine[]
  readonly groups: readonly AuditedGroup[]
}

function sourceOf({ contract, founder, feeds, ledger, evidence, groups }: ExportedContract): AuditSource {
  const texts = new Map(
    groups.flatMap(({ group, entries }) => entries.map(([seal, text]) => [`${group} ${seal}`, text])),
  )
  return {
    contract,
    founder,
    isAtomic: true,
    feed: (party) => inTurn(feeds[party] ?? []),
    ledger: () => inTurn(ledger),
    evidence: () => inTurn(evidence),
    payloads: async (party, sealed) =>
      new Map(
        sealed.flatMap(({ seq, seal }): [Hash, string][] => {
          const text = texts.get(`${party}.${seq} ${seal}`)
          return text === undefined ? [] : [[seal, text]]
        }),
      ),
    groups: () => inTurn(groups),
  }
}

async function* inTurn<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
}

async function audit(exported: ExportedContract): Promise<AuditReport> {
  try {
    return await verifyContract(sourceOf(exported))
  } catch (error) {
    if (error instanceof AuditFailed) return error.report
    throw error
  }
}

/** What the test calls, in the browser and in Node. */
export const page = { audit, expectationOf, isValidSignature, resultOf, stateOf }

Object.assign(globalThis, { page })
