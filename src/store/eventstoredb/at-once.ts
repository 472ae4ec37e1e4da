/** How many calls are under way at once. */
export const CALLS_MAX = 32

/** Works on all of them, some at a time. Throws the first failure, when nothing is under way any more. */
export async function eachOf<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (let next = queue.next(); failure === undefined && !next.done; next = queue.next()) {
      await work(next.value).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: CALLS_MAX }, worker))
  if (failure !== undefined) throw (failure as { error: unknown }).error
}
