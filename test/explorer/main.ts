import { commandLine, number, text } from '../support/command-line.ts'
import { configurations } from './configurations.ts'
import { explore } from './explore.ts'

/** `node test/explorer/main.ts [--only name] [--limit states]`: one line for each world; ends with 1 at a violation. */
const usage = 'npm run explore -- [options]: every interleaving of small worlds, a line for each world'
const { only, limit } = commandLine(usage, {
  only: text(
    'that world alone',
    '',
    configurations.map(({ name }) => name),
  ),
  limit: number(1_000_000, 'states of a world at most', 1),
})

for (const configuration of configurations) {
  if (only !== '' && configuration.name !== only) continue
  const { name, states, transitions, depth, quiet, views, isComplete, seconds } = explore(configuration, limit)
  const end = isComplete ? 'complete' : 'NOT COMPLETE'
  console.log(
    `${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${quiet} quiet, ${views} views, ${end}, ${seconds.toFixed(1)} s`,
  )
}
