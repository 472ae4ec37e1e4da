import { writeFileSync } from 'node:fs'
import { vectorOf } from './protocol-play.ts'
import { plays } from './protocol-scenarios.ts'

/** Writes test/vectors/protocol/*.json: to be run when a vector is added, never to make one that fails pass. */
for (const [name, play] of Object.entries(plays)) {
  const path = new URL(`protocol/${name}.json`, import.meta.url)
  writeFileSync(path, `${JSON.stringify(vectorOf(play), null, 2)}\n`)
}
