import type { FastifyBaseLogger } from 'fastify'
import { newestOf } from '../../agreement/feeds.ts'
import { obstacleKinds } from '../../contracts/obstacles/obstacles.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { Handle } from '../../events/ids.ts'
import type { GossipReport } from '../../gossip/gossip-report.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** What is wrong with a statement may name what its sender has made up, at any length. */
const REASON_CHARACTERS_MAX = 200

/** What gossip has to report, as log lines: no values, no statements. */
export function reportTo(logger: FastifyBaseLogger): GossipReport {
  /** Why a peer cannot be reached, as far as that has been said: it is called again every few seconds. */
  const said = new Map<Handle, string>()
  return {
    unreachable: ({ handle }, error) => {
      const reason = error instanceof ConcordataError ? error.code : String(error)
      if (said.get(handle) === reason) return
      said.set(handle, reason)
      logger.warn({ peer: handle, err: error }, 'a peer cannot be reached; it is called again and again')
    },
    reached: ({ handle }) => {
      if (said.delete(handle)) logger.info({ peer: handle }, 'a peer can be reached again')
    },
    removed: (handle) => said.delete(handle),
    busy: ({ handle }, { evidence }) => logger.info({ peer: handle, evidence }, 'a peer asks to be called later'),
    failed: (contract, error) =>
      logger.error({ contract, err: error }, 'what came for a contract could not be taken in'),
    // Of one message one line, whatever is in it.
    refused: ({ handle }, refused) => {
      const [first] = refused
      if (first === undefined) return
      const { code, message, evidence } = first
      const reason = message.slice(0, REASON_CHARACTERS_MAX)
      logger.warn({ peer: handle, count: refused.length, code, reason, evidence }, 'statements were refused')
    },
  }
}

/** Logs the alarms of all contracts. Returns a function that stops it. */
export function watch(contracts: Pick<Contracts, 'listen'>, logger: FastifyBaseLogger): () => void {
  return contracts.listen({
    settled: ({ contract }, entries) => logger.debug({ contract, entries: entries.length }, 'settled'),
    equivocated: ({ contract }, equivocations) => {
      for (const { party, seq } of equivocations) {
        logger.error({ contract, party, seq }, 'a party signed two different statements for one place of its feed')
      }
    },
    diverged: ({ contract }, divergences) => {
      for (const { party, seq, theirs, ours } of divergences) {
        logger.error({ contract, party, seq, theirs, ours }, 'a party signed a head that is not that of this ledger')
      }
    },
    engineUnknown: ({ contract }, { evidence }) =>
      logger.error({ contract, ...evidence }, 'a contract goes on in an engine that this version does not have'),
    signingBlocked: ({ contract, awaited, state, self }, obstacle) => {
      if (obstacle === undefined) logger.info({ contract }, 'this node signs again')
      // Of a contract that has just come nobody but the others knows whether it is new.
      else if (newestOf(state.feeds, self) === undefined)
        logger.info({ contract, obstacle, awaited }, 'others are asked first')
      else {
        const { meaning, remedy } = obstacleKinds[obstacle]
        logger.error({ contract, obstacle, meaning, remedy, awaited }, 'this node signs nothing in this contract')
      }
    },
    otherBranch: ({ contract }, branches) => {
      for (const { signer, party, seq, theirs, ours } of branches) {
        const message =
          'a statement differs from the one that a member covers; both are asked for, nobody is convicted yet'
        logger.warn({ contract, signer, party, seq, theirs, ours }, message)
      }
    },
    failed: ({ contract }, error) => logger.error({ contract, err: error }, 'the store failed'),
  })
}
