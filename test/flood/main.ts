import { parseArgs } from 'node:util'
import { brokenIn, flooded, lineOf } from './flooding.ts'
import { floods } from './floods.ts'
import { Ground } from './ground.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, only: { type: 'string', default: '' } },
})
for (const flood of floods.filter(({ name }) => name.includes(values.only))) {
  const ground = await Ground.open(flood.onServer)
  try {
    const outcome = await flooded(ground, flood, Number(values.seconds))
    console.log(lineOf(outcome))
    if (brokenIn(outcome).length > 0) process.exitCode = 1
  } finally {
    await ground.close()
  }
}
