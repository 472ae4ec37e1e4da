/**
 * The data of an event in a stream to which others may write as well, such as the process that serves users, the one that is
 * trusted the least; undefined for what is no JSON, which no form fits.
 */
export function jsonIn(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
