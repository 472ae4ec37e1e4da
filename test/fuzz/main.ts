import { commandLine, number, text } from '../support/command-line.ts'
import { fuzz } from './fuzz.ts'
import { socketTargets } from './socket-targets.ts'
import { targets } from './targets.ts'

const usage = 'npm run fuzz -- [options]: malformed input for every decoder, route, frame and outward call'
const { only, runs, seed } = commandLine(usage, {
  runs: number(10_000, 'inputs for each target, or its share of them', 1),
  seed: number(Date.now() % 2 ** 31, 'of the inputs; drawn unless it is set'),
  only: text('the targets alone that have this in their name'),
})
const { world, targets: onSockets } = await socketTargets()
const all = [...targets, ...onSockets]
if (!all.some(({ name }) => name.includes(only))) {
  process.exitCode = 2
  console.error(`no target has ${only} in its name`)
}
for (const target of all) {
  if (!target.name.includes(only)) {
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
