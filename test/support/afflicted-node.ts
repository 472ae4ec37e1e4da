import { readFileSync } from 'node:fs'
import { ServerResponse } from 'node:http'
import { registerHooks } from 'node:module'

/**
 * Before everything else in a node's process (`--import`), as the environment asks for it: a clock that is wrong, by so many
 * milliseconds as a file says that is read at each SIGUSR2; and a fault in the software, one text in one file for another.
 */
const { AFFLICTED_CLOCK, AFFLICTED_CODE } = process.env

if (AFFLICTED_CLOCK !== undefined) {
  const RightDate = Date
  let aheadMs = 0
  const read = () => {
    aheadMs = Number(readFileSync(AFFLICTED_CLOCK, 'utf8'))
  }
  process.on('SIGUSR2', read)
  read()
  globalThis.Date = class extends RightDate {
    constructor(...of: [] | [number | string | Date]) {
      super(...((of.length === 0 ? [RightDate.now() + aheadMs] : of) as [number]))
    }

    static override now(): number {
      return RightDate.now() + aheadMs
    }
  } as DateConstructor
  // Node says what time it is by a clock of its own.
  const { writeHead } = ServerResponse.prototype
  ServerResponse.prototype.writeHead = function (this: ServerResponse, ...of: unknown[]) {
    this.setHeader('date', new Date().toUTCString())
    return writeHead.apply(this, of as Parameters<typeof writeHead>)
  }
}

if (AFFLICTED_CODE !== undefined) {
  const { file, from, to } = JSON.parse(AFFLICTED_CODE) as { file: string; from: string; to: string }
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(file)) return loaded
      const source = String(loaded.source)
      if (source.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
      return { ...loaded, source: source.replace(from, to) }
    },
  })
}
