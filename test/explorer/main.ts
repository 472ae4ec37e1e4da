import { parseArgs } from 'node:util'
import { configurations } from './configurations.ts'
import { explore } from './explore.ts'

/** `node test/explorer/main.ts [--only name] [--limit states]`: one line for each world; ends with 1 at a violation. */
const { values } = parseArgs({ options: { only: { type: 'string' }, limit: { type: 'string', default: '1000000' } } })

for (const configuration of configurations) {
  if (values.only !== undefined && configuration.name !== values.only) continue
  const { name, states, transitions, depth, quiet, views, isComplete, seconds } = explore(
    configuration,
    Number(values.limit),
  )
  const end = isComplete ? 'complete' : 'NOT COMPLETE'
  console.log(
    `${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${quiet} quiet, ${views} views, ${end}, ${seconds.toFixed(1)} s`,
  )
}
