import { appendUntilKilled } from './store-conformance/crash-trail.ts'

/** store-crasher.ts OPENER DIRECTORY: writes on and on, and prints what the store has acknowledged, until it is killed. */
const [opener = '', directory = ''] = process.argv.slice(2)
const { open } = await import(opener)
await appendUntilKilled(await open(directory), (line) => console.log(line))
