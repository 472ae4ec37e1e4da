import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'

/** Which problems HTTP has answered in this process: `422 write_unfit`. */
const answered = new Set<string>()
const dir = process.env.CONCORDATA_ANSWERED

export function noteAnswered(status: number, code: string): void {
  answered.add(`${status} ${code}`)
}

// Also of nodes that are processes of their own, whoever in this one calls them.
const ask = globalThis.fetch
globalThis.fetch = async (...call) => {
  const answer = await ask(...call)
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') === true) {
    const { code } = (await answer.clone().json()) as { code: string }
    noteAnswered(answer.status, code)
  }
  return answer
}

// `npm test` reads what all its files have met (test/run/answered.ts).
if (dir !== undefined) {
  process.once('exit', () => {
    mkdirSync(dir, { recursive: true })
    writeFileSync(`${dir}/${randomUUID()}.json`, JSON.stringify([...answered]))
  })
}
