import { once } from 'node:events'
import { appendAmongOthers } from './store-conformance/contention.ts'

/** store-writer.ts OPENER DIRECTORY NAME COUNT: says `ready`, waits for a line, appends to the stream that others share. */
const [opener = '', directory = '', name = '', count = ''] = process.argv.slice(2)
const { open } = await import(opener)
const store = await open(directory)
console.log('ready')
await once(process.stdin, 'data')
process.stdin.destroy()
await appendAmongOthers(store, name, Number(count))
await store.close()
