import { mkdirSync, writeFileSync } from 'node:fs'

/** Which problems HTTP has answered in this process: `422 write_unfit`. */
const answered = new Set<string>()
const dir = process.env.CONCORDATA_ANSWERED

export function noteAnswered(status: number, code: string): void {
  answered.add(`${status} ${code}`)
}

// `npm test` reads what all its files have met (test/run/answered.ts).
if (dir !== undefined) {
  process.once('exit', () => {
    mkdirSync(dir, { recursive: true })
    writeFileSync(`${dir}/${process.pid}.json`, JSON.stringify([...answered]))
  })
}
