/**
 * The data of an event in a stream to which the process that serves users may write as well, the one that is trusted the
 * least; undefined for what is no JSON, which no form fits.
 */
export function jsonIn(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
