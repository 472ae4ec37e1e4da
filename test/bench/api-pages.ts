import { measured } from './measured.ts'

/**
 * `node api-pages.ts <api> <path> <key> <rows> <times>`, with a channel to its parent: reads a list page by page, as its links say, once to warm up, and then so
 * often; each time it has to have at least so many rows.
 */
const [api, path = '', key, rows, times] = process.argv.slice(2)
await measured(readAll, async () => {
  for (let time = 0; time < Number(times); time++) await readAll()
})

async function readAll(): Promise<void> {
  let count = 0
  for (let at: string | undefined = path; at !== undefined; ) {
    const answer = await fetch(new URL(at, api), { headers: { authorization: `Bearer ${key}` } })
    if (answer.status !== 200) throw new Error(await answer.text())
    count += ((await answer.json()) as unknown[]).length
    at = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
  }
  if (count < Number(rows)) throw new Error(`${count} rows`)
}
