import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { socketTargets } from './socket-targets.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
const runs = Number(values.runs)
const { world, targets: onSockets } = await socketTargets()
for (const target of [...targets, ...onSockets]) {
  if (!target.name.includes(values.only ?? '')) {
    await target.close?.()
    continue
  }
  const start = performance.now()
  try {
    await fuzz(target, runs, seed)
    const made = Math.ceil(runs * (target.share ?? 1))
    console.log(`${target.name}: ${made} inputs, ${Math.round(performance.now() - start)} ms, seed ${seed}`)
  } catch (error) {
    process.exitCode = 1
    console.error(
      `${target.name}, seed ${seed}: ${(error as Error).message.slice(0, 3000)}\n${String((error as Error).cause).slice(0, 2000)}`,
    )
  }
}
await world.close()
if (world.faults.length > 0) {
  process.exitCode = 1
  console.error(`faults of the software were logged: ${JSON.stringify(world.faults).slice(0, 3000)}`)
}
