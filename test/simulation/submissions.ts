import { EngineUnknown } from '../../src/aggregates/contract/engines.ts'
import { memberOf } from '../../src/aggregates/contract/state.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import type { Intent, Submission, SubmissionResult } from '../../src/contracts/requests/submission.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { both } from '../support/engine-2.ts'
import type { Machine } from './machine.ts'
import type { Run } from './run.ts'

/** Begins everything that people, and policies, have to say: nothing that is signed may have it anywhere. */
export const SAID = '(said by a person)'

export interface Command {
  readonly type: string
  readonly [key: string]: unknown
}

export interface SubmitOptions {
  readonly payloads?: object
  readonly tentative?: boolean
  readonly timeoutMs?: number
  readonly retry?: true
  /** It is a change set, with these commands behind the one. */
  readonly asOneWith?: readonly Command[]
}

/** What people ask for, with what they say about it; what they are told goes to the oracle. */
export class Submissions {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  async submit(machine: Machine, command: Command, options: SubmitOptions = {}): Promise<void> {
    const run = this.#run
    const live = await machine.live(run.contract)
    if (live === undefined || memberOf(live.state.ledger.document, machine.handle) === undefined) return
    run.requests++
    const { asOneWith, payloads, tentative, ...rest } = options
    const said = this.#saying(machine, command)
    const request = {
      id: `${machine.handle} ${run.requests}`,
      commands: [said.command, ...(asOneWith ?? [])],
      ...(asOneWith ? { changeSet: true as const } : {}),
      ...(tentative ? { tentative: true as const } : {}),
      ...said.seals,
    }
    run.trace(`${machine.address} submits ${request.id}: ${command.type}${tentative ? ', tentative' : ''}`)
    const submission = this.#submission(machine, live, {
      request,
      payloads: { ...payloads, ...said.payloads },
      ...rest,
    })
    if (submission === undefined) return
    const told = (verdict: SubmissionResult) => {
      run.count(verdict.kind === 'settled' ? verdict.outcome.kind : verdict.kind)
      if (verdict.kind === 'settled' && verdict.outcome.kind === 'accepted') run.count(`accepted ${command.type}`)
      if (verdict.kind === 'settled' && verdict.outcome.kind === 'refused') {
        if (verdict.outcome.by.some(({ code }) => code === 'payload_missing')) run.count('refused for want of a value')
      }
      run.trace(`${machine.address} is told of ${request.id}: ${JSON.stringify(verdict)}`)
      if (run.isHonest(machine)) {
        run.oracle.promised(machine, 'request' in verdict ? verdict.request : undefined, verdict)
      }
    }
    submission.verdict.then(told, () => run.count('not told'))
    submission.verdict.then(
      (verdict) => {
        if (verdict.kind === 'timed out' && verdict.request === undefined) run.oracle.neverSigned(machine, request.id)
      },
      () => {},
    )
  }

  /** Undefined where the contract goes on in an engine that is not here: its user is told so. */
  #submission(machine: Machine, live: LiveContract, intent: Intent): Submission | undefined {
    try {
      return live.submit(intent)
    } catch (error) {
      if (!(error instanceof EngineUnknown) || machine.engines === both) throw error
      this.#run.count('could not go on without the engine')
      return undefined
    }
  }

  /** Now and then somebody has something to say about it, which may not come along; who asked stays at home. */
  #saying(machine: Machine, command: Command) {
    const { sources, requests } = this.#run
    const random = sources.of('words', machine.address)
    const payloads: { [seal: Hash]: Payload } = {}
    const sealed = (value: unknown, comesAlong: boolean) => {
      const { seal: hash, payload } = seal(value, random.bytes(16))
      if (comesAlong) payloads[hash] = payload
      return hash
    }
    const about = (share: number) =>
      random.chance(share) ? { about: sealed({ text: `${SAID} ${command.type} ${requests}` }, random.chance(0.8)) } : {}
    const mayExplain = command.type === 'LockRecord' || command.type === 'Resign'
    const user = random.chance(0.1) ? { user: sealed(`${SAID} I am`, random.chance(0.2)) } : {}
    return { command: { ...command, ...(mayExplain ? about(0.5) : {}) }, seals: { ...about(0.1), ...user }, payloads }
  }
}
