/**
 * The id of a request that was asked for under a key of its caller: the key first, and then what was asked for. Both are MACs: who
 * reads the feed learns neither. So it is found again in the own feed, which the others give back after a restore (design §10, decision 0129).
 */
const KEYED = /^(k\.[\w-]{22})\.[\w-]{22}$/

/** Both of 22 characters of base64url: 128 bits. */
export function keyedId(key: string, content: string): string {
  return `k.${key}.${content}`
}

/** The key in an id; undefined: it has none. */
export function keyIn(id: string): string | undefined {
  return KEYED.exec(id)?.[1]
}

/** What stands for caller and key alone: 22 characters of base64url. Requires what `keyIn` returns. */
export function macIn(key: string): string {
  return key.slice('k.'.length)
}
