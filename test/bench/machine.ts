import { cpus, loadavg } from 'node:os'

/** Milliseconds that all cores were busy with anything at all. */
function busyMs(): number {
  return cpus().reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0)
}

/** What the machine does while something is measured. */
export class Machine {
  readonly #load = loadavg()[0]
  readonly #began = performance.now()
  readonly #busy = busyMs()

  /** `ownMs`: processor time of what was measured, since the beginning. */
  report(ownMs: number): string {
    const cores = cpus()
    const has = (performance.now() - this.#began) * cores.length
    const others = Math.max(0, busyMs() - this.#busy - ownMs)
    const share = (ms: number) => `${((100 * ms) / has).toFixed(0)} %`
    const load = (value: number | undefined) => (value ?? 0).toFixed(1)
    return (
      `Node ${process.versions.node}, ${cores.length} cores (${cores[0]?.model.trim()}); load ${load(this.#load)} before, ` +
      `${load(loadavg()[0])} after; of their time ${share(ownMs)} went to this, ${share(others)} to other programs`
    )
  }
}
