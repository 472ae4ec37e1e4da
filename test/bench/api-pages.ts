/** `node api-pages.ts <api> <path> <key> <rows> <times>`: reads a list page by page, as its links say, so often, and exits when it has had at least so many rows each time. */
const [api, path = '', key, rows, times] = process.argv.slice(2)
for (let time = 0; time < Number(times); time++) {
  let count = 0
  for (let at: string | undefined = path; at !== undefined; ) {
    const answer = await fetch(new URL(at, api), { headers: { authorization: `Bearer ${key}` } })
    if (answer.status !== 200) throw new Error(await answer.text())
    count += ((await answer.json()) as unknown[]).length
    at = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
  }
  if (count < Number(rows)) throw new Error(`${count} rows`)
}
