import type { Contracts } from '../../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Sink } from './sink.ts'
import { ANY, type StateSubject } from './subject.ts'

export interface StatesPorts {
  readonly contracts: Contracts
  readonly obstacles: () => readonly object[]
  readonly questionsOf: (live: LiveContract) => Promise<readonly object[]>
  readonly clock: Clock
}

/** How often it is looked whether something is another. Milliseconds. */
const LOOK_EVERY_MS = 1_000

interface Watched {
  readonly subject: StateSubject
  readonly sinks: Map<Sink, string>
  /** As it was told last. */
  told: string | undefined
}

/**
 * Tells what GET gives at a path, whole, when somebody begins to watch it and each time it is another: the contracts with their
 * standings, the questions to people, what stops contracts. It is looked at once for all who watch it.
 */
export class States {
  readonly #ports: StatesPorts
  readonly #watched = new Map<string, Watched>()
  #cancel: (() => void) | undefined

  constructor(ports: StatesPorts) {
    this.#ports = ports
  }

  /** `spelling`: of the subject, as whoever watches has it. */
  async watch(subject: StateSubject, spelling: string, sink: Sink): Promise<void> {
    const key = `${subject.kind} ${subject.contract}`
    const watched = this.#watched.get(key) ?? { subject, sinks: new Map(), told: undefined }
    this.#watched.set(key, watched)
    watched.sinks.set(sink, spelling)
    const now = await this.#read(subject)
    if (watched.sinks.has(sink)) sink.send({ subject: spelling, value: JSON.parse(now) })
    watched.told ??= now
    this.#lookLater()
  }

  /** Nothing of it is told to this one any more; left out: of nothing. */
  leave(sink: Sink, subject?: StateSubject): void {
    for (const [key, watched] of this.#watched) {
      if (subject !== undefined && key !== `${subject.kind} ${subject.contract}`) continue
      watched.sinks.delete(sink)
      if (watched.sinks.size === 0) this.#watched.delete(key)
    }
    if (this.#watched.size === 0) this.close()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #lookLater(): void {
    this.#cancel ??= this.#ports.clock.after(LOOK_EVERY_MS, () => void this.#look())
  }

  async #look(): Promise<void> {
    for (const watched of [...this.#watched.values()]) {
      // What cannot be told now is told when it can be.
      const now = await this.#read(watched.subject).catch(() => watched.told)
      if (now === undefined || now === watched.told) continue
      watched.told = now
      for (const [sink, subject] of watched.sinks) sink.send({ subject, value: JSON.parse(now) })
    }
    this.#cancel = undefined
    if (this.#watched.size > 0) this.#lookLater()
  }

  async #read({ contract, kind }: StateSubject): Promise<string> {
    const { contracts, obstacles, questionsOf } = this.#ports
    if (kind === 'contracts') return JSON.stringify(await contracts.summaries())
    if (kind === 'obstacles') return JSON.stringify(obstacles())
    // Where nothing is in memory, nobody is asked.
    const asking = [...contracts.cache.active()].filter((live) => contract === ANY || live.contract === contract)
    const questions = await Promise.all(
      asking.map(async (live) =>
        (await questionsOf(live)).map((question) => ({ contract: live.contract, ...question })),
      ),
    )
    return JSON.stringify(questions.flat())
  }
}
