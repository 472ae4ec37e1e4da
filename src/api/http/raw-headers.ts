/**
 * How often a header is there: of several with one name Node.js keeps the first, and who stands before this node may have gone by another.
 * `name`: in lower case; `raw`: names and values in turn, as `IncomingMessage.rawHeaders`; a program in this process has none.
 */
export function timesSaid(name: string, raw: readonly string[] = []): number {
  let times = 0
  for (let at = 0; at < raw.length; at += 2) {
    const other = raw[at] as string
    if (other.length === name.length && other.toLowerCase() === name) times++
  }
  return times
}
