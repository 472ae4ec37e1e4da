import { join } from 'node:path'
import type { Child } from './child.ts'
import { type Load, type LoadResult, sum } from './measure.ts'

/** How long is measured. */
export interface Plan {
  readonly rounds: number
  readonly warmUpSeconds: number
  readonly floorSeconds: number
  readonly ourSeconds: number
  /** Changes one by one, a round and side. */
  readonly samples: number
}

/** What one side of the comparison measured in one round. */
export interface Round {
  readonly changesPerSecond: number
  /** Over all parties, with what they still do once the last change has settled. Microseconds. */
  readonly cpuPerChange: number
  /** What the store of one party grows by. */
  readonly bytesPerChange: number
  /** One change at a time: milliseconds of each, in order of size; then as above. */
  readonly restMs: readonly number[]
  readonly restCpuPerChange: number
  readonly restBytesPerChange: number
}

interface Usage {
  readonly cpu: number
  readonly bytes: number
}

/** Changes under way at saturation, by the square of the parties: enough for all cores, and no call takes longer than it may. */
const OUTSTANDING = 18_432
/** So little processor time a look is nothing of note. */
const QUIET_MICROS = 4_000
const LOOK_EVERY_MS = 60
const QUIET_LOOKS_MAX = 50

/** Parties of one kind as processes; the first of them makes the changes. */
export class Side {
  readonly #children: readonly Child[]
  readonly #about: Readonly<Record<string, unknown>>

  constructor(children: readonly Child[], about: Readonly<Record<string, unknown>> = {}) {
    this.#children = children
    this.#about = about
  }

  async warmUp(seconds: number, samples: number): Promise<void> {
    await this.#load(seconds)
    await this.#rest(samples)
    await this.#quiet()
  }

  /** With so many changes under way that no party is ever idle for want of them. */
  async saturated(seconds: number): Promise<Pick<Round, 'changesPerSecond' | 'cpuPerChange' | 'bytesPerChange'>> {
    const before = await this.#usage()
    const { changes, seconds: took } = await this.#load(seconds)
    await this.#quiet()
    const { cpu, bytes } = this.#growth(before, await this.#usage(), changes)
    return { changesPerSecond: changes / took, cpuPerChange: cpu, bytesPerChange: bytes }
  }

  /** One change after another. */
  async atRest(samples: number): Promise<Pick<Round, 'restMs' | 'restCpuPerChange' | 'restBytesPerChange'>> {
    const before = await this.#usage()
    const restMs = await this.#rest(samples)
    await this.#quiet()
    const { cpu, bytes } = this.#growth(before, await this.#usage(), samples)
    return { restMs, restCpuPerChange: cpu, restBytesPerChange: bytes }
  }

  /** A CPU profile of each party while `work` lasts, as files in there. */
  async profiled(dir: string, name: string, work: () => Promise<unknown>): Promise<void> {
    for (const child of this.#children) await child.ask({ kind: 'profile' })
    await work()
    for (const [place, child] of this.#children.entries()) {
      await child.ask({ kind: 'profile', file: join(dir, `${name}-${place}.cpuprofile`) })
    }
  }

  /** User and system time of all its processes so far, in microseconds. */
  async cpu(): Promise<number> {
    return sum(await Promise.all(this.#children.map((child) => child.ask<number>({ kind: 'cpu' }))))
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.end()))
  }

  get #writer(): Child {
    return this.#children[0] as Child
  }

  #load(seconds: number): Promise<LoadResult> {
    const load: Load = { seconds, outstanding: Math.round(OUTSTANDING / this.#children.length ** 2) }
    return this.#writer.ask<LoadResult>({ kind: 'load', load, ...this.#about })
  }

  #rest(samples: number): Promise<number[]> {
    return this.#writer.ask<number[]>({ kind: 'rest', samples, ...this.#about })
  }

  async #usage(): Promise<Usage> {
    const bytes = await Promise.all(this.#children.map((child) => child.ask<number>({ kind: 'bytes' })))
    return { cpu: await this.cpu(), bytes: sum(bytes) / this.#children.length }
  }

  #growth(before: Usage, after: Usage, changes: number): Usage {
    return { cpu: (after.cpu - before.cpu) / changes, bytes: (after.bytes - before.bytes) / changes }
  }

  /** What is still under way counts as well: heads that come back, read models, a last write. */
  async #quiet(): Promise<void> {
    let before = await this.cpu()
    for (let look = 0; look < QUIET_LOOKS_MAX; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      const now = await this.cpu()
      if (now - before < QUIET_MICROS * this.#children.length) return
      before = now
    }
  }
}
