/**
 * store-filler.ts OPENER DIRECTORY: appends until the store fails, then prints how many events were acknowledged, with
 * which code it failed, and how many can still be read.
 */
// Reaching the limit shall make writes fail, as a full disk does, and not end the process, as tap's instrumentation would.
process.on('SIGXFSZ', () => {})

const [opener = '', directory = ''] = process.argv.slice(2)
const { open } = await import(opener)
const { events } = await open(directory)
const data = JSON.stringify('x'.repeat(20_000))
for (let acknowledged = 0; ; acknowledged++) {
  try {
    await events.append('a', acknowledged - 1, [{ type: 'Fact', data }])
  } catch (error) {
    let readable = 0
    for await (const _ of events.read('a')) readable++
    console.log(JSON.stringify({ acknowledged, code: (error as { code?: unknown }).code, readable }))
    process.exit()
  }
}
