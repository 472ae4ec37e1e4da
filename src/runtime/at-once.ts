/** Works on each item, several at a time. Rejects as soon as one does. */
export async function eachAtOnce<Item>(
  items: Iterable<Item>,
  atOnceMax: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = items[Symbol.iterator]()
  const workOn = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnceMax }, workOn))
}
