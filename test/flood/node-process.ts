import { monitorEventLoopDelay } from 'node:perf_hooks'
import { GCProfiler, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openNode } from '../../src/index.ts'

/** How often it is looked. Milliseconds. */
const LOOK_EVERY_MS = 10

/** node-process.ts DIRECTORY: a node that tells its parent, asked by any message, what it has been through since it was asked last. */
export interface Strained {
  /** What the heap was at most, garbage included. When V8 collects is V8's affair. Bytes. */
  readonly heapMax: number
  /** What was held of it behind a full collection, at most, and when it was asked. */
  readonly heldMax: number
  readonly held: number
  /** For how long nothing else had its turn, at most and for all but one in a hundred. Milliseconds. */
  readonly delayMax: number
  readonly delayP99: number
}

const [data = ''] = process.argv.slice(2)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
let collections = new GCProfiler()
const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
let heapMax = 0
setInterval(() => {
  heapMax = Math.max(heapMax, process.memoryUsage().heapUsed)
}, LOOK_EVERY_MS)
await openNode({ data })
delay.enable()
collections.start()
process.on('message', () => {
  const [delayMax, delayP99] = [delay.max / 1e6, delay.percentile(99) / 1e6]
  collect()
  const held = process.memoryUsage().heapUsed
  const heldThen = collections
    .stop()
    .statistics.filter(({ gcType }) => gcType === 'MarkSweepCompact')
    .map(({ afterGC }) => afterGC.heapStatistics.usedHeapSize)
  const strained: Strained = { heapMax, heldMax: Math.max(held, ...heldThen), held, delayMax, delayP99 }
  heapMax = 0
  collections = new GCProfiler()
  collections.start()
  delay.reset()
  process.send?.(strained)
})
// Who is gone leaves no node behind.
process.on('disconnect', () => process.exit())
process.send?.('runs')
