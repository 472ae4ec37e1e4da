/**
 * access-log-filler.ts PATH: writes down calls until the file cannot grow any more, makes some room, and writes down one more. Prints
 * the code of the failure.
 */
import { statSync, truncateSync } from 'node:fs'
import { AccessLog } from '../../src/node/inward/access-log.ts'
import { systemClock } from '../../src/runtime/clock.ts'

// Reaching the limit shall make writes fail, as a full disk does, and not end the process.
process.on('SIGXFSZ', () => {})

const [path = ''] = process.argv.slice(2)
const log = new AccessLog(path, systemClock, () => {})
const ask = (n: number) => log.asked({ who: 'erp', method: 'PUT', path: `/new-api/${n}`, call: `req-${n}` })
for (let n = 0; ; n++) {
  try {
    ask(n)
  } catch (error) {
    console.log((error as { code?: unknown }).code)
    break
  }
}
truncateSync(path, statSync(path).size - 500)
ask(1_000_000)
log.close()
