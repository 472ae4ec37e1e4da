import { commandLine, number, text } from '../support/command-line.ts'
import { brokenIn, flooded, lineOf } from './flooding.ts'
import { floods } from './floods.ts'
import { Ground } from './ground.ts'

const usage = 'npm run flood -- [options]: real floods, with heap and event loop measured'
const { only, seconds } = commandLine(usage, {
  seconds: number(20, 'of each', 1),
  only: text('the floods alone that have this in their name'),
})
const asked = floods.filter(({ name }) => name.includes(only))
if (asked.length === 0) {
  process.exitCode = 2
  console.error(`no flood has ${only} in its name: ${floods.map(({ name }) => name).join('; ')}`)
}
for (const flood of asked) {
  const ground = await Ground.open(flood.onServer)
  try {
    const outcome = await flooded(ground, flood, seconds)
    console.log(lineOf(outcome))
    if (brokenIn(outcome).length > 0) process.exitCode = 1
  } finally {
    await ground.close()
  }
}
