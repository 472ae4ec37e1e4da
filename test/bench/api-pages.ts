/** `node api-pages.ts <api> <path> <key> <rows>`: reads a list page by page, as its links say, and exits when it has at least so many rows. */
const [api, path = '', key, rows] = process.argv.slice(2)
let count = 0
for (let at: string | undefined = path; at !== undefined; ) {
  const answer = await fetch(new URL(at, api), { headers: { authorization: `Bearer ${key}` } })
  if (answer.status !== 200) throw new Error(await answer.text())
  count += ((await answer.json()) as unknown[]).length
  at = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
}
if (count < Number(rows)) throw new Error(`${count} rows`)
