import type { Uid } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Submission } from './submission.ts'

/** What the requests of local users that have not come to their end take in memory: in one process, and of that in one contract. Bytes. */
export const ASKED_BYTES_MAX = 64 * 1024 * 1024
const OF_CONTRACT_BYTES_MAX = 16 * 1024 * 1024

/** Of a submission without its content; and how many bytes one of its JSON unfolds to. */
const SUBMISSION_BYTES = 2_048
const UNFOLDED = 3

/** Nothing more is taken: too much is under way. Evidence: `bytes`, `bytesMax`. */
export class RequestsTooMany extends ConcordataError {}

/**
 * Who does not wait for the answers can ask for more than the members agree to. What is asked for has room in the process, and no
 * contract takes all of it: a partner that is down stops writes to its own contracts first. One request is taken, however large.
 */
export class RoomAsked {
  readonly #bytesMax: number
  readonly #ofContractMax: number
  readonly #of = new Map<Uid, number>()
  #bytes = 0

  constructor(bytesMax = ASKED_BYTES_MAX, ofContractMax = OF_CONTRACT_BYTES_MAX) {
    this.#bytesMax = bytesMax
    this.#ofContractMax = ofContractMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps room for it until it is done with. Throws RequestsTooMany. */
  take(contract: Uid, { requestBytes, valueBytes, verdict }: Submission): void {
    const bytes = SUBMISSION_BYTES + UNFOLDED * (requestBytes + valueBytes)
    const taken = this.#of.get(contract) ?? 0
    if (taken > 0) assertRoom('this contract', taken + bytes, this.#ofContractMax)
    if (this.#bytes > 0) assertRoom('all contracts together', this.#bytes + bytes, this.#bytesMax)
    this.#add(contract, bytes)
    const done = () => this.#add(contract, -bytes)
    verdict.then(done, done)
  }

  #add(contract: Uid, bytes: number): void {
    this.#bytes += bytes
    const taken = (this.#of.get(contract) ?? 0) + bytes
    if (taken > 0) this.#of.set(contract, taken)
    else this.#of.delete(contract)
  }
}

function assertRoom(where: string, bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return
  const message = `requests under way in ${where} would take ${bytes} bytes, and ${bytesMax} are what this node has for them: come again when some have settled`
  throw new RequestsTooMany('requests_too_many', message, { bytes, bytesMax })
}
