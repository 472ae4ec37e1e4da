import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openNode } from '../../src/index.ts'

/** How often it is looked. Milliseconds. */
const LOOK_EVERY_MS = 10

/** node-process.ts DIRECTORY: a node that tells its parent, asked by any message, what it has been through since it was asked last. */
export interface Strained {
  /** In bytes: at most, and when it was asked; garbage included. */
  readonly heapMax: number
  readonly heap: number
  /** For how long nothing else had its turn, at most and for all but one in a hundred. Milliseconds. */
  readonly delayMax: number
  readonly delayP99: number
}

const [data = ''] = process.argv.slice(2)
const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
let heapMax = 0
setInterval(() => {
  heapMax = Math.max(heapMax, process.memoryUsage().heapUsed)
}, LOOK_EVERY_MS)
await openNode({ data })
delay.enable()
process.on('message', () => {
  const heap = process.memoryUsage().heapUsed
  const strained: Strained = {
    heapMax: Math.max(heapMax, heap),
    heap,
    delayMax: delay.max / 1e6,
    delayP99: delay.percentile(99) / 1e6,
  }
  heapMax = 0
  delay.reset()
  process.send?.(strained)
})
// Who is gone leaves no node behind.
process.on('disconnect', () => process.exit())
process.send?.('runs')
